package hf

import (
	"context"
	"math"
	"strings"
	"testing"

	"curvestream/accel"
)

func TestGrowthRule(t *testing.T) {
	g := Growth{Theta: 0.5, Factor: 3}
	for _, c := range []struct {
		name     string
		s        Sample
		gradNorm float64
		want     int
	}{
		{"certain enough", Sample{100, 0, 25}, 1, 100},
		{"at the bound", Sample{100, 0, 25}, 1, 100},
		{"too uncertain", Sample{100, 0, 50}, 1, 200},
		{"rounded up", Sample{100, 0, 50.1}, 1, 201},
		{"at most by the factor", Sample{100, 0, 1e6}, 1, 300},
		{"no more than there are", Sample{100, 150, 1e6}, 1, 150},
		{"the whole has no variance", Sample{100, 100, 1e6}, 1, 100},
		{"a large part of the whole", Sample{100, 101, 1000}, 1, 100},
		{"θ² and ‖∇f‖²", Sample{100, 0, 200}, 2, 200},
		{"no gradient", Sample{100, 0, 1}, 0, 300},
		{"not finite", Sample{100, 0, math.NaN()}, 1, 100},
	} {
		if got := g.next(c.s, c.gradNorm); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// growing is an objective that grows as it is told, and says what it was asked for.
type growing struct {
	*leastSquares[float64]
	cases  int
	fisher bool
}

func (g *growing) Resize(cases int) { g.cases = cases }

func (g *growing) Sample() Sample { return Sample{Cases: max(10, g.cases), Variance: 1e9} }

func (g *growing) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[float64]) (float64, error) {
	g.fisher = fisher != nil
	return g.leastSquares.Gradient(ctx, theta, grad, fisher)
}

// Minibatches grow from iteration to iteration, whatever the preconditioner, and go on from there after a resume.
func TestMinibatchesGrow(t *testing.T) {
	for _, kind := range []Preconditioning{PreconditionFisher, PreconditionNone, PreconditionExact} {
		s := Settings{Growth: Growth{Theta: 1e-3}, Precondition: PreconditionSettings{Kind: kind}}
		g := &growing{leastSquares: rosenbrock()}
		o, err := New(g, append(vec(nil), g.start...), s)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range []int{20, 40, 80} {
			r, err := o.Step(t.Context())
			if err != nil || r.Cases != want || g.cases != want/2 && k > 0 || !g.fisher || r.Variance != 1e9 {
				t.Errorf("%s: iteration %d had %d cases and asks for %d, %v; want %d", kind, k+1, g.cases, r.Cases, err, want)
			}
		}
		again := &growing{leastSquares: rosenbrock()}
		resumed, err := New(again, append(vec(nil), g.start...), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := resumed.SetState(o.State()); err != nil {
			t.Fatal(err)
		}
		if _, err := resumed.Step(t.Context()); err != nil || again.cases != 80 {
			t.Errorf("%s: resumed with %d cases, %v", kind, again.cases, err)
		}
	}
	if _, err := New(rosenbrock(), vec{1, 1}, Settings{Growth: Growth{Theta: 1}}); err == nil || !strings.Contains(err.Error(), "Growth.Theta") {
		t.Errorf("an objective that cannot grow is taken: %v", err)
	}
}

// A short minibatch, such as the last one of an epoch, that is good enough does not make the next ones smaller.
func TestMinibatchesDoNotShrink(t *testing.T) {
	g := &short{growing{leastSquares: rosenbrock()}}
	o, err := New(g, append(vec(nil), g.start...), Settings{Growth: Growth{Theta: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s := o.State()
	s.Cases = 50
	if err := o.SetState(s); err != nil {
		t.Fatal(err)
	}
	if r, err := o.Step(t.Context()); err != nil || r.Cases != 50 {
		t.Errorf("after a minibatch of 7 cases, %d are asked for, %v; want 50", r.Cases, err)
	}
}

// short has few cases, whatever it is asked for, and they are all alike.
type short struct{ growing }

func (s *short) Sample() Sample { return Sample{Cases: 7} }
