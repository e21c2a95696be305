package hf

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"curvestream/accel"
)

// extendedSquares is a leastSquares that has all that an objective may have. Its Hessian is that of a finite difference.
type extendedSquares struct {
	*leastSquares[float64]
	kinds map[CurvatureKind]int
	roles map[Role]int
}

func extend(l *leastSquares[float64]) *extendedSquares {
	return &extendedSquares{l, map[CurvatureKind]int{}, map[Role]int{}}
}

func (e *extendedSquares) GradientOn(ctx context.Context, role Role, theta, grad accel.Vector[float64]) (float64, error) {
	e.roles[role]++
	if _, err := e.Gradient(ctx, theta, grad, nil); err != nil {
		return 0, err
	}
	e.evaluations--
	return e.Loss(ctx, role, theta)
}

func (e *extendedSquares) LinearizeAs(ctx context.Context, role Role, kind CurvatureKind, theta accel.Vector[float64]) (Linearization[float64], error) {
	e.kinds[kind]++
	e.roles[role]++
	lin, err := e.Linearize(ctx, theta)
	if kind == CurvatureHessian {
		return hessian{lin.(*jacobian[float64]), theta.(vec)}, err
	}
	return lin, err
}

type hessian struct {
	*jacobian[float64]
	theta vec
}

func (h hessian) Product(_ context.Context, dst, v accel.Vector[float64], _ float64) error {
	h.l.products++
	const step = 1e-6
	side := func(sign float64) vec {
		x := append(vec(nil), h.theta...)
		x.Add(sign*step, v)
		g := make(vec, len(x))
		_, r, J := h.l.at(x)
		for i := range r {
			for k := range g {
				g[k] += r[i] * J[i*len(g)+k]
			}
		}
		return g
	}
	dst.Copy(side(1))
	dst.Add(-1, side(-1))
	dst.Scale(1 / (2 * step))
	return nil
}

// Diagonal implements DiagonalSource, with D = I for the structural damping matrix.
func (j *jacobian[F]) Diagonal(_ context.Context, dst accel.Vector[F], mu float64, e Estimate) error {
	d := make([]F, j.n)
	rng := rand.New(rand.NewPCG(e.Seed, 1))
	draw := func() float64 {
		if e.Normal {
			return rng.NormFloat64()
		}
		return float64(2*rng.IntN(2) - 1)
	}
	draws := e.Draws
	if e.Exact {
		draws = 1
	}
	for range draws {
		sum := make([]float64, j.n)
		for i := range j.l.m {
			v := draw()
			for k := range j.n {
				x := j.J[i*j.n+k]
				if e.Exact {
					d[k] += F(x * x)
				}
				sum[k] += x * v
			}
		}
		for k := range j.n {
			if e.Exact {
				d[k] += F(mu)
				continue
			}
			s := sum[k] + math.Sqrt(mu)*draw()
			d[k] += F(s * s / float64(draws))
		}
	}
	dst.Write(d)
	return nil
}

var _ Extended[float64] = (*extendedSquares)(nil)

// Settings that need more than an Objective has are refused, by name.
func TestNewSaysWhatTheObjectiveLacks(t *testing.T) {
	none := PreconditionSettings{Kind: PreconditionNone}
	for name, s := range map[string]Settings{
		"Curvature = hessian": {Curvature: CurvatureHessian},
		"Method = ksd":        {Method: MethodKSD, Damping: DampNone, Precondition: none},
		"Select.Model":        {Select: SelectSettings{Model: true}},
	} {
		l := rosenbrock()
		if _, err := New(l, append(vec(nil), l.start...), s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := New(extend(l), append(vec(nil), l.start...), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(rosenbrock(), vec{1, 1}, Settings{Scale: []float64{1}}); err == nil || !strings.Contains(err.Error(), "Scale has 1") {
		t.Errorf("a scale that is too short: %v", err)
	}
	o, err := New(&bowl{vec{1, 2}, make(vec, 2)}, vec{3, 3}, Settings{Precondition: PreconditionSettings{Kind: PreconditionExact}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot estimate the diagonal") {
		t.Errorf("no source of a diagonal: %v", err)
	}
}

func TestAllMethodsReachTheMinimum(t *testing.T) {
	for name, s := range map[string]Settings{
		"diagonal damping":           {Damping: DampDiagonal},
		"diagonal damping, no P":     {Damping: DampDiagonal, Precondition: PreconditionSettings{Kind: PreconditionNone}},
		"diagonal damping, exact":    {Damping: DampDiagonal, Precondition: PreconditionSettings{Kind: PreconditionExact}},
		"curvature damping":          {Damping: DampCurvature},
		"exact P":                    {Precondition: PreconditionSettings{Kind: PreconditionExact}},
		"unbiased P":                 {Precondition: PreconditionSettings{Kind: PreconditionUnbiased, Draws: 4}},
		"unbiased P, structural":     {Precondition: PreconditionSettings{Kind: PreconditionNormal}, Structural: Structural{Mu: 0.3}},
		"the Hessian":                {Curvature: CurvatureHessian},
		"trust region by GLTR":       {Damping: DampTrustRegion, TrustSolver: TrustGLTR},
		"GLTR on the Hessian":        {Damping: DampTrustRegion, TrustSolver: TrustGLTR, Curvature: CurvatureHessian},
		"M chooses":                  {Select: SelectSettings{Model: true, Role: HeldOut}},
		"Krylov subspace descent":    {Method: MethodKSD, Damping: DampNone},
		"the same, no P, own minib.": {Method: MethodKSD, Damping: DampNone, KSD: KSD{Role: HeldOut}, Precondition: PreconditionSettings{Kind: PreconditionNone}},
	} {
		t.Run(name, func(t *testing.T) {
			target := 1e-12
			if s.Curvature == CurvatureHessian { // which is a finite difference here
				target = 1e-10
			}
			for _, l := range classics() {
				theta := append(vec(nil), l.start...)
				o, err := New(extend(l), theta, s)
				if err != nil {
					t.Fatal(err)
				}
				var r Report
				for range 600 {
					if r, err = o.Step(t.Context()); err != nil || r.F <= target || r.Outcome == Stationary {
						break
					}
				}
				if !(r.F <= target) {
					t.Errorf("%s: f = %g at %v after %d iterations (%s, %v, λ = %g, r = %g)", l.name, r.F, theta, r.Iteration, r.Outcome, err, r.Lambda, r.Radius)
				}
				t.Logf("%s: %d iterations, %d products, %d evaluations", l.name, r.Iteration, l.products, l.evaluations)
				if l.open != 0 {
					t.Errorf("%s: %d linearizations are left open", l.name, l.open)
				}
				if got := o.Progress().Products; got != int64(l.products) {
					t.Errorf("%s: %d products are counted, want %d", l.name, got, l.products)
				}
			}
		})
	}
}

// extendedShifted is a shifted with derivatives on all minibatches.
type extendedShifted struct{ *shifted }

func (o extendedShifted) GradientOn(ctx context.Context, role Role, theta, grad accel.Vector[float64]) (float64, error) {
	grad.Copy(theta)
	grad.Add(-1, o.minima[role])
	grad.Mul(o.d)
	return o.Loss(ctx, role, theta)
}

func (o extendedShifted) LinearizeAs(ctx context.Context, _ Role, _ CurvatureKind, theta accel.Vector[float64]) (Linearization[float64], error) {
	return o.Linearize(ctx, theta)
}

// The matrix is the one that the settings name, on the minibatch of the role that asks.
func TestCurvatureKindsArrive(t *testing.T) {
	for _, kind := range []CurvatureKind{CurvatureHessian, CurvatureFisher} {
		e := extend(rosenbrock())
		o, err := New(e, append(vec(nil), e.start...), Settings{Curvature: kind, Select: SelectSettings{Model: true, Role: HeldOut}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e.kinds[kind] != 2 || len(e.kinds) != 1 || e.roles[Curvature] != 1 || e.roles[HeldOut] != 2 {
			t.Errorf("%s: linearizations %v, roles %v", kind, e.kinds, e.roles)
		}
	}
}
