package hf

import (
	"math"
	"slices"
	"testing"

	"curvestream/accel"
)

// What is seen of CG runs is what the report says of them, and to look changes nothing.
func TestOnCG(t *testing.T) {
	run := func(see func(CGProgress)) (Report, []float64) {
		theta := accel.Slice[float64](make([]float64, 40))
		o, err := New(&leastSquares[float64]{m: 40, start: theta, residuals: func(x, r, J []float64) {
			for i := range r {
				r[i] = float64(i+1) * (x[i] - 1)
				J[i*40+i] = float64(i + 1)
			}
		}}, theta, Settings{Trace: true, Precondition: PreconditionSettings{Kind: PreconditionNone}, CG: CGSettings{Max: 30}})
		if err != nil {
			t.Fatal(err)
		}
		o.OnCG(see)
		r, err := o.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r, theta
	}
	var seen []CGProgress
	r, theta := run(func(p CGProgress) { seen = append(seen, p) })
	if len(seen) != r.CGSteps || len(r.Trace) != r.CGSteps {
		t.Fatalf("%d iterates were seen of %d", len(seen), r.CGSteps)
	}
	for i, p := range seen {
		if p.Iteration != 1 || p.I != i+1 || p.Max != 30 || p.M != r.Trace[i].M {
			t.Errorf("iterate %d is seen as %+v, traced as %+v", i+1, p, r.Trace[i])
		}
		if judged := p.I > 10; judged == math.IsNaN(p.Relative) || judged && p.Relative < p.Bound && i < len(seen)-1 {
			t.Errorf("iterate %d: progress %g, bound %g", p.I, p.Relative, p.Bound)
		}
	}
	if len(seen) <= 11 {
		t.Errorf("%d iterates are too few to judge progress", len(seen))
	}
	if _, unseen := run(nil); !slices.Equal(theta, unseen) {
		t.Error("to look changes the step")
	}
}
