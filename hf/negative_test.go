package hf

import (
	"math"
	"testing"
)

// Where the very first direction of CG has negative curvature, the step is one along P⁻¹b, as long as the line search allows; f falls, the
// damping is raised, the next run starts from 0, and nothing counts as a rejection.
func TestSteepestDescentWhereCGFindsNothing(t *testing.T) {
	for _, kind := range []Preconditioning{PreconditionNone, PreconditionFisher} {
		l := rosenbrock()
		theta := append(vec(nil), l.start...)
		o, err := New[float64](negated{l}, theta, Settings{Precondition: PreconditionSettings{Kind: kind}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != Accepted || r.F >= r.F0 || r.CGStop != StopNegativeCurvature || r.CGSteps != 0 || r.Rejections != 0 {
			t.Errorf("P %s: %+v", kind, r)
		}
		step := append(vec(nil), theta...)
		step.Add(-1, vec(l.start))
		along := append(vec(nil), o.b.(vec)...)
		if kind != PreconditionNone {
			along.Div(o.d)
		}
		along.Scale(r.Alpha)
		for i := range step {
			if math.Abs(step[i]-along[i]) > 1e-12*math.Abs(along[i]) {
				t.Errorf("P %s: step %v, want α P⁻¹b = %v", kind, step, along)
			}
		}
		if want := along.Dot(o.b) / r.Alpha; r.ModelDecrease >= -want { // −bᵀδ, and less by negative curvature
			t.Errorf("P %s: M = %g, want less than %g", kind, r.ModelDecrease, -want)
		}
		state := o.State()
		if math.Abs(state.Lambda-1.5) > 1e-12 || state.Delta[0] != 0 || state.Delta[1] != 0 {
			t.Errorf("P %s: λ = %g, CG starts at %v", kind, state.Lambda, state.Delta)
		}
	}
}

// With the Hessian, whose curvature is negative at the start, either rule gets to a minimum: one by descending, one by damping alone.
func TestHessianFromANegativeStart(t *testing.T) {
	for _, rule := range []NegativeRule{NegativeDescend, NegativeReject} {
		// f = ½ (x² − 1)² + ½ y²; ∂²f/∂x² = 6x² − 2
		l := &leastSquares[float64]{name: "double well", m: 2, start: []float64{0.1, 1}, residuals: func(x, r, J []float64) {
			r[0], r[1] = x[0]*x[0]-1, x[1]
			J[0], J[1], J[2], J[3] = 2*x[0], 0, 0, 1
		}}
		theta := append(vec(nil), l.start...)
		o, err := New[float64](extend(l), theta, Settings{Curvature: CurvatureHessian, Lambda: 1e-2, CG: CGSettings{Negative: rule},
			Precondition: PreconditionSettings{Kind: PreconditionNone}, MaxRejections: 50})
		if err != nil {
			t.Fatal(err)
		}
		negative, last := 0, Report{}
		for range 60 {
			if last, err = o.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			if last.CGStop == StopNegativeCurvature {
				negative++
			}
			if last.F < 1e-16 || last.Outcome == Stationary {
				break
			}
		}
		if math.Abs(theta[0]-1) > 1e-6 || math.Abs(theta[1]) > 1e-6 || negative == 0 {
			t.Errorf("%s: θ = %v after %d iterations, %d of them with negative curvature", rule, theta, last.Iteration, negative)
		}
	}
}
