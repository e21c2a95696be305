// Package checkpointing plans which states of a long chain are kept, which are moved to a slower memory and which are computed
// again, when there is not memory for all of them (section 7.1). A plan is data: a list of actions for each sweep. It knows nothing
// of nets. Beside plans it has what carries them out whatever the net: a [Mover], which copies while a sweep computes, and a
// [Spill], the file that holds states when memory is full.
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
	Compute  Op = iota // compute the state, which takes a slot, from the one before
	Use                // use the state; it is kept, and so is the one before
	Drop               // free the state's slot
	Offload            // copy the state into the store, unless it is there already, and free its slot when that is done
	Prefetch           // take a slot and begin to copy the state into it from the store; it may be used when that is done
)

// An Action is one operation on one state.
type Action struct {
	Op   Op
	Step int
}

// A Schedule says what is kept and what is computed again, with at most Slots states kept at a time. It is read-only and may be
// shared by goroutines.
type Schedule struct {
	Steps, Slots int
	Method       Method // of the states that are not in the store
	Stored       int    // the first so many states live in the store, outside the slots (WithStore)

	First    []Action // a forward sweep that starts with no states
	Forward  []Action // a forward sweep that follows a backward sweep
	Backward []Action // a backward sweep, which follows a forward sweep
	// Rewind goes from after a forward sweep to where the next forward sweep starts, for a forward sweep that no backward sweep
	// came after.
	Rewind []Action

	keptForward, keptBackward []bool // of each state, whether it is there after a forward or a backward sweep
}

// A Method is a way to choose what is kept.
type Method int

// The methods.
const (
	Full       Method = iota // all states
	Triangular               // segments that get shorter: the fewest states computed again, from √(2 Steps) slots on
	Revolve                  // checkpoints within checkpoints, for fewer slots
	Uniform                  // the report's: every √Steps-th state
)

// String returns the name of the method.
func (m Method) String() string { return [...]string{"full", "triangular", "revolve", "uniform"}[m] }

// A TooFewSlotsError says that a chain cannot be swept with so few slots.
type TooFewSlotsError struct {
	Steps, Slots, Need int
}

// Error implements error.
func (e *TooFewSlotsError) Error() string {
	return fmt.Sprintf("checkpointing: a chain of %d states needs %d slots, there are %d", e.Steps, e.Need, e.Slots)
}

// Need returns the smallest number of slots that New takes for a chain.
func Need(steps int) int { return min(needTriangular(steps), revolveSlots) }

// New returns the schedule that computes the fewest states again: the full one with as many slots as steps, the triangular one where
// there are enough for it, or else the one of revolve. The error is a *TooFewSlotsError.
func New(steps, slots int) (*Schedule, error) {
	if need := Need(steps); slots < need {
		return nil, &TooFewSlotsError{Steps: steps, Slots: slots, Need: need}
	}
	switch {
	case slots >= steps:
		return full(steps), nil
	case slots >= needTriangular(steps):
		return triangular(steps, slots), nil
	}
	return revolve(steps, slots), nil
}

// Recomputed returns how many states a forward sweep that follows a backward sweep, and a backward sweep, compute.
func (s *Schedule) Recomputed() (forward, backward int) {
	return computed(s.Forward), computed(s.Backward)
}

func computed(actions []Action) int {
	n := 0
	for _, a := range actions {
		if a.Op == Compute {
			n++
		}
	}
	return n
}

func full(steps int) *Schedule {
	s := &Schedule{Steps: steps, Slots: steps, Method: Full}
	every := func(int) bool { return true }
	s.keep(every, every)
	for k := steps - 1; k >= 0; k-- {
		s.Backward = append(s.Backward, Action{Use, k})
	}
	return s
}

// keep sets what is kept by each sweep, and lists the actions that follow from it: all but those of the backward sweep.
func (s *Schedule) keep(forward, backward func(k int) bool) {
	s.keptForward, s.keptBackward = make([]bool, s.Steps), make([]bool, s.Steps)
	for k := range s.Steps {
		s.keptForward[k], s.keptBackward[k] = forward(k), backward(k)
	}
	s.First = s.forward(make([]bool, s.Steps))
	s.Forward = s.forward(s.keptBackward)
	s.Rewind = s.rewind()
}

// forward lists the forward sweep that starts with the resident states.
func (s *Schedule) forward(resident []bool) []Action {
	var actions []Action
	for k := range s.Steps {
		if !resident[k] {
			actions = append(actions, Action{Compute, k})
		}
		actions = append(actions, Action{Use, k})
		if k > 0 && !s.keptForward[k-1] {
			actions = append(actions, Action{Drop, k - 1})
		}
	}
	return actions
}

func (s *Schedule) rewind() []Action {
	var actions []Action
	for k := range s.Steps {
		if s.keptForward[k] && !s.keptBackward[k] {
			actions = append(actions, Action{Drop, k})
		}
	}
	for k := range s.Steps {
		if s.keptBackward[k] && !s.keptForward[k] {
			actions = append(actions, Action{Compute, k})
		}
	}
	return actions
}

// Full reports whether all states are kept in slots.
func (s *Schedule) Full() bool { return s.Stored == 0 && s.Slots == s.Steps }
