package hf

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// The trust-region problem of a tridiagonal matrix against its eigen-decomposition: y solves the shifted system, the shifted
// matrix is positive semi-definite, and y lies on the border unless the shift is 0.
func TestTridiagonalTrustRegionAgainstEigenvalues(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	inside, border := 0, 0
	for trial := range 200 {
		n := 1 + trial%12
		T := tridiagonal{diagonal: randomVec(rng, n), off: make([]float64, n-1)}
		for j := range T.off {
			T.off[j] = 0.05 + rng.Float64()
		}
		if trial%3 == 0 { // diagonally dominant
			for j := range T.diagonal {
				T.diagonal[j] = 3 + rng.Float64()
			}
		}
		gamma, radius := 0.1+rng.Float64(), math.Exp(2*rng.NormFloat64()-1)
		y, lambda := T.minimize(gamma, radius)

		dense := mat.NewSymDense(n, nil)
		for j := range n {
			dense.SetSym(j, j, T.diagonal[j])
			if j+1 < n {
				dense.SetSym(j, j+1, T.off[j])
			}
		}
		var eigen mat.EigenSym
		eigen.Factorize(dense, true)
		least := eigen.Values(nil)[0]
		if lambda < 0 || lambda+least < -1e-9 {
			t.Errorf("λ = %g with a least eigenvalue of %g", lambda, least)
		}
		for i := range n {
			rest := lambda * y[i]
			for j := range n {
				rest += dense.At(i, j) * y[j]
			}
			if i == 0 {
				rest -= gamma
			}
			if math.Abs(rest) > 1e-8*(1+gamma) {
				t.Errorf("n = %d: row %d of (T + λI)y − γe₁ is %g", n, i, rest)
			}
		}
		length := norm(y)
		if lambda == 0 {
			inside++
			if length > radius*(1+1e-9) || least <= 0 {
				t.Errorf("inside, with ‖y‖ = %g, radius %g, least eigenvalue %g", length, radius, least)
			}
		} else {
			border++
			if math.Abs(length/radius-1) > 1e-6 {
				t.Errorf("λ = %g, and yet ‖y‖ = %g in radius %g", lambda, length, radius)
			}
		}
	}
	if inside < 10 || border < 10 {
		t.Errorf("%d inside, %d on the border: the test sees too little", inside, border)
	}
}

// In the whole Krylov space GLTR finds the optimum, also where A is indefinite, and on the way it is never worse than Steihaug.
func TestGLTRIsOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	const n = 15
	better := 0
	for trial := range 60 {
		a, b, p := make([]float64, n), randomVec(rng, n), make(vec, n)
		for i := range n {
			a[i] = math.Exp(2 * rng.NormFloat64())
			if trial%2 == 1 && i%3 == 0 {
				a[i] *= -0.1
			}
			p[i] = math.Exp(rng.NormFloat64())
		}
		radius := math.Exp(2 * rng.NormFloat64())
		scaled, c := make([]float64, n), make(vec, n)
		for i := range n {
			scaled[i], c[i] = a[i]/p[i], b[i]/math.Sqrt(p[i])
		}
		x, A := make(vec, n), diagonal(a...)
		res, err := GLTR[float64]{Radius: radius, Precondition: Diagonal[float64]{p}}.Minimize(t.Context(), A, b, x)
		if err != nil {
			t.Fatal(err)
		}
		if best := optimal(scaled, c, radius); math.Abs(res.Q-best) > 1e-6*math.Abs(best) {
			t.Errorf("q = %g, want %g (%s after %d)", res.Q, best, res.Stop, res.Iterations)
		}
		if got := A.q(b, x); math.Abs(got-res.Q) > 1e-8*math.Abs(res.Q) {
			t.Errorf("q(x) = %g is reported as %g", got, res.Q)
		}
		length := normP(p, x)
		if onBorder := math.Abs(length/radius-1) < 1e-6; onBorder != (res.Stop == StopBoundary) || length > radius*(1+1e-6) {
			t.Errorf("%s with ‖x‖_P = %g in radius %g", res.Stop, length, radius)
		}
		for _, products := range []int{1, 2, 4, 8} {
			x, y := make(vec, n), make(vec, n)
			lanczos, _ := GLTR[float64]{Radius: radius, Max: products, Precondition: Diagonal[float64]{p}}.Minimize(t.Context(), A, b, x)
			cg, _ := CG[float64]{Radius: radius, Max: products, Precondition: Diagonal[float64]{p}}.Minimize(t.Context(), A, b, y)
			if lanczos.Q > cg.Q+1e-9*math.Abs(cg.Q) {
				t.Errorf("%d products: q = %g, Steihaug has %g", products, lanczos.Q, cg.Q)
			}
			if lanczos.Q < cg.Q-1e-3*math.Abs(cg.Q) {
				better++
			}
		}
	}
	if better < 20 {
		t.Errorf("only %d of 240 runs are better than Steihaug's: the border is not followed", better)
	}
}

func TestGLTRSaysWhyItEnds(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		A    *dense
		b    vec
		g    GLTR[float64]
		stop StopReason
		err  error
	}{
		{"b = 0", t.Context(), diagonal(1, 1), vec{0, 0}, GLTR[float64]{Radius: 1}, StopConverged, nil},
		{"inside", t.Context(), diagonal(1, 2), vec{1, 1}, GLTR[float64]{Radius: 10}, StopConverged, nil},
		{"limit", t.Context(), diagonal(1, 2, 3), vec{1, 1, 1}, GLTR[float64]{Radius: 10, Max: 2}, StopMax, nil},
		{"border", t.Context(), diagonal(1, 2, 3), vec{1, 1, 1}, GLTR[float64]{Radius: 0.1, Max: 2}, StopBoundary, nil},
		{"negative curvature", t.Context(), diagonal(-1, -2), vec{1, 1}, GLTR[float64]{Radius: 1}, StopBoundary, nil},
		{"not finite", t.Context(), diagonal(1, math.Inf(1)), vec{1, 1}, GLTR[float64]{Radius: 1}, StopNonFinite, nil},
		{"b not finite", t.Context(), diagonal(1, 1), vec{1, math.NaN()}, GLTR[float64]{Radius: 1}, StopNonFinite, nil},
		{"product", t.Context(), &dense{n: 2, a: make([]float64, 4), fail: broken}, vec{1, 1}, GLTR[float64]{Radius: 1}, 0, broken},
		{"context", cancelled, diagonal(1, 2), vec{1, 1}, GLTR[float64]{Radius: 1}, 0, context.Canceled},
	} {
		res, err := c.g.Minimize(c.ctx, c.A, c.b, vec{9, 9, 9}[:c.A.n])
		if !errors.Is(err, c.err) || err == nil && res.Stop != c.stop {
			t.Errorf("%s: %s, %v; want %s, %v", c.name, res.Stop, err, c.stop, c.err)
		}
	}
	stopped, _ := GLTR[float64]{Radius: 1e3, Stop: stopAfter(2)}.Minimize(t.Context(), diagonal(1, 2, 3), vec{1, 1, 1}, make(vec, 3))
	if stopped.Stop != StopProgress || stopped.Iterations != 2 {
		t.Errorf("%s after %d iterations", stopped.Stop, stopped.Iterations)
	}
}

// The run ends at the first iterate whose residual, of the damped system, is below the tolerance.
func TestGLTRStopsOnTheResidual(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	for trial := range 10 {
		A, b := withSpectrum(rng, spectrum(30, func(i int) float64 { return 1 + float64(i)/10 })), randomVec(rng, 30)
		residual := func(products int) (float64, Result) {
			x, r := make(vec, 30), make(vec, 30)
			res, err := GLTR[float64]{Radius: 1e6, ResidualTolerance: 1e-3, Max: products}.Minimize(t.Context(), A, b, x)
			if err != nil {
				t.Fatal(err)
			}
			A.Product(t.Context(), r, x)
			r.Add(-1, b)
			return math.Sqrt(r.Dot(r) / b.Dot(b)), res
		}
		rest, res := residual(100)
		before, _ := residual(res.Iterations - 1)
		if res.Stop != StopConverged || rest > 1e-3*(1+1e-9) || before <= 1e-3 {
			t.Errorf("trial %d: %s after %d iterations with a residual of %g, and %g before, want the first below 1e-3", trial, res.Stop, res.Iterations, rest, before)
		}
	}
}

// The optimizer solves its subproblem as the setting says: within the border Lanczos goes on and gets lower.
func TestTrustSolverIsTheOneThatIsSet(t *testing.T) {
	d := spectrum(30, func(i int) float64 { return 1 + float64(i*i) })
	step := func(solver TrustSolver) Report {
		o, err := New(bowl{d, make(vec, 30)}, make(vec, 30), Settings{Damping: DampTrustRegion, TrustSolver: solver, Radius: 2, CG: CGSettings{Max: 25},
			Precondition: PreconditionSettings{Kind: PreconditionNone}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	steihaug, lanczos := step(TrustSteihaug), step(TrustGLTR)
	if steihaug.CGStop != StopBoundary || lanczos.CGSteps <= steihaug.CGSteps || lanczos.ModelDecrease >= steihaug.ModelDecrease*(1+1e-6) {
		t.Errorf("Steihaug: M = %g after %d steps (%s); Lanczos: %g after %d", steihaug.ModelDecrease, steihaug.CGSteps, steihaug.CGStop, lanczos.ModelDecrease, lanczos.CGSteps)
	}
}

type stopAfter int

func (n stopAfter) Stop(q []float64) bool { return len(q) > int(n) }

// A Lanczos that is used again gives the same bits.
func TestLanczosIsUsedAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 5))
	A, b := withSpectrum(rng, spectrum(12, func(i int) float64 { return float64(i) - 3 })), randomVec(rng, 12)
	work := new(Lanczos[float64])
	p := Diagonal[float64]{vec{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}}
	for _, P := range []Preconditioner[float64]{nil, p, nil, p} {
		x, fresh := make(vec, 12), make(vec, 12)
		if _, err := (GLTR[float64]{Radius: 2, Work: work, Precondition: P}).Minimize(t.Context(), A, b, x); err != nil {
			t.Fatal(err)
		}
		GLTR[float64]{Radius: 2, Precondition: P}.Minimize(t.Context(), A, b, fresh)
		for i := range x {
			if x[i] != fresh[i] {
				t.Fatalf("x[%d] = %g, with vectors of its own %g", i, x[i], fresh[i])
			}
		}
	}
}
