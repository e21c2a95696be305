package hf

import (
	"math"
	"math/rand/v2"
	"testing"
)

func normP(p, x vec) float64 {
	var sum float64
	for i := range x {
		sum += p[i] * x[i] * x[i]
	}
	return math.Sqrt(sum)
}

// optimal returns min q(x) over ‖x‖ ≤ radius for a diagonal A, by bisection on the multiplier of the constraint.
func optimal(a []float64, b vec, radius float64) float64 {
	x := func(multiplier float64) vec {
		x := make(vec, len(a))
		for i := range x {
			x[i] = b[i] / (a[i] + multiplier)
		}
		return x
	}
	least := 0.0
	for _, ai := range a {
		least = math.Max(least, -ai)
	}
	lo, hi := least, least+1e6
	for range 200 {
		mid := (lo + hi) / 2
		if v := x(mid); v.Dot(v) > radius*radius {
			lo = mid
		} else {
			hi = mid
		}
	}
	v := x(hi)
	var q float64
	for i := range v {
		q += a[i]*v[i]*v[i]/2 - b[i]*v[i]
	}
	return q
}

// Steihaug and Toint: ‖x‖_P grows with each iteration, the run ends on the border, and the result is at least half as good as
// the best point of the region where A is positive definite (section 8.6).
func TestTrustRegion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	const n = 15
	for trial := range 60 {
		definite := trial%2 == 0
		a, b, p := make([]float64, n), randomVec(rng, n), make(vec, n)
		for i := range n {
			a[i] = math.Exp(2 * rng.NormFloat64())
			if !definite && i%3 == 0 {
				a[i] *= -0.1
			}
			p[i] = math.Exp(rng.NormFloat64())
		}
		radius := math.Exp(2 * rng.NormFloat64())
		last := 0.0
		x := make(vec, n)
		cg := CG[float64]{Radius: radius, ResidualTolerance: 1e-9, Precondition: Diagonal[float64]{p}, Observe: observe(func(it Iterate[float64]) (StopReason, error) {
			norm := normP(p, it.X.(vec))
			if norm <= last*(1-1e-7) || norm > radius*(1+1e-6) {
				t.Errorf("‖x‖_P goes from %g to %g inside radius %g", last, norm, radius)
			}
			last = norm
			return NotStopped, nil
		})}
		res, err := cg.Minimize(t.Context(), diagonal(a...), b, x)
		if err != nil {
			t.Fatal(err)
		}
		if res.Stop == StopBoundary || res.Stop == StopNegativeCurvature {
			if math.Abs(last/radius-1) > 1e-6 {
				t.Errorf("%s at ‖x‖_P = %g, want radius %g", res.Stop, last, radius)
			}
		} else if res.Stop != StopConverged {
			t.Errorf("stopped by %s", res.Stop)
		}
		// in coordinates γ = P^½ x the region is a ball
		scaled, c := make([]float64, n), make(vec, n)
		for i := range n {
			scaled[i], c[i] = a[i]/p[i], b[i]/math.Sqrt(p[i])
		}
		if best := optimal(scaled, c, radius); definite && res.Q > best/2+1e-9 || res.Q < best*(1+1e-5)-1e-9 {
			t.Errorf("q = %g, want between %g and, if definite, its half (radius %g, %s)", res.Q, best, radius, res.Stop)
		}
	}
}

func TestTrustRegionFollowsNegativeCurvatureToTheBorder(t *testing.T) {
	x := make(vec, 2)
	res, err := CG[float64]{Radius: 3}.Minimize(t.Context(), diagonal(-1, -1), vec{3, 4}, x)
	if err != nil || res.Stop != StopNegativeCurvature || res.Iterations != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	if math.Abs(x[0]-1.8) > 1e-12 || math.Abs(x[1]-2.4) > 1e-12 {
		t.Errorf("x = %v, want [1.8 2.4]", x)
	}
}

// The radius follows the LM rule where the run ended on the border, and is not widened where it did not get there (section 8.6): on a
// quadratic ρ is 1. Every run starts from zero.
func TestRadiusFollowsTheRule(t *testing.T) {
	d := spectrum(10, func(i int) float64 { return float64(1 + i) })
	for _, c := range []struct {
		name         string
		solver       TrustSolver
		radius, next float64
	}{
		{"border", TrustSteihaug, 0.1, 0.15},
		{"inside", TrustSteihaug, 1e3, 1e3},
		{"border, by Lanczos", TrustGLTR, 0.1, 0.15},
		{"inside, by Lanczos", TrustGLTR, 1e3, 1e3},
	} {
		o, err := New(bowl{d, make(vec, 10)}, make(vec, 10), Settings{Damping: DampTrustRegion, TrustSolver: c.solver, Radius: c.radius, Rho: Rho{Damped: true},
			Precondition: PreconditionSettings{Kind: PreconditionNone}})
		if err != nil {
			t.Fatal(err)
		}
		for k := range 2 {
			r, err := o.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if delta := vec(o.State().Delta); r.Zeta != 0 || r.CGInitM != 0 || delta.Dot(delta) != 0 {
				t.Errorf("%s: ζ = %g, M = %g at the start, next start %v", c.name, r.Zeta, r.CGInitM, delta)
			}
			if k == 0 && math.Abs(o.Progress().Radius/c.next-1) > 1e-12 {
				t.Errorf("%s: the radius goes from %g to %g, want %g (ρ = %g, %s)", c.name, c.radius, o.Progress().Radius, c.next, r.Rho, r.CGStop)
			}
		}
	}
}
