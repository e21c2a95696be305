package hf

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"curvestream/accel"
)

// sampledMatrix is an average of matrices, one a case.
type sampledMatrix struct {
	cases []*dense
	asked int
}

func (s *sampledMatrix) Product(ctx context.Context, dst, v accel.Vector[float64]) error {
	dst.Zero()
	part := dst.New()
	for _, A := range s.cases {
		if err := A.Product(ctx, part, v); err != nil {
			return err
		}
		dst.Add(1/float64(len(s.cases)), part)
	}
	return nil
}

func (s *sampledMatrix) Variance(ctx context.Context, v accel.Vector[float64]) (variance float64, cases int, err error) {
	s.asked++
	mean, part := v.New(), v.New()
	if err := s.Product(ctx, mean, v); err != nil {
		return 0, 0, err
	}
	for _, A := range s.cases {
		if err := A.Product(ctx, part, v); err != nil {
			return 0, 0, err
		}
		part.Add(-1, mean)
		variance += part.Dot(part) / float64(len(s.cases))
	}
	return variance, len(s.cases), nil
}

// CG ends at the first iterate whose residual is within the sampling error, found with one look at the variance, along −P⁻¹r₀; with cases
// that are all the same, which leave no error, it goes on to convergence.
func TestSamplingEndsCG(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	const n = 12
	for _, spread := range []float64{0, 0.01, 0.3} {
		A, cases := &sampledMatrix{}, 30
		if spread == 0 {
			cases = 2 // whose average has no rounding
		}
		common := withSpectrum(rng, spectrum(n, func(i int) float64 { return math.Exp(float64(i) / 2) }))
		for range cases {
			one := &dense{n: n, a: append([]float64(nil), common.a...)}
			u := randomVec(rng, n)
			for i := range n {
				for j := range n {
					one.a[i*n+j] += spread * u[i] * u[j]
				}
			}
			A.cases = append(A.cases, one)
		}
		b := randomVec(rng, n)
		variance, _, err := A.Variance(t.Context(), b) // p₀ = b
		if err != nil {
			t.Fatal(err)
		}
		bound := variance / float64(cases) / b.Dot(b)
		A.asked = 0
		within := 0
		see := observe(func(it Iterate[float64]) (StopReason, error) {
			r := make(vec, n)
			if err := A.Product(t.Context(), r, it.X); err != nil {
				return NotStopped, err
			}
			r.Add(-1, b)
			if within == 0 && r.Dot(r) <= bound*it.X.Dot(it.X) {
				within = it.I
			}
			return NotStopped, nil
		})
		x := make(vec, n)
		res, err := CG[float64]{Sampling: &Sampling[float64]{Source: A}, Observe: see}.Minimize(t.Context(), A, b, x)
		switch {
		case err != nil || A.asked != 1:
			t.Errorf("spread %g: %v; the variance was asked for %d times", spread, err, A.asked)
		case spread == 0 && res.Stop != StopConverged:
			t.Errorf("equal cases: CG ends by %s", res.Stop)
		case spread > 0 && (res.Stop != StopSampling || res.Iterations != within):
			t.Errorf("spread %g: CG ends by %s after %d, want %s after %d", spread, res.Stop, res.Iterations, StopSampling, within)
		}
	}
}

// The setting needs a linearization that knows the variance, and says so.
func TestSamplingNeedsTheVariance(t *testing.T) {
	l := rosenbrock()
	o, err := New[float64](l, append(vec(nil), l.start...), Settings{CG: CGSettings{Sampling: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Step(t.Context()); err == nil {
		t.Error("no error")
	}
}
