package hf

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"curvestream/accel"

	"gonum.org/v1/gonum/mat"
)

// The basis is orthonormal and spans P⁻¹b, (P⁻¹A)P⁻¹b, … and the previous δ, with one product a vector.
func TestSubspace(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	const n = 9
	A, b, previous := withSpectrum(rng, spectrum(n, func(i int) float64 { return 1 + float64(i) })), randomVec(rng, n), randomVec(rng, n)
	P := Diagonal[float64]{vec{1, 2, 3, 1, 2, 3, 1, 2, 3}}
	var s subspace[float64]
	for _, c := range []struct {
		size     int
		previous vec
		want     int
	}{{4, previous, 5}, {4, make(vec, n), 4}, {n, previous, n}, {n + 5, previous, n}, {1, b, 2}} {
		A.products = 0
		if err := s.span(t.Context(), A, P, b, c.previous, c.size); err != nil {
			t.Fatal(err)
		}
		if len(s.v) != c.want || A.products != c.want {
			t.Errorf("size %d: %d vectors by %d products, want %d", c.size, len(s.v), A.products, c.want)
		}
		for i, v := range s.v {
			for j, u := range s.v {
				want := 0.0
				if i == j {
					want = 1
				}
				if got := v.Dot(u); math.Abs(got-want) > 1e-10 {
					t.Errorf("size %d: v%dᵀv%d = %g", c.size, i, j, got)
				}
			}
		}
		next := append(vec(nil), b...)
		next.Div(P.D)
		for range min(c.size, 4) {
			rest := append(vec(nil), next...)
			for _, v := range s.v {
				rest.Add(-v.Dot(next), v)
			}
			if got := math.Sqrt(rest.Dot(rest) / next.Dot(next)); got > 1e-9 {
				t.Errorf("size %d: a Krylov vector lies outside by %g", c.size, got)
			}
			w := make(vec, n)
			A.Product(t.Context(), w, next)
			w.Div(P.D)
			next = w
		}
	}
}

// In the coordinates of BFGS the matrix is the identity; directions whose eigenvalue is below the floor are scaled as if it were there.
func TestScalesMakeTheMatrixTheIdentity(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 3))
	eigenvalues := []float64{100, 7, 2, 0.5, 1e-9, 0}
	A, n := withSpectrum(rng, eigenvalues), len(eigenvalues)
	symmetric := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			symmetric.SetSym(i, j, (A.a[i*n+j]+A.a[j*n+i])/2)
		}
	}
	for _, floor := range []float64{1e-8, 1e-4, 0.05} {
		transform, ok := scales(symmetric, floor)
		if !ok {
			t.Fatal("no positive eigenvalue is found")
		}
		var got mat.Dense
		got.Product(transform.T(), symmetric, transform)
		for i := range n {
			for j := range n {
				want := 0.0
				if value := eigenvalues[n-1-i]; i == j { // gonum's are in rising order
					want = value / math.Max(value, floor*100)
				}
				if math.Abs(got.At(i, j)-want) > 1e-5 {
					t.Errorf("floor %g: element %d, %d is %g, want %g", floor, i, j, got.At(i, j), want)
				}
			}
		}
	}
	if _, ok := scales(mat.NewSymDense(2, nil), 1e-4); ok {
		t.Error("a zero matrix has scales")
	}
}

// On a quadratic, BFGS in a subspace of all directions finds the minimum, and in a smaller one the lowest point of it, which is
// what CG finds with as many products.
func TestKSDOnAQuadratic(t *testing.T) {
	l := &leastSquares[float64]{name: "quadratic", m: 6, start: make([]float64, 6), residuals: func(x, r, J []float64) {
		clear(J)
		for i := range x {
			J[i*6+i] = 1 + float64(i)
			r[i] = J[i*6+i]*x[i] - 1
		}
	}}
	none := PreconditionSettings{Kind: PreconditionNone}
	for _, size := range []int{1, 2, 3, 6} {
		o, err := New(extend(l), make(vec, 6), Settings{Method: MethodKSD, Damping: DampNone, KSD: KSD{Size: size, Iterations: 100}, Precondition: none})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x := make(vec, 6)
		A := diagonal(1, 4, 9, 16, 25, 36)
		cg, _ := CG[float64]{Max: size}.Minimize(t.Context(), A, vec{1, 2, 3, 4, 5, 6}, x)
		if got := r.F - r.F0; math.Abs(got-cg.Q) > 1e-5*math.Abs(cg.Q) || r.CGSteps != size {
			t.Errorf("size %d: f falls by %g in %d directions, CG gets %g", size, got, r.CGSteps, cg.Q)
		}
		if math.Abs(r.Rho-1) > 1e-4 || r.Alpha != 1 || r.Gradients < 2 || o.Progress().Gradients != int64(r.Gradients) {
			t.Errorf("size %d: ρ = %g, α = %g, %d gradients", size, r.Rho, r.Alpha, r.Gradients)
		}
	}
}

// BFGS looks at its own minibatch, and the previous δ lies in the next subspace.
func TestKSDRoles(t *testing.T) {
	e := extend(rosenbrock())
	theta := append(vec(nil), e.start...)
	o, err := New(e, theta, Settings{Method: MethodKSD, Damping: DampNone, KSD: KSD{Size: 1, Role: HeldOut}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Step(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.roles[HeldOut] < 2 || e.roles[HeldOut]+1 != r.Gradients || e.roles[Gradient] != 0 {
		t.Errorf("gradients by role %v, %d in all", e.roles, r.Gradients)
	}
	moved := append(vec(nil), theta...)
	moved.Add(-1, vec(e.start))
	if delta := o.State().Delta; math.Abs(delta[0]-moved[0]) > 1e-12 || math.Abs(delta[1]-moved[1]) > 1e-12 {
		t.Errorf("the next subspace gets %v, the step was %v", delta, moved)
	}
	if r, err = o.Step(t.Context()); err != nil || r.CGSteps != 2 {
		t.Errorf("a subspace of %d, %v; want 1 and the previous step", r.CGSteps, err)
	}
}

// failing is an objective whose gradient on any minibatch fails, or is not finite, from some call on.
type failing struct {
	*extendedSquares
	from, calls int
	err         error
}

func (f *failing) GradientOn(ctx context.Context, role Role, theta, grad accel.Vector[float64]) (float64, error) {
	f.calls++
	if f.calls < f.from {
		return f.extendedSquares.GradientOn(ctx, role, theta, grad)
	}
	return math.NaN(), f.err
}

func TestKSDFailures(t *testing.T) {
	broken := errors.New("broken")
	for _, from := range []int{1, 2, 3} {
		f := &failing{extendedSquares: extend(rosenbrock()), from: from, err: broken}
		theta := append(vec(nil), f.start...)
		o, err := New(f, theta, Settings{Method: MethodKSD, Damping: DampNone})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Step(t.Context()); !errors.Is(err, broken) || f.open != 0 || theta[0] != f.start[0] {
			t.Errorf("from call %d: %v, %d open, θ = %v", from, err, f.open, theta)
		}
		f.calls, f.err = 0, nil // NaN from then on: the best point before it stands
		r, err := o.Step(t.Context())
		if from == 1 && !r.Outcome.Rejected() || err != nil || !finite(theta[0]) || r.F > r.F0 {
			t.Errorf("NaN from call %d: %s, %v, f from %g to %g", from, r.Outcome, err, r.F0, r.F)
		}
	}
	o, err := New(zeroCurvature{extend(rosenbrock())}, append(vec(nil), rosenbrock().start...), Settings{Method: MethodKSD, Damping: DampNone})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := o.Step(t.Context()); err != nil || r.Outcome != NoDirection {
		t.Errorf("without curvature: %s, %v", r.Outcome, err)
	}
}

type zeroCurvature struct{ *extendedSquares }

func (z zeroCurvature) Linearize(ctx context.Context, theta accel.Vector[float64]) (Linearization[float64], error) {
	lin, err := z.extendedSquares.Linearize(ctx, theta)
	return zeroLin{lin}, err
}

type zeroLin struct{ Linearization[float64] }

func (z zeroLin) Product(_ context.Context, dst, _ accel.Vector[float64], _ float64) error {
	dst.Zero()
	return nil
}
