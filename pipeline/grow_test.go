package pipeline

import (
	"slices"
	"testing"
)

// A plan of another size is the plan that would have been made with it, and the largest one leaves room for the others.
func TestPlansGrow(t *testing.T) {
	m := manifestOf(t, nestedRows(100), 7)
	for _, c := range []struct {
		name      string
		o         PlanOptions
		to        int
		curvature int // at that size
		largest   int
	}{
		{"equal", PlanOptions{Seed: 2, GradientSize: 10}, 25, 25, 100},
		{"subset", PlanOptions{Seed: 2, GradientSize: 10, CurvatureSize: 3, CurvatureFrom: CurvatureSubset}, 25, 8, 100},
		{"disjoint", PlanOptions{Seed: 2, GradientSize: 10, CurvatureSize: 5, CurvatureFrom: CurvatureDisjoint}, 20, 10, 66},
		{"held out", PlanOptions{Seed: 2, GradientSize: 10, HeldOutSize: 20}, 40, 40, 80},
	} {
		p := mustPlan(t, m, c.o)
		grown, err := p.Resized(c.to)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := grown.Minibatch(Gradient, 1).Len(); got != c.to {
			t.Errorf("%s: gradient minibatch of %d, want %d", c.name, got, c.to)
		}
		if got := grown.Minibatch(Curvature, 1).Len(); got != c.curvature {
			t.Errorf("%s: curvature minibatch of %d, want %d", c.name, got, c.curvature)
		}
		largest := p.Largest()
		if largest != c.largest {
			t.Errorf("%s: largest %d, want %d", c.name, largest, c.largest)
		}
		if _, err := p.Resized(largest); err != nil {
			t.Errorf("%s: the largest does not fit: %v", c.name, err)
		}
		if _, err := p.Resized(largest + 1); err == nil {
			t.Errorf("%s: more than the largest fits", c.name)
		}
	}
}

// While sizes change nothing is taken for an epoch that is not one; whole epochs of one size are still proven.
func TestGrowthIsNoBrokenEpoch(t *testing.T) {
	m := manifestOf(t, nestedRows(20), 7)
	small := mustPlan(t, m, PlanOptions{Seed: 3, GradientSize: 11})
	large, err := small.Resized(16) // as many minibatches an epoch
	if err != nil {
		t.Fatal(err)
	}
	var e epochLedger
	pass := func(p *Plan, step int) bool {
		mb := p.Minibatch(Gradient, step)
		var l ledger
		for _, i := range mb.Sequences {
			l.add(ledger{1, m.hash[i]})
		}
		proven, err := e.add(m, mb, l)
		if err != nil {
			t.Errorf("step %d: %v", step, err)
		}
		return proven
	}
	var proven []bool
	for step, p := range []*Plan{small, large, large, large, small, small, small, small} {
		proven = append(proven, pass(p, step+1))
	}
	if want := []bool{false, false, false, true, false, true, false, true}; !slices.Equal(proven, want) {
		t.Errorf("proven %v, want %v", proven, want)
	}
}
