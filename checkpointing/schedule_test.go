package checkpointing

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// An oracle plays actions and checks that each finds what it needs, that slots suffice, and that all states are used in order.
type oracle struct {
	t        *testing.T
	s        *Schedule
	resident map[int]bool
}

// play returns how many states were computed.
func (o *oracle) play(actions []Action, order []int) int {
	o.t.Helper()
	computed := 0
	var used []int
	for _, a := range actions {
		switch a.Op {
		case Compute:
			computed++
			if o.resident[a.Step] || a.Step > 0 && !o.resident[a.Step-1] {
				o.t.Fatalf("%d steps, %d slots: state %d is computed with %v kept", o.s.Steps, o.s.Slots, a.Step, o.resident)
			}
			o.resident[a.Step] = true
		case Use:
			used = append(used, a.Step)
			if !o.resident[a.Step] || a.Step > 0 && !o.resident[a.Step-1] {
				o.t.Fatalf("%d steps, %d slots: state %d is used with %v kept", o.s.Steps, o.s.Slots, a.Step, o.resident)
			}
		case Drop:
			if !o.resident[a.Step] {
				o.t.Fatalf("%d steps, %d slots: state %d is dropped and is not kept", o.s.Steps, o.s.Slots, a.Step)
			}
			delete(o.resident, a.Step)
		}
		if len(o.resident) > o.s.Slots {
			o.t.Fatalf("%d steps, %d slots: %d states are kept", o.s.Steps, o.s.Slots, len(o.resident))
		}
	}
	if !slices.Equal(used, order) {
		o.t.Fatalf("%d steps, %d slots: states are used in the order %v", o.s.Steps, o.s.Slots, used)
	}
	return computed
}

// For all chains up to 80 steps and all numbers of slots: nothing is used that is not there, slots suffice, and each sweep
// after the first computes as few states again as is possible: T − M where segments do, and where only revolve does, what the
// recursion over the place of the first checkpoint gives.
func TestScheduleIsSoundAndOptimal(t *testing.T) {
	for steps := 1; steps <= 80; steps++ {
		for slots := Need(steps); slots <= steps+1; slots++ {
			s, err := New(steps, slots)
			if err != nil {
				t.Fatal(err)
			}
			forward, backward := max(0, steps-slots), max(0, steps-slots)
			if s.Method == Revolve {
				forward = steps - kept(s)
				backward = reversal(steps, slots-2) - (steps - 1) // the forward sweep has gone as far as the last but one
			}
			playAll(t, s, forward, backward)
		}
	}
}

// The report's schedule is sound, and keeps about 2√T states.
func TestUniformIsSound(t *testing.T) {
	for steps := 1; steps <= 120; steps++ {
		s := NewUniform(steps)
		forward, backward := s.Recomputed()
		playAll(t, s, forward, backward)
		if float64(s.Slots) > 2*math.Sqrt(float64(steps)) {
			t.Errorf("%d steps: uniform takes %d slots", steps, s.Slots)
		}
	}
}

// playAll plays the sweeps of a schedule as a CG run and a net do, and checks how many states they compute.
func playAll(t *testing.T, s *Schedule, forward, backward int) {
	t.Helper()
	up := make([]int, s.Steps)
	for k := range up {
		up[k] = k
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	o := &oracle{t: t, s: s, resident: map[int]bool{}}
	if got := o.play(s.First, up); got != s.Steps {
		t.Errorf("%d steps, %d slots: the first sweep computes %d states", s.Steps, s.Slots, got)
	}
	for range 2 {
		if got := o.play(s.Backward, down); got != backward {
			t.Errorf("%d steps, %d slots, %v: a backward sweep computes %d states, want %d", s.Steps, s.Slots, s.Method, got, backward)
		}
		if got := o.play(s.Forward, up); got != forward {
			t.Errorf("%d steps, %d slots, %v: a forward sweep computes %d states, want %d", s.Steps, s.Slots, s.Method, got, forward)
		}
		o.play(s.Rewind, nil)
		o.play(s.Forward, up)
	}
	if f, b := s.Recomputed(); f != forward || b != backward {
		t.Errorf("%d steps, %d slots, %v: Recomputed says %d and %d, want %d and %d", s.Steps, s.Slots, s.Method, f, b, forward, backward)
	}
}

// kept returns how many states a backward sweep leaves.
func kept(s *Schedule) int {
	n := 0
	for _, k := range s.keptBackward {
		if k {
			n++
		}
	}
	return n
}

// reversal returns the fewest states that are computed to reverse l steps whose ends are there, with s slots for more: the
// recursion itself, over all places of the first checkpoint.
func reversal(l, s int) int {
	const none = 1 << 30
	switch {
	case l <= 1:
		return 0
	case s == 0:
		return none
	}
	key := [2]int{l, s}
	if n, ok := reversals[key]; ok {
		return n
	}
	fewest := none
	for y := 1; y < l; y++ {
		fewest = min(fewest, y+reversal(l-y, s-1)+reversal(y, s))
	}
	reversals[key] = fewest
	return fewest
}

var reversals = map[[2]int]int{}

// Counts of a gradient, F_grad, and of a product in a CG run, F_Gv, as they are known from a simulation of each schedule.
func TestCounts(t *testing.T) {
	for _, test := range []struct {
		s                   *Schedule
		slots, gradient, gv int // −1: not known
	}{
		{full(1000), 1000, 1000, 0},
		{NewUniform(1000), 62, 1961, 1899},
		{triangular(1000, 45), 45, 1955, 1910},
		{triangular(1000, 100), 100, 1900, 1800},
		{triangular(1000, 250), 250, 1750, 1500},
		{triangular(1000, 500), 500, 1500, 1000},
		{triangular(1000, 750), 750, 1250, 500},
		{NewUniform(10000), 199, 19801, 19603},
		{triangular(10000, 141), 141, 19859, 19718},
		{triangular(10000, 500), 500, 19500, 19000},
		{triangular(10000, 1000), 1000, 19000, 18000},
		{triangular(10000, 5000), 5000, 15000, 10000},
		// Revolve takes one slot more than its checkpoints and the state at the end: that of the state it computes from.
		{revolve(20, 4+1), 5, 46, -1},
		{revolve(30, 5+1), 6, 70, -1},
		{revolve(60, 6+1), 7, 157, -1},
		{revolve(40, 3+1), 4, 201, -1},
		{revolve(100, 8+1), 9, 256, -1},
		{revolve(100, 14+1), 15, 186, -1},
		{revolve(1000, 18+1), 19, 2811, -1},
		{revolve(1000, 11+1), 12, 3637, -1},
		{revolve(1000, 9+1), 10, 4286, -1},
		{revolve(10000, 39+1), 40, 29181, -1},
		{revolve(10000, 21+1), 22, 37977, -1},
		{revolve(10000, 15+1), 16, 46125, -1},
		{revolve(10000, 12+1), 13, 53813, -1},
	} {
		forward, backward := test.s.Recomputed()
		gradient := computed(test.s.First) + backward
		if test.s.Slots != test.slots || gradient != test.gradient || test.gv >= 0 && forward+backward != test.gv || forward+backward > gradient {
			t.Errorf("%v, %d steps: %d slots, %d states for a gradient and %d for a product, want %d, %d and %d", test.s.Method, test.s.Steps,
				test.s.Slots, gradient, forward+backward, test.slots, test.gradient, test.gv)
		}
		if test.s.Steps <= 1000 {
			playAll(t, test.s, forward, backward)
		}
	}
}

func TestCuts(t *testing.T) {
	for _, test := range []struct {
		steps, slots, pinned int
		cuts                 []int
	}{
		{10, 4, 0, []int{0, 4, 7, 9, 10}},
		{10, 7, 4, []int{4, 7, 9, 10}},
		{15, 5, 0, []int{0, 5, 9, 12, 14, 15}},
		{20, 8, 2, []int{2, 8, 13, 17, 20}},
		{100, 14, 0, []int{0, 14, 27, 39, 50, 60, 69, 77, 84, 90, 95, 97, 100}},
		{100, 50, 39, []int{39, 50, 60, 69, 77, 84, 90, 95, 97, 100}},
	} {
		s, err := New(test.steps, test.slots)
		if err != nil {
			t.Fatal(err)
		}
		cuts := triangularCuts(test.pinned, test.steps, test.slots-test.pinned)
		if !slices.Equal(cuts, test.cuts) || s.Method != Triangular {
			t.Errorf("%d steps, %d slots: %v with cuts %v, want %v", test.steps, test.slots, s.Method, cuts, test.cuts)
		}
		for k := range test.pinned {
			if !s.keptForward[k] || !s.keptBackward[k] {
				t.Errorf("%d steps, %d slots: state %d is not always kept", test.steps, test.slots, k)
			}
		}
	}
}

func TestTooFewSlots(t *testing.T) {
	for _, test := range []struct{ steps, slots, need int }{{10, 2, 3}, {200, 2, 3}, {3, 1, 2}, {1, 0, 1}} {
		_, err := New(test.steps, test.slots)
		var few *TooFewSlotsError
		if !errors.As(err, &few) || few.Need != test.need {
			t.Errorf("%d steps, %d slots: err = %v, want that %d are needed", test.steps, test.slots, err, test.need)
			continue
		}
		if _, err := New(test.steps, test.need); err != nil {
			t.Errorf("%d steps: %v with the slots that are needed", test.steps, err)
		}
	}
}
