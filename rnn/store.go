package rnn

import "curvestream/checkpointing"

// A Store says where states of a chunk go that are not in the backend's memory. The results have the same bits whatever it says.
type Store struct {
	// Device bounds the bytes of states in the backend's memory. What Config.StateBudget leaves beyond it holds copies of states, moved
	// while a sweep computes. 0: the budget is the backend's memory, and there are no copies.
	Device int64
	// Spill is the file for states that neither of them holds, and SpillBudget how many bytes of it a chunk may take. Structural
	// damping and the Hessian take as much besides, once and twice. nil: no file.
	Spill       *checkpointing.Spill
	SpillBudget int64
	// Recompute says to store nothing.
	Recompute bool
	// Verify says to compare each state that is computed again with what it was at first, by the checksum of the last time-step of its
	// block; it costs as much as reading that.
	Verify bool
	// Along is how many more states of the same size products keep beside each one, which the choice of a schedule looks at: 1 with
	// structural damping, 2 with the Hessian.
	Along int
	// Costs are those of a state of one sequence at one time-step, as Measure returns them.
	Costs checkpointing.Costs
}

// device returns the bytes of states that the backend's memory may hold; 0 means all.
func (n *Net[F]) device() int64 {
	if d := n.Store.Device; d > 0 && (n.StateBudget == 0 || d < n.StateBudget) {
		return d
	}
	return n.StateBudget
}

// copies returns the bytes of memory and of the file that copies may take, of states that take all bytes.
func (n *Net[F]) copies(all int64) (host, spill int64) {
	if n.Store.Recompute {
		return 0, 0
	}
	switch device := n.device(); {
	case n.StateBudget > 0:
		host = n.StateBudget - device
	case device > 0:
		host = all
	}
	if n.Store.Spill != nil {
		spill = n.Store.SpillBudget
	}
	return host, spill
}
