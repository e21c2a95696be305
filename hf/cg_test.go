package hf

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"curvestream/accel"
)

type vec = accel.Slice[float64]

// dense is an Operator given by its matrix, row-major.
type dense struct {
	n        int
	a        []float64
	products int
	fail     error
}

func (d *dense) Product(_ context.Context, dst, v accel.Vector[float64]) error {
	d.products++
	for i := range d.n {
		dst.(vec)[i] = v.Dot(vec(d.a[i*d.n : (i+1)*d.n]))
	}
	return d.fail
}

// q returns ½ xᵀAx − bᵀx, from the matrix.
func (d *dense) q(b, x vec) float64 {
	Ax := make(vec, d.n)
	for i := range d.n {
		Ax[i] = x.Dot(vec(d.a[i*d.n : (i+1)*d.n]))
	}
	return x.Dot(Ax)/2 - b.Dot(x)
}

func diagonal(d ...float64) *dense {
	A := &dense{n: len(d), a: make([]float64, len(d)*len(d))}
	for i, x := range d {
		A.a[i*A.n+i] = x
	}
	return A
}

func randomVec(rng *rand.Rand, n int) vec {
	v := make(vec, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// withSpectrum returns a matrix with the given eigenvalues and random eigenvectors: a product of reflections applied to
// their diagonal from both sides.
func withSpectrum(rng *rand.Rand, eigenvalues []float64) *dense {
	n := len(eigenvalues)
	A := diagonal(eigenvalues...)
	for range 3 {
		u := randomVec(rng, n)
		u.Scale(1 / math.Sqrt(u.Dot(u)))
		for range 2 { // A ← (A − 2uuᵀA)ᵀ, twice
			row := make(vec, n)
			for i := range n {
				row.Add(u[i], vec(A.a[i*n:(i+1)*n]))
			}
			next := make([]float64, n*n)
			for i := range n {
				for j := range n {
					next[j*n+i] = A.a[i*n+j] - 2*u[i]*row[j]
				}
			}
			A.a = next
		}
	}
	return A
}

func spectrum(n int, f func(i int) float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = f(i)
	}
	return s
}

// observe is an Observer made of a function.
type observe func(it Iterate[float64]) (StopReason, error)

func (f observe) Observe(_ context.Context, it Iterate[float64]) (StopReason, error) { return f(it) }

func TestCGReachesTheMinimiserAndRecordsTheModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 10, 30} {
		for _, warm := range []bool{false, true} {
			A := withSpectrum(rng, spectrum(n, func(i int) float64 { return 0.1 + float64(i*i) }))
			b, x := randomVec(rng, n), make(vec, n)
			if warm {
				x = randomVec(rng, n)
			}
			d := make(vec, n)
			for i := range d {
				d[i] = 0.5 + rng.Float64()
			}
			last := A.q(b, x)
			cg := CG[float64]{Max: 5 * n, Precondition: Diagonal[float64]{d}, Observe: observe(func(it Iterate[float64]) (StopReason, error) {
				want := A.q(b, it.X.(vec))
				if math.Abs(it.Q-want) > 1e-9*(1+math.Abs(want)) {
					t.Errorf("n=%d: recorded q = %g at iteration %d, want %g", n, it.Q, it.I, want)
				}
				if it.Q > last+1e-9*(1+math.Abs(last)) {
					t.Errorf("n=%d: q rises from %g to %g at iteration %d", n, last, it.Q, it.I)
				}
				last = it.Q
				return NotStopped, nil
			})}
			start, copyOfB := A.q(b, x), append(vec(nil), b...)
			res, err := cg.Minimize(t.Context(), A, b, x)
			if err != nil {
				t.Fatal(err)
			}
			if res.Stop != StopConverged || math.Abs(res.Start-start) > 1e-9*(1+math.Abs(start)) {
				t.Errorf("n=%d: stopped by %s, start %g, want converged from %g", n, res.Stop, res.Start, start)
			}
			r := make(vec, n)
			A.Product(t.Context(), r, x)
			r.Add(-1, b)
			if got := math.Sqrt(r.Dot(r)); got > 1e-9 {
				t.Errorf("n=%d: ‖Ax − b‖ = %g", n, got)
			}
			for i := range b {
				if b[i] != copyOfB[i] {
					t.Fatalf("b has changed")
				}
			}
		}
	}
}

// In exact arithmetic CG is done after as many iterations as A has distinct eigenvalues (section 9), and P⁻¹A with P = A
// has one.
func TestCGIterationsAreTheDistinctEigenvalues(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	clusters := func(m int) []float64 { return spectrum(24, func(i int) float64 { return math.Pow(3, float64(i%m)) }) }
	for _, m := range []int{1, 2, 3, 4} {
		cg := CG[float64]{ResidualTolerance: 1e-10}
		if res, _ := cg.Minimize(t.Context(), withSpectrum(rng, clusters(m)), randomVec(rng, 24), make(vec, 24)); res.Iterations != m {
			t.Errorf("%d iterations with %d distinct eigenvalues", res.Iterations, m)
		}
		exact := CG[float64]{ResidualTolerance: 1e-10, Precondition: Diagonal[float64]{vec(clusters(m))}}
		if res, _ := exact.Minimize(t.Context(), diagonal(clusters(m)...), randomVec(rng, 24), make(vec, 24)); res.Iterations != 1 {
			t.Errorf("%d iterations with P = A, want 1", res.Iterations)
		}
	}
}

// Preconditioning by P = CᵀC is CG in the coordinates γ = Cδ (section 11).
func TestPreconditionedCGIsCGInOtherCoordinates(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n, steps = 12, 5
	A := withSpectrum(rng, spectrum(n, func(i int) float64 { return float64(1 + i) }))
	b, p := randomVec(rng, n), make(vec, n)
	transformed, c := &dense{n: n, a: append([]float64(nil), A.a...)}, append(vec(nil), b...)
	for i := range n {
		p[i] = math.Exp(rng.NormFloat64())
	}
	for i := range n {
		c[i] /= math.Sqrt(p[i])
		for j := range n {
			transformed.a[i*n+j] /= math.Sqrt(p[i] * p[j])
		}
	}
	x, gamma := make(vec, n), make(vec, n)
	CG[float64]{Max: steps, Precondition: Diagonal[float64]{p}}.Minimize(t.Context(), A, b, x)
	CG[float64]{Max: steps}.Minimize(t.Context(), transformed, c, gamma)
	for i := range n {
		if want := gamma[i] / math.Sqrt(p[i]); math.Abs(x[i]-want) > 1e-10 {
			t.Errorf("x[%d] = %g, want %g", i, x[i], want)
		}
	}
}

// What CG minimises is q, which falls also where the residual cannot become small in this precision.
func TestCGOnIllConditionedSpectra(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, condition := range []float64{1e4, 1e8, 1e12} {
		const n = 40
		A := withSpectrum(rng, spectrum(n, func(i int) float64 { return math.Pow(condition, float64(i)/(n-1)) }))
		best, b, x := randomVec(rng, n), make(vec, n), make(vec, n)
		A.Product(t.Context(), b, best)
		for _, refresh := range []int{0, 10} {
			x.Zero()
			res, err := CG[float64]{Max: 2000, Refresh: refresh, ResidualTolerance: 1e-12}.Minimize(t.Context(), A, b, x)
			if err != nil {
				t.Fatal(err)
			}
			want := A.q(b, best)
			if got := A.q(b, x); got > want+1e-9*math.Abs(want) {
				t.Errorf("condition %g, refresh %d: q = %g after %d iterations (%s), want %g", condition, refresh, got, res.Iterations, res.Stop, want)
			}
		}
	}
}

func TestCGCountsItsProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, c := range []struct {
		name     string
		warm     bool
		refresh  int
		products int
	}{
		{"from zero", false, 0, 6},
		{"from elsewhere", true, 0, 7},
		{"refreshed every other time", false, 2, 9},
	} {
		A := withSpectrum(rng, spectrum(20, func(i int) float64 { return float64(1 + i) }))
		x := make(vec, 20)
		if c.warm {
			x = randomVec(rng, 20)
		}
		res, _ := CG[float64]{Max: 6, Refresh: c.refresh}.Minimize(t.Context(), A, randomVec(rng, 20), x)
		if A.products != c.products || res.Iterations != 6 || res.Stop != StopMax {
			t.Errorf("%s: %d products, %d iterations, %s; want %d products", c.name, A.products, res.Iterations, res.Stop, c.products)
		}
	}
}

// After many iterations the recurrence for r has drifted in float32; a refreshed run ends with the true residual.
func TestRefreshComputesTheResidualAnew(t *testing.T) {
	A := diagonal(1, 2, 3)
	changed := false
	cg := CG[float64]{Max: 4, Refresh: 2, Observe: observe(func(it Iterate[float64]) (StopReason, error) {
		if it.I == 1 && !changed { // an error creeps into x
			it.X.(vec)[0] += 10
			changed = true
		}
		if it.I == 2 && math.Abs(it.Q-A.q(vec{1, 1, 1}, it.X.(vec))) > 1e-12 {
			t.Errorf("q = %g after a refresh, want %g", it.Q, A.q(vec{1, 1, 1}, it.X.(vec)))
		}
		return NotStopped, nil
	})}
	if _, err := cg.Minimize(t.Context(), A, vec{1, 1, 1}, make(vec, 3)); err != nil {
		t.Fatal(err)
	}
}

func TestCGSaysWhyItEnds(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name       string
		A          *dense
		b          vec
		cg         CG[float64]
		stop       StopReason
		iterations int
	}{
		{"b = 0", diagonal(1, 1), vec{0, 0}, CG[float64]{}, StopConverged, 0},
		{"negative curvature at once", diagonal(-1, -1), vec{1, 2}, CG[float64]{}, StopNegativeCurvature, 0},
		{"negative curvature later", diagonal(2, 1, -0.1), vec{1, 1, 0.1}, CG[float64]{}, StopNegativeCurvature, 2},
		{"singular, b in the range", diagonal(1, 2, 0), vec{1, 1, 0}, CG[float64]{}, StopConverged, 2},
		{"product not finite", diagonal(1, inf), vec{1, 1}, CG[float64]{}, StopNonFinite, 0},
		{"overflow of x", diagonal(1e-300, 1e-300), vec{1e100, 1e100}, CG[float64]{}, StopNonFinite, 1},
		{"step too long for a number", diagonal(1e-310), vec{1e10}, CG[float64]{}, StopNonFinite, 0},
		{"border at the limit", diagonal(1, 2), vec{3, 3}, CG[float64]{Radius: 1, Max: 1}, StopBoundary, 1},
		{"limit", diagonal(1, 2, 3), vec{1, 1, 1}, CG[float64]{Max: 2}, StopMax, 2},
		{"observer", diagonal(1, 2, 3), vec{1, 1, 1}, CG[float64]{Observe: observe(func(Iterate[float64]) (StopReason, error) {
			return StopWorse, nil
		})}, StopWorse, 1},
	} {
		res, err := c.cg.Minimize(t.Context(), c.A, c.b, make(vec, c.A.n))
		if err != nil || res.Stop != c.stop || res.Iterations != c.iterations {
			t.Errorf("%s: %s after %d iterations, %v; want %s after %d", c.name, res.Stop, res.Iterations, err, c.stop, c.iterations)
		}
	}
}

func TestCGReturnsErrorsOfOthers(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		fail error
		cg   CG[float64]
		want error
	}{
		{"product", t.Context(), broken, CG[float64]{}, broken},
		{"observer", t.Context(), nil, CG[float64]{Observe: observe(func(Iterate[float64]) (StopReason, error) {
			return NotStopped, broken
		})}, broken},
		{"context", cancelled, nil, CG[float64]{}, context.Canceled},
	} {
		A := diagonal(1, 2, 3)
		A.fail = c.fail
		if _, err := c.cg.Minimize(c.ctx, A, vec{1, 1, 1}, make(vec, 3)); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}
