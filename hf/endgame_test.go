package hf

import (
	"math"
	"testing"
)

// The endgame of section 13 by schedules: shorter CG runs and a λ that LM may not lower beyond a floor.
func TestSchedulesOfTheEndgame(t *testing.T) {
	o, err := New(newShifted(24), make(vec, 24), Settings{
		Lambda: 1e-6, Precondition: PreconditionSettings{Kind: PreconditionNone},
		CG:          CGSettings{NoProgressStop: true, MaxSchedule: Schedule{{2, 9}, {4, 5}}},
		LambdaFloor: Schedule{{2, 0}, {3, 0.5}, {4, 0.5}},
		LM:          LM{Low: 1e-6, High: 1e-5, Drop: 0.1}, // always drops
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []struct {
		steps  int
		lambda float64
	}{{9, 1e-6}, {9, 1e-7}, {7, 0.5}, {5, 0.5}} {
		r, err := o.Step(t.Context())
		if err != nil || r.CGSteps != want.steps || math.Abs(r.Lambda-want.lambda) > 1e-12 {
			t.Errorf("iteration %d: %d steps of CG with λ = %g, %v; want %d, %g", k+1, r.CGSteps, r.Lambda, err, want.steps, want.lambda)
		}
	}
	if got := o.State().Lambda; math.Abs(got-0.05) > 1e-12 {
		t.Errorf("after the last iteration λ = %g: LM goes on from the floor", got)
	}
}

// A step that lowers f on other data by a share of what M promises is good enough if that is the minibatch's share (section 12.2).
func TestModestReduction(t *testing.T) {
	for share, want := range map[float64]float64{0: 1.5, 1: 1.5, 0.1: 1, 0.01: 2.0 / 3} {
		o, err := New(rosenbrock(), vec{-1.2, 1}, Settings{Rho: Rho{Share: share}})
		if err != nil {
			t.Fatal(err)
		}
		o.adapt(&Report{Rho: 0.05, Verdict: ModelAgrees})
		if got := o.Progress().Lambda; math.Abs(got-want) > 1e-12 {
			t.Errorf("share %g: ρ = 0.05 makes λ = %g, want %g", share, got, want)
		}
	}
}

// M on held-out data chooses as f does on a quadratic, at the price of a product for each iterate and of no evaluation.
func TestModelOnHeldOutDataChooses(t *testing.T) {
	byF := step(t, newShifted(24), Settings{Select: SelectSettings{Role: HeldOut}})
	o := extendedShifted{newShifted(24)}
	byM := step(t, o, Settings{Select: SelectSettings{Role: HeldOut, Model: true}})
	if byM.CGUsed != byF.CGUsed || byM.SelectF0 != 0 || math.Abs(byM.SelectF-(byF.SelectF-byF.SelectF0)) > 1e-9 {
		t.Errorf("M chooses %d with %g, f %d with %g", byM.CGUsed, byM.SelectF, byF.CGUsed, byF.SelectF-byF.SelectF0)
	}
	if byM.Products != byF.Products+byF.CGSteps || o.asked[HeldOut] != 1 { // the one that comes with its ∇f
		t.Errorf("%d products and %d evaluations on held-out data; by f %d products for %d iterates", byM.Products, o.asked[HeldOut], byF.Products, byF.CGSteps)
	}
}
