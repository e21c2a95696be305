package hf

import (
	"context"
	"math"
	"reflect"
	"testing"

	"curvestream/accel"
)

// asked records what the optimizer asks a DiagonalSource for.
type asked struct {
	*leastSquares[float64]
	mu        []float64
	estimates []Estimate
	fisher    []bool
}

type askedLin struct {
	*jacobian[float64]
	a *asked
}

func (a *asked) Linearize(ctx context.Context, theta accel.Vector[float64]) (Linearization[float64], error) {
	lin, err := a.leastSquares.Linearize(ctx, theta)
	return askedLin{lin.(*jacobian[float64]), a}, err
}

func (a *asked) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[float64]) (float64, error) {
	a.fisher = append(a.fisher, fisher != nil)
	return a.leastSquares.Gradient(ctx, theta, grad, fisher)
}

func (l askedLin) Diagonal(ctx context.Context, dst accel.Vector[float64], mu float64, e Estimate) error {
	l.a.mu, l.a.estimates = append(l.a.mu, mu), append(l.a.estimates, e)
	return l.jacobian.Diagonal(ctx, dst, mu, e)
}

// The diagonal is asked for once an iteration, with structural damping, with draws of its own each time, and instead of the
// empirical Fisher diagonal.
func TestWhatADiagonalSourceIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		p    PreconditionSettings
		want []Estimate
	}{
		{PreconditionSettings{Kind: PreconditionUnbiased, Draws: 3, Seed: 10}, []Estimate{{Draws: 3, Seed: 11}, {Draws: 3, Seed: 12}}},
		{PreconditionSettings{Kind: PreconditionNormal, Seed: 10}, []Estimate{{Draws: 1, Normal: true, Seed: 11}, {Draws: 1, Normal: true, Seed: 12}}},
		{PreconditionSettings{Kind: PreconditionExact}, []Estimate{{Exact: true, Draws: 1, Seed: 1}, {Exact: true, Draws: 1, Seed: 2}}},
		{PreconditionSettings{}, nil},
	} {
		a := &asked{leastSquares: rosenbrock()}
		o, err := New(a, append(vec(nil), a.start...), Settings{Precondition: c.p, Structural: Structural{Mu: 0.25, Rule: MuFixed}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := o.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(a.estimates, c.want) {
			t.Errorf("%s: asked for %+v, want %+v", c.p.Kind, a.estimates, c.want)
		}
		for _, mu := range a.mu {
			if mu != 0.25 {
				t.Errorf("%s: asked with μ = %g", c.p.Kind, mu)
			}
		}
		if fisher := c.p.Kind == PreconditionFisher; a.fisher[0] != fisher {
			t.Errorf("%s: the Fisher diagonal is asked for: %v", c.p.Kind, a.fisher[0])
		}
	}
}

// With P = diag(B̂) of a diagonal B̂, which an exact diagonal is, one iteration of CG is enough (section 11.2).
func TestExactPreconditionerOfADiagonalMatrix(t *testing.T) {
	l := &leastSquares[float64]{name: "diagonal", m: 4, start: []float64{1, 2, 3, 4}, residuals: func(x, r, J []float64) {
		clear(J)
		for i := range x {
			J[i*4+i] = math.Pow(4, float64(i))
			r[i] = J[i*4+i]*x[i] - 1
		}
	}}
	for _, kind := range []Preconditioning{PreconditionExact, PreconditionUnbiased} { // v in {-1,1} is exact on it
		theta := append(vec(nil), l.start...)
		o, err := New(l, theta, Settings{Lambda: 0.1, CG: CGSettings{ResidualTolerance: 1e-10}, Precondition: PreconditionSettings{Kind: kind, Xi: 1}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil || r.CGSteps != 1 || r.CGStop != StopConverged {
			t.Errorf("%s: %d iterations, %s, %v", kind, r.CGSteps, r.CGStop, err)
		}
	}
}

// A diagonal that is not finite rejects the iteration.
func TestNonFiniteDiagonalRejects(t *testing.T) {
	l := &leastSquares[float64]{name: "overflow", m: 1, start: []float64{1}, residuals: func(x, r, J []float64) {
		r[0], J[0] = x[0], 1e200
	}}
	o, err := New(l, vec{1e-190}, Settings{Precondition: PreconditionSettings{Kind: PreconditionExact}})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := o.Step(t.Context()); err != nil || r.Outcome != NonFinite || l.open != 0 {
		t.Errorf("%s, %v, %d linearizations open", r.Outcome, err, l.open)
	}
}
