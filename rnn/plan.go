package rnn

import (
	"curvestream/checkpointing"
	"curvestream/nn"
)

// A StatePlan says how the states of a chunk are kept. What is kept or computed again at once is a strip: the states of a block of
// time-steps of a shard.
type StatePlan struct {
	Method        checkpointing.Method // of the shard with the longest sequence, like Blocks and Slots
	Blocks, Slots int
	Bytes, All    int64 // what is kept at a time, and all states
	// Recomputed is how many states, of one sequence at one time-step, a product computes again, and States how many there are.
	Recomputed, States int64
}

// PlanStates returns how Gradient and a linearization keep the states of b, of which it looks at lengths and form only. The error is a
// *BudgetError where the state budget is too small.
func (n *Net[F]) PlanStates(b *nn.Batch[F]) (StatePlan, error) {
	sweeps := n.shapes(b)
	if err := n.schedule(sweeps); err != nil {
		return StatePlan{}, err
	}
	plan := StatePlan{Method: sweeps[0].plan.Method, Blocks: len(sweeps[0].blocks), Slots: sweeps[0].plan.Slots}
	for _, s := range sweeps {
		plan.Bytes += s.stateBytes()
		plan.All += s.strips()
		plan.States += int64(s.shard.Rows())
		for _, actions := range [][]checkpointing.Action{s.plan.Forward, s.plan.Backward} {
			plan.Recomputed += s.computedRows(actions)
		}
	}
	return plan, nil
}

// computedRows returns how many states actions compute.
func (s *sweep[F]) computedRows(actions []checkpointing.Action) int64 {
	rows := 0
	for _, a := range actions {
		if a.Op == checkpointing.Compute {
			rows += s.blocks[a.Step].rows()
		}
	}
	return int64(rows)
}
