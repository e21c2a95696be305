package hf

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Section 12.1: with the gradient and the curvature of the same cases, ∇f lies in the range of B, and M is bounded from below even
// without damping and with fewer cases than parameters; for a squared error by −f. With the curvature of other cases M falls
// without end along a direction that they do not see.
func TestEqualMinibatchesBoundTheModel(t *testing.T) {
	const n, m = 8, 5
	rng := rand.New(rand.NewPCG(21, 1))
	rows := func() (J []vec, r []float64) {
		for range m {
			J, r = append(J, randomVec(rng, n)), append(r, rng.NormFloat64())
		}
		return J, r
	}
	for trial := range 20 {
		J, r := rows()
		other, _ := rows()
		b, f := make(vec, n), 0.0
		for i := range m {
			b.Add(-r[i], J[i])
			f += r[i] * r[i] / 2
		}
		x := make(vec, n)
		res, err := CG[float64]{Max: 50, ResidualTolerance: 1e-10}.Minimize(t.Context(), outer(J), b, x)
		if err != nil || res.Stop != StopConverged || res.Q < -f-1e-9 {
			t.Errorf("trial %d: equal cases: M = %g, %s, %v; want at least %g", trial, res.Q, res.Stop, err, -f)
		}
		if d := unseen(J, b); d.Dot(d) > 1e-18*b.Dot(b) {
			t.Errorf("trial %d: equal cases: ∇f has a part that no case of B sees", trial)
		}
		d := unseen(other, b)
		d.Scale(1e6)
		if M := outer(other).q(b, d); M > -1e3*f {
			t.Errorf("trial %d: other cases: M = %g along a direction that they do not see", trial, M)
		}
	}
}

// unseen returns the part of b that is orthogonal to all rows of J.
func unseen(J []vec, b vec) vec {
	var basis []vec
	for _, row := range append(slices.Clone(J), b) {
		v := append(vec(nil), row...)
		for range 2 {
			for _, u := range basis {
				v.Add(-u.Dot(v), u)
			}
		}
		if len(basis) == len(J) {
			return v
		}
		v.Scale(1 / math.Sqrt(v.Dot(v)))
		basis = append(basis, v)
	}
	return nil
}

// The bound of section 12.1 for any strongly convex loss: with equal cases M ≥ −½ ∇Lᵀ L″⁻¹ ∇L, whatever the net, and CG gets there where
// there are as many parameters as cases.
func TestEqualMinibatchesBoundTheModelOfConvexLosses(t *testing.T) {
	const n, m = 9, 6
	rng := rand.New(rand.NewPCG(22, 1))
	for trial := range 20 {
		b, bound := make(vec, n), 0.0
		var rooted []vec
		for range m {
			row, slope, curvature := randomVec(rng, n), rng.NormFloat64(), math.Exp(2*rng.NormFloat64())
			b.Add(-slope, row)
			bound -= slope * slope / curvature / 2
			row.Scale(math.Sqrt(curvature))
			rooted = append(rooted, row)
		}
		res, err := CG[float64]{Max: 200, Refresh: 1, ResidualTolerance: 1e-12}.Minimize(t.Context(), outer(rooted), b, make(vec, n))
		if err != nil || math.Abs(res.Q-bound) > 1e-6*-bound {
			t.Errorf("trial %d: M gets to %g, %v; want its bound %g", trial, res.Q, err, bound)
		}
	}
}

// outer returns JᵀJ.
func outer(J []vec) *dense {
	n := len(J[0])
	A := &dense{n: n, a: make([]float64, n*n)}
	for _, row := range J {
		for i := range n {
			for k := range n {
				A.a[i*n+k] += row[i] * row[k]
			}
		}
	}
	return A
}
