// Package checkpointing plans which states of a long chain are kept and which are computed again, when there is not memory
// for all of them (section 7.1). A plan is data: a list of actions for each sweep. It knows nothing of nets.
//
// The chain has states 0 … Steps−1. State k is computed from state k−1, and state 0 from something that is always at hand. A
// product with a Gauss-Newton matrix is a forward sweep, which uses all states in ascending order, and a backward sweep, which
// uses them in descending order; hundreds of products follow each other with the same states.
package checkpointing

import "fmt"

// An Op is what an action does to a state.
type Op int

// The operations.
const (
	Compute Op = iota // compute the state, which takes a slot, from the one before
	Use               // use the state; it is kept, and so is the one before
	Drop              // free the state's slot
)

// An Action is one operation on one state.
type Action struct {
	Op   Op
	Step int
}

// A Schedule says what is kept and what is computed again, with at most Slots states kept at a time. It is read-only and may be
// shared by goroutines.
//
// With fewer slots than steps it is triangular. The chain is cut into segments, and a forward sweep keeps only the last state of
// each, a checkpoint, and all of the last segment; the backward sweep computes a segment's states again from the checkpoint
// before it. While it works in segment j it holds j checkpoints, so a segment may be as long as the slots that are left: long in
// front, short at the back. A sweep ends where the next begins: the backward sweep starts with the last segment at hand, and
// keeps the first one for the next forward sweep. So each sweep computes Steps − Slots states again, and no schedule can do with
// fewer, since no more than Slots are there when it starts.
//
// Departure: the report cuts at every √Steps-th state, which takes 2√Steps slots and computes nearly all states again; this
// takes √(2 Steps) slots, and with more of them computes less.
type Schedule struct {
	Steps, Slots int

	First    []Action // a forward sweep that starts with no states
	Forward  []Action // a forward sweep that follows a backward sweep
	Backward []Action // a backward sweep, which follows a forward sweep
	// Rewind goes from after a forward sweep to where the next forward sweep starts, for a forward sweep that no backward sweep
	// came after.
	Rewind []Action

	pinned int   // states 0 … pinned−1 are never dropped
	cuts   []int // segment j holds states cuts[j] … cuts[j+1]−1; cuts[0] = pinned
}

// A TooFewSlotsError says that a chain cannot be swept with so few slots.
type TooFewSlotsError struct {
	Steps, Slots, Need int
}

// Error implements error.
func (e *TooFewSlotsError) Error() string {
	return fmt.Sprintf("checkpointing: a chain of %d states needs %d slots, there are %d", e.Steps, e.Need, e.Slots)
}

// Need returns the smallest number of slots that New takes for a chain: the smallest M with M (M+1)/2 ≥ steps.
func Need(steps int) int {
	m := 1
	for m*(m+1)/2 < steps {
		m++
	}
	return m
}

// New returns the schedule for a chain. With as many slots as steps it keeps all states. The error is a *TooFewSlotsError.
func New(steps, slots int) (*Schedule, error) {
	if need := Need(steps); slots < need {
		return nil, &TooFewSlotsError{Steps: steps, Slots: slots, Need: need}
	}
	s := &Schedule{Steps: steps, Slots: min(slots, steps)}
	if slots >= steps {
		s.pinned, s.cuts = steps, []int{steps}
		s.list()
		return s, nil
	}
	triangle := 1 // slots of the smallest triangle that leaves Steps − Slots states to compute; the rest are pinned
	for triangle*(triangle-1)/2 < steps-slots {
		triangle++
	}
	s.pinned = slots - triangle
	s.cuts = triangularCuts(s.pinned, steps, triangle)
	s.list()
	return s, nil
}

// list lists the actions of each sweep.
func (s *Schedule) list() {
	s.First = s.forward(func(int) bool { return false })
	s.Forward = s.forward(s.keptBackward)
	s.Backward = s.backward()
	s.Rewind = s.rewind()
}

// triangularCuts cuts states from … to−1 into segments of longest, longest−1 … states. What is too much comes off the middle
// ones, from the back, since the first and the last decide how much is computed again.
func triangularCuts(from, to, longest int) []int {
	var lengths []int
	sum := 0
	for sum < to-from {
		lengths = append(lengths, longest-len(lengths))
		sum += lengths[len(lengths)-1]
	}
	excess := sum - (to - from)
	for j := len(lengths) - 2; j >= 1 && excess > 0; j-- {
		off := min(excess, lengths[j]-1)
		lengths[j] -= off
		excess -= off
	}
	cuts := []int{from}
	for _, length := range lengths {
		cuts = append(cuts, cuts[len(cuts)-1]+length)
	}
	return cuts
}

// segments returns the number of segments behind the pinned states.
func (s *Schedule) segments() int { return len(s.cuts) - 1 }

// keptForward reports whether a forward sweep keeps state k: what is pinned, checkpoints, and the last segment.
func (s *Schedule) keptForward(k int) bool {
	if k < s.pinned || k >= s.cuts[max(0, s.segments()-1)] {
		return true
	}
	for _, c := range s.cuts[1:] {
		if k == c-1 {
			return true
		}
	}
	return false
}

// keptBackward reports whether a backward sweep keeps state k: what is pinned, and the first segment.
func (s *Schedule) keptBackward(k int) bool {
	return k < s.cuts[min(1, s.segments())]
}

// forward lists the forward sweep that starts with the resident states.
func (s *Schedule) forward(resident func(k int) bool) []Action {
	var actions []Action
	for k := range s.Steps {
		if !resident(k) {
			actions = append(actions, Action{Compute, k})
		}
		actions = append(actions, Action{Use, k})
		if k > 0 && !s.keptForward(k-1) {
			actions = append(actions, Action{Drop, k - 1})
		}
	}
	return actions
}

func (s *Schedule) rewind() []Action {
	var actions []Action
	for k := range s.Steps {
		if s.keptForward(k) && !s.keptBackward(k) {
			actions = append(actions, Action{Drop, k})
		}
	}
	for k := range s.Steps {
		if s.keptBackward(k) && !s.keptForward(k) {
			actions = append(actions, Action{Compute, k})
		}
	}
	return actions
}

// Full reports whether all states are kept.
func (s *Schedule) Full() bool { return s.Slots == s.Steps }

func (s *Schedule) backward() []Action {
	var actions []Action
	for j := s.segments() - 1; j >= 0; j-- {
		for k := s.cuts[j]; k < s.cuts[j+1]; k++ {
			if !s.keptForward(k) {
				actions = append(actions, Action{Compute, k})
			}
		}
		for k := s.cuts[j+1] - 1; k >= s.cuts[j]; k-- {
			actions = append(actions, Action{Use, k})
			if !s.keptBackward(k) {
				actions = append(actions, Action{Drop, k})
			}
		}
	}
	for k := s.pinned - 1; k >= 0; k-- {
		actions = append(actions, Action{Use, k})
	}
	return actions
}
