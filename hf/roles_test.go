package hf

import (
	"context"
	"math"
	"slices"
	"testing"

	"curvestream/accel"
)

// shifted is an ill-conditioned bowl whose minimum lies elsewhere for each role: the gradient and the curvature minibatch
// agree on the steep directions only.
type shifted struct {
	*bowl
	minima map[Role]vec
	asked  map[Role]int
}

func newShifted(n int) *shifted {
	o := &shifted{bowl: &bowl{make(vec, n), make(vec, n)}, minima: map[Role]vec{}, asked: map[Role]int{}}
	for _, role := range []Role{Gradient, Curvature, HeldOut} {
		o.minima[role] = make(vec, n)
	}
	for i := range n {
		o.d[i] = 100 / float64(1+i*i)
		o.minima[Gradient][i] = 1
		o.minima[Curvature][i], o.minima[HeldOut][i] = 1, 1
		if i >= n/4 { // the flat ones
			o.minima[HeldOut][i] = -1
		}
		if i >= n/2 {
			o.minima[Curvature][i] = -3
		}
	}
	return o
}

func (o *shifted) Loss(_ context.Context, role Role, theta accel.Vector[float64]) (float64, error) {
	o.asked[role]++
	o.scratch.Copy(theta)
	o.scratch.Add(-1, o.minima[role])
	o.scratch.Mul(o.scratch)
	return o.scratch.Dot(o.d) / 2, nil
}

func (o *shifted) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[float64]) (float64, error) {
	if _, err := o.bowl.Gradient(ctx, theta, grad, fisher); err != nil {
		return 0, err
	}
	f, err := o.Loss(ctx, Gradient, theta)
	o.asked[Gradient]--
	return f, err
}

// step makes one iteration from 0 with λ almost 0 and no preconditioner, so that CG goes from steep to flat directions.
func step(t *testing.T, o Objective[float64], s Settings) Report {
	t.Helper()
	s.Lambda = 1e-6
	s.Precondition.Kind = PreconditionNone
	s.Select.Grid = Grid{Every: 1}
	s.CG.Max, s.CG.NoProgressStop = 24, true
	optimizer, err := New(o, make(vec, 24), s)
	if err != nil {
		t.Fatal(err)
	}
	r, err := optimizer.Step(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Held-out data choose an earlier iterate than the data that CG has fitted, and the best one for themselves (section 13).
func TestHeldOutDataChooseTheIterate(t *testing.T) {
	seen := step(t, newShifted(24), Settings{})
	held := newShifted(24)
	chosen := step(t, held, Settings{Select: SelectSettings{Role: HeldOut}, Trace: true})
	if seen.CGUsed < 20 {
		t.Errorf("by its own data: iterate %d of %d, want a late one", seen.CGUsed, seen.CGSteps)
	}
	if chosen.CGUsed >= seen.CGUsed || chosen.CGUsed < 2 {
		t.Errorf("by held-out data: iterate %d of %d", chosen.CGUsed, chosen.CGSteps)
	}
	if best := chosen.Trace[chosen.CGUsed-1]; best.F != chosen.SelectF-chosen.SelectF0 || best.F >= 0 {
		t.Errorf("f on held-out data goes from %g to %g, by %g in the trace", chosen.SelectF0, chosen.SelectF, best.F)
	}
	for _, p := range chosen.Trace {
		if best := chosen.Trace[chosen.CGUsed-1]; p.F < best.F {
			t.Errorf("iterate %d has f = %g on held-out data, the chosen one %g", p.I, p.F, best.F)
		}
	}
	if held.asked[HeldOut] != chosen.CGSteps+1 {
		t.Errorf("%d evaluations on held-out data for %d iterates and θ", held.asked[HeldOut], chosen.CGSteps)
	}
}

// Each decision is taken on the minibatch that the settings name, and no other minibatch is looked at.
func TestDecisionsLookAtTheirOwnMinibatch(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Settings
		want map[Role]bool
	}{
		{"default", Settings{}, map[Role]bool{Gradient: true}},
		{"selection", Settings{Select: SelectSettings{Role: HeldOut}}, map[Role]bool{Gradient: true, HeldOut: true}},
		{"ρ", Settings{Rho: Rho{Role: Curvature}}, map[Role]bool{Gradient: true, Curvature: true}},
		{"line search", Settings{LineSearch: LineSearchSettings{Role: HeldOut}}, map[Role]bool{Gradient: true, HeldOut: true}},
		{"all elsewhere", Settings{
			Select: SelectSettings{Role: Curvature}, Rho: Rho{Role: Curvature}, LineSearch: LineSearchSettings{Role: Curvature},
		}, map[Role]bool{Curvature: true}},
	} {
		o := newShifted(24)
		step(t, o, c.s)
		for _, role := range []Role{Gradient, Curvature, HeldOut} {
			if (o.asked[role] > 0) != c.want[role] {
				t.Errorf("%s: %d evaluations on the %s minibatch", c.name, o.asked[role], role)
			}
		}
	}
}

// CG ends where f on the curvature minibatch gets worse (section 13, second recipe).
func TestWatchEndsCG(t *testing.T) {
	unwatched := step(t, newShifted(24), Settings{})
	if unwatched.CGStop == StopWorse {
		t.Fatalf("stopped by %s without a watch", unwatched.CGStop)
	}
	o := newShifted(24)
	r := step(t, o, Settings{CG: CGSettings{Watch: Watch{Every: 2}}})
	if r.CGStop != StopWorse || r.CGSteps >= unwatched.CGSteps || r.CGSteps%2 != 0 {
		t.Errorf("watched: %s after %d iterations, unwatched: %d", r.CGStop, r.CGSteps, unwatched.CGSteps)
	}
	if o.asked[Curvature] != r.CGSteps/2 {
		t.Errorf("%d evaluations on the curvature minibatch in %d iterations", o.asked[Curvature], r.CGSteps)
	}
	patient := step(t, newShifted(24), Settings{CG: CGSettings{Watch: Watch{Every: 2, Tolerance: 1e6}}})
	if patient.CGStop == StopWorse {
		t.Errorf("a rise within the tolerance stops CG")
	}
}

// scripted is an objective whose f is what is written down, one value after the other.
type scripted struct {
	*shifted
	f []float64
}

func (o *scripted) Loss(context.Context, Role, accel.Vector[float64]) (float64, error) {
	f := o.f[0]
	o.f = o.f[1:]
	return f, nil
}

// What f is compared with is its value at the last look, not the first, and the lowest.
func TestWatchComparesWithTheLastLook(t *testing.T) {
	for _, c := range []struct {
		f    []float64
		ends int // the look that ends the run; 0 for none
	}{
		{[]float64{10, 5, 8, 7}, 3}, // still below the first
		{[]float64{10, 5, 5.004, 5.008, 5.012}, 0},
		{[]float64{10, 9, math.NaN()}, 3},
		{[]float64{-10, -11, -10.99, -10.9}, 4}, // relative to |f|
	} {
		o := &scripted{newShifted(2), c.f}
		p := path[float64]{watch: Watch{Every: 1, Tolerance: 1e-3}, losses: &losses[float64]{objective: o, theta: make(vec, 2), trial: make(vec, 2)}}
		p.begin()
		ends := 0
		for i := 1; i <= len(c.f) && ends == 0; i++ {
			stop, err := p.Observe(t.Context(), Iterate[float64]{I: i, X: vec{1, 1}})
			if err != nil {
				t.Fatal(err)
			}
			if stop == StopWorse {
				ends = i
			}
		}
		if ends != c.ends {
			t.Errorf("f = %v: look %d ends the run, want %d", c.f, ends, c.ends)
		}
	}
}

// The next CG run starts from ζ times the last iterate, the chosen one, or 0 (section 10).
func TestStartOfTheNextRun(t *testing.T) {
	for rule, same := range map[StartRule]bool{StartLast: false, StartChosen: true} {
		o, err := New(newShifted(24), make(vec, 24), Settings{
			Lambda: 1e-6, Precondition: PreconditionSettings{Kind: PreconditionNone},
			Select: SelectSettings{Role: HeldOut, Grid: Grid{Every: 1}},
			CG:     CGSettings{Start: rule, Max: 24, NoProgressStop: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil || r.Alpha != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		state := o.State() // θ was 0: it is now δ
		equal := true
		for i := range state.Theta {
			equal = equal && state.Theta[i] == state.Delta[i]
		}
		if equal != same {
			t.Errorf("%s: the start of the next run equals the step: %v, want %v", rule, equal, same)
		}
	}
}

// The run that section 13's second recipe starts from the worst place: f on the curvature minibatch is highest there, of all
// places looked at after the best one.
func TestStartAtTheHighest(t *testing.T) {
	// f on the curvature minibatch by look; a NaN is never kept
	for _, c := range []struct {
		f    []float64
		want int
	}{
		{[]float64{9, 5, 3, 4, 6}, 4},
		{[]float64{9, 5, 3}, 2},
		{[]float64{1, 5, 3}, 1},
		{[]float64{9, 5, 3, 7, 2, 4, math.NaN()}, 5},
		{[]float64{3, 3}, 1},
	} {
		p := path[float64]{needHighest: true}
		p.begin()
		for i, f := range c.f {
			p.compare(f, vec{float64(i)})
		}
		if got := p.highest.(vec)[0]; got != float64(c.want) {
			t.Errorf("%v: look %g, want %d", c.f, got, c.want)
		}
	}
	watched, err := New(newShifted(24), make(vec, 24), Settings{
		Lambda: 1e-6, Precondition: PreconditionSettings{Kind: PreconditionNone},
		Select: SelectSettings{Grid: Grid{Every: 1}},
		CG:     CGSettings{Start: StartHighest, Max: 5, NoProgressStop: true, Watch: Watch{Every: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := watched.Step(t.Context()); err != nil || r.CGSteps != 5 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got, want := vec(watched.State().Delta), watched.path.kept[3].x.(vec); !slices.Equal(got, want) {
		t.Errorf("the next run starts at %v, want iterate 4, the last one looked at: %v", got, want)
	}
}

// stiff has a curvature minibatch on which all is much steeper than on the gradient minibatch.
type stiff struct{ *shifted }

func (o stiff) Linearize(context.Context, accel.Vector[float64]) (Linearization[float64], error) {
	return o, nil
}

func (o stiff) Product(ctx context.Context, dst, v accel.Vector[float64], mu float64) error {
	err := o.bowl.Product(ctx, dst, v, mu)
	dst.Scale(1e4)
	return err
}

// After a run that did not get to M < 0 the next one starts from 0, unless told to keep its start, and λ stays: the damping
// is not what failed (section 8.5).
func TestStartAfterARunThatStayedBehind(t *testing.T) {
	for _, keep := range []bool{false, true} {
		o, err := New(stiff{newShifted(24)}, make(vec, 24), Settings{
			Precondition: PreconditionSettings{Kind: PreconditionNone},
			CG:           CGSettings{Max: 1, KeepStart: keep},
		})
		if err != nil {
			t.Fatal(err)
		}
		s := o.State()
		copy(s.Delta, newShifted(24).minima[Gradient])
		if err := o.SetState(s); err != nil {
			t.Fatal(err)
		}
		r, err := o.Step(t.Context())
		if err != nil || r.Outcome != Accepted || r.CGInitM <= 0 || r.Verdict != ModelBehind || r.Rho >= 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		if got := vec(o.State().Delta); (got.Dot(got) != 0) != keep || o.State().Lambda != 1 {
			t.Errorf("keep %v: the next run starts at %v with λ = %g", keep, got[:3], o.State().Lambda)
		}
	}
}
