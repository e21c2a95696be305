package checkpointing

import (
	"errors"
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
// after the first computes as few states again as is possible.
func TestScheduleIsSoundAndOptimal(t *testing.T) {
	for steps := 1; steps <= 80; steps++ {
		up := make([]int, steps)
		for k := range up {
			up[k] = k
		}
		down := slices.Clone(up)
		slices.Reverse(down)
		for slots := Need(steps); slots <= steps+1; slots++ {
			s, err := New(steps, slots)
			if err != nil {
				t.Fatal(err)
			}
			o := &oracle{t: t, s: s, resident: map[int]bool{}}
			if got := o.play(s.First, up); got != steps {
				t.Errorf("%d steps, %d slots: the first sweep computes %d states", steps, slots, got)
			}
			fewest := max(0, steps-slots)
			for range 2 {
				if got := o.play(s.Backward, down); got != fewest {
					t.Errorf("%d steps, %d slots: a backward sweep computes %d states, want %d", steps, slots, got, fewest)
				}
				if got := o.play(s.Forward, up); got != fewest {
					t.Errorf("%d steps, %d slots: a forward sweep computes %d states, want %d", steps, slots, got, fewest)
				}
				o.play(s.Rewind, nil)
				o.play(s.Forward, up)
			}
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
		if s.pinned != test.pinned || !slices.Equal(s.cuts, test.cuts) {
			t.Errorf("%d steps, %d slots: pinned %d, cuts %v, want %d, %v", test.steps, test.slots, s.pinned, s.cuts, test.pinned, test.cuts)
		}
	}
}

func TestTooFewSlots(t *testing.T) {
	for _, test := range []struct{ steps, slots, need int }{{10, 3, 4}, {100, 13, 14}, {10000, 140, 141}, {1, 0, 1}} {
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
