package rnn

import (
	"curvestream/checkpointing"
	"curvestream/nn"
)

// A StatePlan says how the states of a chunk are kept. What is kept, stored or computed again at once is a strip: the states of a
// block of time-steps of a shard.
type StatePlan struct {
	// Method and the numbers of blocks and slots are those of the shard with the longest sequence; of its blocks, Host are stored in
	// memory and Spill in the file.
	Method                     checkpointing.Method
	Blocks, Slots, Host, Spill int

	Bytes, All int64 // what is kept in memory at a time, slots and copies, and all states
	Device     int64 // of Bytes, the slots
	Spilled    int64 // what is kept in the file
	// Recomputed is how many states, of one sequence at one time-step, a product computes again, and States how many there are. Copied
	// is how many it copies to or from where they are stored.
	Recomputed, Copied, States int64
	Seconds                    float64 // predicted for a product on one thread; 0 without Store.Costs
}

// PlanStates returns how Gradient and a linearization keep the states of b, of which it looks at lengths and form only. The error is a
// *BudgetError where the state budget is too small.
func (n *Net[F]) PlanStates(b *nn.Batch[F]) (StatePlan, error) {
	sweeps := n.shapes(b)
	if err := n.schedule(sweeps); err != nil {
		return StatePlan{}, err
	}
	first := sweeps[0].plan
	plan := StatePlan{Method: first.Method, Blocks: len(sweeps[0].blocks), Slots: first.Slots, Host: first.Host, Spill: first.Spill}
	for _, s := range sweeps {
		plan.Device += s.slotBytes()
		plan.Bytes += s.slotBytes() + int64(s.shelfElements())*s.width()
		plan.Spilled += int64(s.plan.Spill) * checkpointing.RecordBytes(s.strip())
		plan.All += s.strips()
		plan.States += int64(s.shard.Rows())
		plan.Seconds += s.plan.Seconds
		for _, actions := range [][]checkpointing.Action{s.plan.Forward, s.plan.Backward} {
			plan.Recomputed += s.rowsOf(actions, checkpointing.Compute)
			plan.Copied += s.rowsOf(actions, checkpointing.Prefetch)
		}
	}
	return plan, nil
}

// StateBytes returns the bytes of all states of b, of which it looks at lengths and form only.
func (n *Net[F]) StateBytes(b *nn.Batch[F]) int64 {
	all := int64(0)
	for _, s := range n.cutShapes(b) {
		all += s.strips()
	}
	return all
}

// rowsOf returns how many states the actions of one kind are about.
func (s *sweep[F]) rowsOf(actions []checkpointing.Action, op checkpointing.Op) int64 {
	rows := 0
	for _, a := range actions {
		if a.Op == op {
			rows += s.blocks[a.Step].rows()
		}
	}
	return int64(rows)
}
