package hf

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// change returns l in coordinates θ with l's coordinates Cθ, C being n × n and row-major, multiplied by factor.
func change(l *leastSquares[float64], C []float64, factor float64) *leastSquares[float64] {
	n, root := len(l.start), math.Sqrt(factor)
	c := *l
	c.residuals = func(theta, r, J []float64) {
		x, inner := multiplyBy(C, theta), make([]float64, len(J))
		l.residuals(x, r, inner)
		for i := range l.m {
			r[i] *= root
			for k := range n {
				J[i*n+k] = 0
				for j := range n {
					J[i*n+k] += root * inner[i*n+j] * C[j*n+k]
				}
			}
		}
	}
	return &c
}

func multiplyBy(C, x []float64) []float64 {
	n := len(x)
	y := make([]float64, n)
	for i := range n {
		for j := range n {
			y[i] += C[i*n+j] * x[j]
		}
	}
	return y
}

// solveFor returns the x with Cx = y, by elimination.
func solveFor(C, y []float64) []float64 {
	n := len(y)
	a, x := append([]float64(nil), C...), append([]float64(nil), y...)
	for i := range n {
		pivot := i
		for k := i; k < n; k++ {
			if math.Abs(a[k*n+i]) > math.Abs(a[pivot*n+i]) {
				pivot = k
			}
		}
		for j := range n {
			a[i*n+j], a[pivot*n+j] = a[pivot*n+j], a[i*n+j]
		}
		x[i], x[pivot] = x[pivot], x[i]
		for k := range n {
			if k == i {
				continue
			}
			f := a[k*n+i] / a[i*n+i]
			for j := i; j < n; j++ {
				a[k*n+j] -= f * a[i*n+j]
			}
			x[k] -= f * x[i]
		}
	}
	for i := range n {
		x[i] /= a[i*n+i]
	}
	return x
}

// directionOf returns δ of one iteration from theta, CG run to convergence.
func directionOf(t *testing.T, l *leastSquares[float64], theta []float64, s Settings) []float64 {
	t.Helper()
	s.CG = CGSettings{NoProgressStop: true, Start: StartZero, Refresh: 1, ResidualTolerance: 1e-14}
	s.Select.Rule, s.LineSearch.Kind = SelectLast, LineSearchFixed
	moved := append(vec(nil), theta...)
	o, err := New(l, moved, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	moved.Add(-1, vec(theta))
	return moved
}

// The invariances of section 8.3, by what each kind of damping promises and what it does not.
func TestInvariancesOfDamping(t *testing.T) {
	exact := PreconditionSettings{Kind: PreconditionExact, Xi: 1, KappaOfMean: 1e-3}
	diagonalOf := Settings{Damping: DampDiagonal, Lambda: 0.3, DampingShape: Interpolation{KappaOfMean: -1}, Precondition: exact}
	interpolated := diagonalOf
	interpolated.DampingShape = Interpolation{KappaOfMean: 0.5}
	curvature := Settings{Damping: DampCurvature, Lambda: 0.3, Precondition: exact}
	tikhonov := Settings{Lambda: 0.3, Precondition: exact}
	rng := rand.New(rand.NewPCG(31, 1))
	identity := func(n int) []float64 {
		C := make([]float64, n*n)
		for i := range n {
			C[i*n+i] = 1
		}
		return C
	}
	stretched := func(n int) []float64 {
		C := identity(n)
		for i := range n {
			C[i*n+i] = math.Exp(rng.NormFloat64())
		}
		return C
	}
	full := func(n int) []float64 {
		C := identity(n)
		for i := range C {
			C[i] += 0.4 * rng.NormFloat64()
		}
		return C
	}
	for _, c := range []struct {
		name   string
		s      Settings
		C      func(n int) []float64
		factor float64
		holds  bool
	}{
		{"D = diag(B), f rescaled", diagonalOf, identity, 7, true},
		{"D = diag(B), diagonal reparameterisation", diagonalOf, stretched, 1, true},
		{"D = diag(B), any reparameterisation", diagonalOf, full, 1, false},
		{"D between diag(B) and I, f rescaled", interpolated, identity, 7, true},
		{"D between diag(B) and I, diagonal reparameterisation", interpolated, stretched, 1, false},
		{"D = B, f rescaled", curvature, identity, 7, true},
		{"D = B, any reparameterisation", curvature, full, 1, true},
		{"D = I, f rescaled", tikhonov, identity, 7, false},
		{"D = I, diagonal reparameterisation", tikhonov, stretched, 1, false},
	} {
		l := classics()[0]
		n := len(l.start)
		C := c.C(n)
		want := directionOf(t, l, l.start, c.s)
		theta := solveFor(C, l.start)
		got := multiplyBy(C, directionOf(t, change(l, C, c.factor), theta, c.s))
		difference := append(vec(nil), got...)
		difference.Add(-1, vec(want))
		same := math.Sqrt(difference.Dot(difference)) <= 1e-7*math.Sqrt(vec(want).Dot(vec(want)))
		if same != c.holds {
			t.Errorf("%s: δ is %v, in the other coordinates %v; equal: want %v", c.name, want, got, c.holds)
		}
	}
}

// Scale is C of section 8.2: damping by D = CᵀC in other coordinates is Tikhonov damping in the old ones.
func TestScaleUndoesAReparameterisation(t *testing.T) {
	l := classics()[2]
	n := len(l.start)
	C, scale := make([]float64, n*n), make([]float64, n)
	for i := range n {
		C[i*n+i] = float64(i+1) / 2
		scale[i] = C[i*n+i] * C[i*n+i]
	}
	for name, p := range map[string]PreconditionSettings{
		"no P": {Kind: PreconditionNone}, "κ diag(s)": {Kind: PreconditionExact, Kappa: 2, Xi: 1},
	} {
		want := directionOf(t, l, l.start, Settings{Lambda: 5, Precondition: p})
		got := multiplyBy(C, directionOf(t, change(l, C, 1), solveFor(C, l.start), Settings{Lambda: 5, Precondition: p, Scale: scale}))
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-8*(1+math.Abs(want[i])) {
				t.Errorf("%s: δ[%d] = %g, want %g", name, i, got[i], want[i])
			}
		}
	}
	// P itself: (d + κs)^ξ
	d := vec{1, 4}
	soften[float64](d, vec{1, 3}, make(vec, 2), 4, 0, 0.5)
	if math.Abs(d[0]-math.Sqrt(5)) > 1e-12 || math.Abs(d[1]-4) > 1e-12 {
		t.Errorf("P = %v, want [√5 4]", d)
	}
}

// The three faces of a Damper agree with the matrix D: λDv, diag(λD) and ½λ δᵀDδ.
func TestDampersAgreeWithThemselves(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 3))
	const n, lambda = 6, 0.7
	B := withSpectrum(rng, spectrum(n, func(i int) float64 { return float64(i) }))
	scale := vec{1, 2, 3, 0.5, 0.1, 4}
	for name, c := range map[string]struct {
		damper Damper[float64]
		D      func(i, j int) float64
	}{
		"D = I":       {Tikhonov[float64]{lambda}, func(i, j int) float64 { return map[bool]float64{true: 1}[i == j] }},
		"D = diag(s)": {Scaled[float64]{lambda, scale, make(vec, n)}, func(i, j int) float64 { return scale[i] * map[bool]float64{true: 1}[i == j] }},
		"D = B":       {Proportional[float64]{lambda}, func(i, j int) float64 { return B.a[i*n+j] }},
	} {
		v, Bv := randomVec(rng, n), make(vec, n)
		B.Product(t.Context(), Bv, v)
		got, d := append(vec(nil), Bv...), make(vec, n)
		c.damper.AddProduct(got, v)
		for i := range n {
			d[i] = B.a[i*n+i]
		}
		c.damper.AddDiagonal(d)
		var penalty float64
		for i := range n {
			want := Bv[i]
			for j := range n {
				want += lambda * c.D(i, j) * v[j]
				penalty += lambda / 2 * v[i] * c.D(i, j) * v[j]
			}
			if math.Abs(got[i]-want) > 1e-12 || math.Abs(d[i]-B.a[i*n+i]-lambda*c.D(i, i)) > 1e-12 {
				t.Errorf("%s: product %g, want %g; diagonal %g", name, got[i], want, d[i])
			}
		}
		if p := c.damper.Penalty(v, v.Dot(got)/2); math.Abs(p-penalty) > 1e-12 {
			t.Errorf("%s: penalty %g, want %g", name, p, penalty)
		}
	}
}

// M(δ), as ρ has it, is that of the undamped matrix for every kind of damping.
func TestModelIsUndamped(t *testing.T) {
	for _, damping := range []DampingKind{DampTikhonov, DampDiagonal, DampCurvature, DampNone} {
		l := classics()[0]
		theta := append(vec(nil), l.start...)
		s := Settings{Damping: damping, Lambda: 0.4, LineSearch: LineSearchSettings{LineSearch: LineSearch{Kind: LineSearchFixed}}}
		o, err := New(l, theta, s)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		theta.Add(-1, vec(l.start))
		lin, _ := l.Linearize(t.Context(), vec(l.start))
		Bd, g := make(vec, 2), make(vec, 2)
		lin.Product(context.Background(), Bd, theta, 0)
		l.Gradient(t.Context(), vec(l.start), g, nil)
		if want := theta.Dot(Bd)/2 + g.Dot(theta); math.Abs(r.ModelDecrease-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s: M(δ) = %g, want %g", damping, r.ModelDecrease, want)
		}
	}
}

// Section 8.2: with weights e^θ in the place of w, an update by D = CᵀC, C being the Jacobian of e^θ, is to first order the one that
// Tikhonov damping gives for w, and Tikhonov damping of θ itself is another one.
func TestExponentialReparameterisation(t *testing.T) {
	l := classics()[5]
	w := []float64{1.5, 0.4}
	exponential := *l
	exponential.residuals = func(theta, r, J []float64) {
		x, n := make([]float64, len(theta)), len(theta)
		for i := range theta {
			x[i] = math.Exp(theta[i])
		}
		l.residuals(x, r, J)
		for i := range l.m {
			for k := range n {
				J[i*n+k] *= x[k]
			}
		}
	}
	theta, scale := make([]float64, len(w)), make([]float64, len(w))
	for i := range w {
		theta[i], scale[i] = math.Log(w[i]), w[i]*w[i] // C = diag(e^θ)
	}
	none := PreconditionSettings{Kind: PreconditionNone}
	want := directionOf(t, l, w, Settings{Lambda: 3, Precondition: none})
	scaled := directionOf(t, &exponential, theta, Settings{Lambda: 3, Precondition: none, Scale: scale})
	plain := directionOf(t, &exponential, theta, Settings{Lambda: 3, Precondition: none})
	for i := range w {
		if got := w[i] * scaled[i]; math.Abs(got-want[i]) > 1e-9*(1+math.Abs(want[i])) {
			t.Errorf("Cδ[%d] = %g, want %g", i, got, want[i])
		}
		if got := w[i] * plain[i]; math.Abs(got-want[i]) < 1e-3*math.Abs(want[i]) {
			t.Errorf("without the scale Cδ[%d] = %g is the same", i, got)
		}
	}
}

// D of damping by the diagonal is (diag(B) + κs)^ξ, κ being absolute and a part of the mean of diag(B) (sections 8.3, 11.2 and 13).
func TestShapeOfDampingByTheDiagonal(t *testing.T) {
	for _, c := range []struct {
		shape Interpolation
		scale []float64
		want  vec
	}{
		{Interpolation{KappaOfMean: -1}, nil, vec{1, 4, 16}},
		{Interpolation{}, nil, vec{1.07, 4.07, 16.07}}, // the mean is 7
		{Interpolation{Xi: 0.5, KappaOfMean: -1}, nil, vec{1, 2, 4}},
		{Interpolation{Kappa: 3, KappaOfMean: -1}, nil, vec{4, 7, 19}},
		{Interpolation{Xi: 0.5, Kappa: 1.5, KappaOfMean: 0.5}, nil, vec{math.Sqrt(6), 3, math.Sqrt(21)}},
		{Interpolation{Kappa: 3, KappaOfMean: -1}, []float64{1, 2, 3}, vec{4, 10, 25}},
	} {
		o, err := New(bowl{vec{1, 1, 1}, make(vec, 3)}, make(vec, 3), Settings{Damping: DampDiagonal, DampingShape: c.shape, Scale: c.scale})
		if err != nil {
			t.Fatal(err)
		}
		copy(o.d.(vec), vec{1, 4, 16})
		got := make(vec, 3)
		o.damper(2).AddDiagonal(got)
		for i, want := range c.want {
			if math.Abs(got[i]-2*want) > 1e-12 {
				t.Errorf("%+v: λD = %v, want twice %v", c.shape, got, c.want)
				break
			}
		}
	}
}
