package hf

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"curvestream/accel"
)

func rosenbrock() *leastSquares[float64] { return classics()[0] }

func newOptimizer(t *testing.T, l *leastSquares[float64], s Settings) (*Optimizer[float64], vec) {
	t.Helper()
	theta := append(vec(nil), l.start...)
	o, err := New(l, theta, s)
	if err != nil {
		t.Fatal(err)
	}
	return o, theta
}

// Each way in which an iteration can go wrong is told apart; θ stays, λ is raised, and CG starts anew from 0.
func TestRejectedIterations(t *testing.T) {
	farFromStart := func(_ Role, x []float64) bool { return x[0] != -1.2 || x[1] != 1 }
	for _, c := range []struct {
		name    string
		spoil   func(l *leastSquares[float64])
		set     func(s *Settings)
		outcome Outcome
		stop    StopReason
		gives   error
	}{
		{"gradient", func(l *leastSquares[float64]) { l.spoilGradient = true }, nil, NonFinite, NotStopped, ErrDiverged},
		{"product", func(l *leastSquares[float64]) { l.spoilProduct = true }, nil, NonFinite, StopNonFinite, ErrDiverged},
		{"f at θ", func(l *leastSquares[float64]) { l.spoil = func(Role, []float64) bool { return true } }, nil, NonFinite, NotStopped, ErrDiverged},
		{"f at every step", func(l *leastSquares[float64]) { l.spoil = farFromStart }, nil, NonFinite, StopConverged, ErrDiverged},
		{"f at the fixed step", func(l *leastSquares[float64]) { l.spoil = farFromStart }, func(s *Settings) {
			s.LineSearch.Kind = LineSearchFixed
		}, NonFinite, StopConverged, ErrDiverged},
		{"f of the line search at θ", func(l *leastSquares[float64]) {
			l.spoil = func(role Role, _ []float64) bool { return role == HeldOut }
		}, func(s *Settings) { s.LineSearch.Role = HeldOut }, NonFinite, StopConverged, ErrDiverged},
		{"negative curvature", func(l *leastSquares[float64]) {}, func(s *Settings) {
			s.CG.Negative = NegativeReject
		}, NoDirection, StopNegativeCurvature, ErrStalled},
		{"no decrease", func(l *leastSquares[float64]) {}, nil, NoDecrease, StopConverged, ErrStalled},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := rosenbrock()
			c.spoil(l)
			s := Settings{MaxRejections: 3}
			if c.set != nil {
				c.set(&s)
			}
			var objective Objective[float64] = l
			switch c.outcome {
			case NoDirection:
				objective = negated{l}
			case NoDecrease:
				objective = rising{l}
			}
			theta := append(vec(nil), l.start...)
			o, err := New(objective, theta, s)
			if err != nil {
				t.Fatal(err)
			}
			want := 1.0
			for i := 1; i <= 3; i++ {
				r, err := o.Step(t.Context())
				want *= math.Pow(1.5, float64(i))
				if r.Outcome != c.outcome || r.CGStop != c.stop || r.Rejections != i {
					t.Errorf("iteration %d: %s, CG %s, %d rejections; want %s, %s", i, r.Outcome, r.CGStop, r.Rejections, c.outcome, c.stop)
				}
				if !reflect.DeepEqual([]float64(theta), l.start) {
					t.Fatalf("θ has moved to %v", theta)
				}
				state := o.State()
				if math.Abs(state.Lambda/want-1) > 1e-12 || state.Delta[0] != 0 || state.Delta[1] != 0 {
					t.Errorf("iteration %d: λ = %g, want %g; CG starts at %v", i, state.Lambda, want, state.Delta)
				}
				if gives := i == 3; gives != errors.Is(err, c.gives) || !gives && err != nil {
					t.Errorf("iteration %d: error %v", i, err)
				}
			}
		})
	}
}

// negated has −B for curvature.
type negated struct{ *leastSquares[float64] }

func (o negated) Linearize(ctx context.Context, theta accel.Vector[float64]) (Linearization[float64], error) {
	lin, err := o.leastSquares.Linearize(ctx, theta)
	return negative{lin}, err
}

type negative struct{ Linearization[float64] }

func (l negative) Product(ctx context.Context, dst, v accel.Vector[float64], mu float64) error {
	err := l.Linearization.Product(ctx, dst, v, mu)
	dst.Scale(-1)
	return err
}

// rising has an f that is higher everywhere else.
type rising struct{ *leastSquares[float64] }

func (o rising) Loss(ctx context.Context, role Role, theta accel.Vector[float64]) (float64, error) {
	f, err := o.leastSquares.Loss(ctx, role, theta)
	return 1e6 + f, err
}

func (o rising) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[float64]) (float64, error) {
	return o.leastSquares.Gradient(ctx, theta, grad, fisher)
}

// A warm start that CG has no iterations to overcome points uphill; what follows starts from 0 and recovers.
func TestAscendingStepIsToldApart(t *testing.T) {
	l := rosenbrock()
	o, theta := newOptimizer(t, l, Settings{CG: CGSettings{Max: 1}, Precondition: PreconditionSettings{Kind: PreconditionNone}})
	s := o.State()
	s.Delta = []float64{-40, 200} // f is much higher there, and in between
	if err := o.SetState(s); err != nil {
		t.Fatal(err)
	}
	r, err := o.Step(t.Context())
	if err != nil || r.Outcome != Ascending || r.CGInitM <= 0 || r.Alpha != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = o.Step(t.Context()); err != nil || r.Outcome != Accepted || r.CGInitM != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if theta[0] == l.start[0] {
		t.Error("θ has not moved")
	}
}

// An accepted iteration ends the row of rejected ones.
func TestAcceptedIterationEndsTheRow(t *testing.T) {
	l := rosenbrock()
	o, _ := newOptimizer(t, l, Settings{MaxRejections: 2})
	for range 3 {
		l.spoilProduct = true
		if r, err := o.Step(t.Context()); err != nil || r.Rejections != 1 || o.Progress().NonFinite != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		l.spoilProduct = false
		if r, err := o.Step(t.Context()); err != nil || r.Rejections != 0 || o.Progress().NonFinite != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
}

func TestStationaryPointIsNoFailure(t *testing.T) {
	l := rosenbrock()
	l.start = []float64{1, 1}
	o, _ := newOptimizer(t, l, Settings{MaxRejections: 1})
	for range 3 {
		r, err := o.Step(t.Context())
		if err != nil || r.Outcome != Stationary || o.State().Lambda != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if l.products != 0 {
		t.Errorf("%d products at a stationary point", l.products)
	}
}

func TestFixedStepMayClimb(t *testing.T) {
	l := rosenbrock()
	o, theta := newOptimizer(t, l, Settings{
		Damping: DampNone, Precondition: PreconditionSettings{Kind: PreconditionNone},
		LineSearch: LineSearchSettings{LineSearch: LineSearch{Kind: LineSearchFixed}},
	})
	r, err := o.Step(t.Context()) // the undamped Gauss-Newton step overshoots
	if err != nil || r.Outcome != Climbed || !(r.F > r.F0) || r.Rho >= 0 || r.Verdict != ModelWrong {
		t.Fatalf("%+v, %v", r, err)
	}
	if math.Abs(theta[0]-1) > 1e-9 {
		t.Errorf("θ = %v, want the whole Gauss-Newton step to θ₁ = 1", theta)
	}
}

// f that is not finite far away does not stop the optimizer: it takes a shorter step and raises λ.
func TestNonFiniteFarAwayShortensTheStep(t *testing.T) {
	l := rosenbrock()
	l.spoil = func(_ Role, x []float64) bool { return math.Hypot(x[0]+1.2, x[1]-1) > 0.05 }
	o, _ := newOptimizer(t, l, Settings{})
	r, err := o.Step(t.Context())
	if err != nil || r.Outcome != Accepted || r.Alpha >= 1 || !math.IsInf(r.Rho, -1) || r.Verdict != ModelWrong || o.State().Lambda != 1.5 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// An error or the end of ctx in the middle of an iteration leaves the state as it was, and the iteration can be made again.
func TestInterruptedIterationLeavesNoTrace(t *testing.T) {
	const before = 4
	reference := rosenbrock()
	ro, _ := newOptimizer(t, reference, Settings{})
	for range before {
		ro.Step(t.Context())
	}
	start := reference.products
	if _, err := ro.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := ro.State()
	for product := start + 1; product <= reference.products; product++ {
		for _, kind := range []string{"cancelled", "failed"} {
			l := rosenbrock()
			o, _ := newOptimizer(t, l, Settings{})
			for range before {
				o.Step(t.Context())
			}
			state := o.State()
			ctx, cancel := context.WithCancel(t.Context())
			if l.failAt = product; kind == "cancelled" {
				l.cancel = cancel
			}
			_, err := o.Step(ctx)
			if err == nil || kind == "cancelled" && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s at product %d: %v", kind, product, err)
			}
			if !reflect.DeepEqual(o.State(), state) {
				t.Fatalf("%s at product %d: the state has changed", kind, product)
			}
			if l.open != 0 {
				t.Fatalf("%s at product %d: a linearization is left open", kind, product)
			}
			l.failAt, l.cancel = 0, nil
			if _, err := o.Step(t.Context()); err != nil || !reflect.DeepEqual(o.State(), want) {
				t.Fatalf("%s at product %d: made again, the iteration ends elsewhere (%v)", kind, product, err)
			}
			cancel()
		}
	}
}
