package hf

import (
	"errors"
	"testing"

	"curvestream/accel"
)

// minimize runs at most limit iterations, until f is at most target or no step lowers it.
func minimize[F accel.Float](t *testing.T, l *leastSquares[F], s Settings, limit int, target float64) (Report, accel.Slice[F]) {
	t.Helper()
	theta := append(accel.Slice[F](nil), l.start...)
	o, err := New(l, theta, s)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	for range limit {
		previous := r
		if r, err = o.Step(t.Context()); errors.Is(err, ErrStalled) {
			return previous, theta
		} else if err != nil {
			t.Fatalf("%s: %v", l.name, err)
		}
		if r.Outcome == Accepted && r.F >= r.F0 {
			t.Errorf("%s: iteration %d is accepted with f from %g to %g", l.name, r.Iteration, r.F0, r.F)
		}
		if r.F <= target || r.Outcome == Stationary {
			break
		}
	}
	return r, theta
}

func TestClassicFunctionsReachTheirMinimum(t *testing.T) {
	settings := map[string]Settings{
		"default":           {},
		"no preconditioner": {Precondition: PreconditionSettings{Kind: PreconditionNone}},
		"walk back":         {Select: SelectSettings{Rule: SelectWalkBack, Grid: Grid{Every: 1}}},
		"last, from zero":   {Select: SelectSettings{Rule: SelectLast}, CG: CGSettings{Start: StartZero}},
		"damped rho":        {Rho: Rho{Damped: true}},
		"refreshed":         {CG: CGSettings{Refresh: 1}},
		"structural":        {Structural: Structural{Mu: 0.3, Rule: MuOwn}},
		"trust region":      {Damping: DampTrustRegion, Precondition: PreconditionSettings{Kind: PreconditionNone}},
		"trust region in P": {Damping: DampTrustRegion},
	}
	for name, s := range settings {
		t.Run(name, func(t *testing.T) {
			for _, l := range classics() {
				r, theta := minimize(t, l, s, 400, 1e-14)
				if !(r.F <= 1e-14) {
					t.Errorf("%s: f = %g at %v after %d iterations (%s, λ = %g, r = %g)",
						l.name, r.F, theta, r.Iteration, r.Outcome, r.Lambda, r.Radius)
				}
				t.Logf("%s: %d iterations, %d products, %d evaluations", l.name, r.Iteration, l.products, l.evaluations)
				if l.open != 0 {
					t.Errorf("%s: %d linearizations are left open", l.name, l.open)
				}
			}
		})
	}
}
