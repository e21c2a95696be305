package checkpointing

import (
	"fmt"
	"slices"
)

// Window is how many slots serve the states that live in the store: the two that are in use, and two that are being copied, so that
// a copy has the time of two uses.
const Window = 4

// WithStore returns the schedule of a chain whose first states, as many as stored, live in a store: memory that is not among the
// slots, such as the host's beside a GPU's, or a file. Each is copied there once, by First, and comes back once in each sweep, copied
// while the sweep uses the states before it. They take Window slots, and the states after them are scheduled by New in those that are
// left. So a sweep copies stored − Window states and computes as many as New says again: with T steps and M slots both together
// are T − M, as many as no schedule can avoid.
//
// What is stored is the beginning of the chain, for then a state in the store needs none but its own copy. Sweeps copy in one part
// and compute again in the other; interleaved, a slow store would be waited for less.
//
// The error is a *TooFewSlotsError.
func WithStore(steps, slots, stored int) (*Schedule, error) {
	switch {
	case slots >= steps || stored <= 0:
		return New(steps, slots)
	case stored >= steps:
		stored = steps
	}
	if need := needWithStore(steps - stored); slots < need {
		return nil, &TooFewSlotsError{Steps: steps, Slots: slots, Need: need}
	}
	rest := &Schedule{}
	if stored < steps {
		var err error
		if rest, err = New(steps-stored, slots-Window); err != nil {
			return nil, fmt.Errorf("checkpointing: states after the stored ones: %w", err)
		}
	}
	s := &Schedule{Steps: steps, Slots: Window + rest.Slots, Method: rest.Method, Stored: stored}
	w := windowed{stored: stored, last: stored == steps}
	s.First = w.sweep(s.lead(rest.First, true), nil, w.ends(), true)
	s.Forward = w.sweep(s.lead(rest.Forward, false), w.begins(), w.ends(), false)
	s.Backward = w.sweep(s.trail(rest.Backward), w.ends(), w.begins(), false)
	s.Rewind = w.sweep(shifted(rest.Rewind, stored), w.ends(), w.begins(), false)
	return s, nil
}

// needWithStore returns the smallest number of slots for so many states that are not in the store, and some that are.
func needWithStore(steps int) int {
	if steps == 0 {
		return Window
	}
	return Window + Need(steps)
}

// lead lists a forward sweep over the stored states, then over the others.
func (s *Schedule) lead(rest []Action, compute bool) []Action {
	var actions []Action
	for k := range s.Stored {
		if compute {
			actions = append(actions, Action{Compute, k})
		}
		actions = append(actions, Action{Use, k})
	}
	return append(actions, shifted(rest, s.Stored)...)
}

// trail lists a backward sweep over the others, then over the stored states.
func (s *Schedule) trail(rest []Action) []Action {
	actions := shifted(rest, s.Stored)
	for k := s.Stored - 1; k >= 0; k-- {
		actions = append(actions, Action{Use, k})
	}
	return actions
}

func shifted(actions []Action, by int) []Action {
	moved := make([]Action, len(actions))
	for i, a := range actions {
		moved[i] = Action{a.Op, a.Step + by}
	}
	return moved
}

// windowed adds to sweeps what moves stored states in and out of the window.
type windowed struct {
	stored int
	last   bool // the chain ends with a stored state
}

// begins and ends are the states in the window where forward sweeps begin, and where they end.
func (w windowed) begins() []int {
	return ascending(0, min(Window, w.stored))
}

func (w windowed) ends() []int {
	if !w.last {
		return nil
	}
	return ascending(max(0, w.stored-Window), w.stored)
}

func ascending(lo, hi int) []int {
	var list []int
	for k := lo; k < hi; k++ {
		list = append(list, k)
	}
	return list
}

// A touch says that an action needs a stored state.
type touch struct{ action, step int }

// touches lists what actions need, in their order, and then what the window is to hold at the end.
func (w windowed) touches(actions []Action, ends []int) []touch {
	var list []touch
	add := func(i, k int) {
		if k >= 0 && k < w.stored {
			list = append(list, touch{i, k})
		}
	}
	for i, a := range actions {
		if a.Op == Use || a.Op == Compute {
			add(i, a.Step-1)
			add(i, a.Step)
		}
	}
	for _, k := range ends {
		add(len(actions), k)
	}
	return list
}

// sweep adds Offload and Prefetch to actions. The window holds held at the beginning and ends at the end. Before each action it lets
// go of what is not among the next Window states that are needed, and asks for those of them that are in the store. With first set,
// none are there at the beginning.
func (w windowed) sweep(actions []Action, held, ends []int, first bool) []Action {
	touches, in := w.touches(actions, ends), slices.Clone(held)
	computed := w.stored
	if first {
		computed = 0
	}
	var all []Action
	next := 0 // touch
	turn := func(i int) {
		for next < len(touches) && touches[next].action < i {
			next++
		}
		wanted := upcoming(touches[next:])
		in = slices.DeleteFunc(in, func(k int) bool {
			gone := !slices.Contains(wanted, k)
			if gone {
				all = append(all, Action{Offload, k})
			}
			return gone
		})
		for _, k := range wanted {
			if k < computed && !slices.Contains(in, k) {
				all, in = append(all, Action{Prefetch, k}), append(in, k)
			}
		}
	}
	for i, a := range actions {
		turn(i)
		if a.Op == Compute && a.Step < w.stored {
			in, computed = append(in, a.Step), a.Step+1
		}
		all = append(all, a)
	}
	turn(len(actions))
	return all
}

// upcoming returns the next Window states that are touched, without repetition.
func upcoming(touches []touch) []int {
	var list []int
	for _, t := range touches {
		if slices.Contains(list, t.step) {
			continue
		}
		if list = append(list, t.step); len(list) == Window {
			break
		}
	}
	return list
}
