package rnn

import (
	"context"
	"fmt"
	"unsafe"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
)

// states are the hidden states of a shard, kept or computed again as its schedule says; to the schedule, a state is the strip
// of a block. They are computed by the same operations on the same values each time, so their bits are the same.
type states[F accel.Float] struct {
	*sweep[F]
	h     []strip[F] // slots
	slot  []int      // of each block; −1 where its strip is not kept
	free  []int
	since since // which sweep was the last
}

type since int

const (
	nothing since = iota // nothing is kept
	forwardSweep
	backwardSweep
)

// schedule plans the states of each shard within the state budget. The error is a *BudgetError where that is too small.
func (n *Net[F]) schedule(sweeps []*sweep[F]) error {
	least, err := n.planStates(sweeps)
	if err != nil {
		return err
	}
	if n.StateBudget > 0 && n.StateBudget < least {
		what := fmt.Sprintf("a chunk of %d sequences of up to %d time-steps, even if most states are computed again,", sequences(sweeps), sweeps[0].shard.Steps())
		return &BudgetError{n.StateBudget, least, what, "make chunks smaller"}
	}
	return nil
}

// planStates gives each shard the slots that it needs at least, and of what the budget leaves as much as is the shard's share of
// all states. It returns the bytes that are needed at least.
func (n *Net[F]) planStates(sweeps []*sweep[F]) (least int64, err error) {
	if n.UniformStates {
		for _, s := range sweeps {
			s.plan = checkpointing.NewUniform(len(s.blocks))
			least += s.stateBytes()
		}
		return least, nil
	}
	var all int64
	for _, s := range sweeps {
		all += s.strips()
		least += min(s.strips(), int64(checkpointing.Need(len(s.blocks)))*s.strip())
	}
	full := n.StateBudget == 0 || n.StateBudget >= all
	spare := float64(max(0, n.StateBudget-least)) / float64(all)
	for _, s := range sweeps {
		slots := len(s.blocks)
		if !full {
			slots = checkpointing.Need(slots) + int(spare*float64(s.strips())/float64(s.strip()))
		}
		if s.plan, err = checkpointing.New(len(s.blocks), slots); err != nil {
			return 0, fmt.Errorf("rnn: %w", err)
		}
	}
	return least, nil
}

// stateBytes returns the bytes of what the schedule keeps at a time.
func (s *sweep[F]) stateBytes() int64 {
	if s.plan.Full() {
		return s.strips()
	}
	return int64(s.plan.Slots) * s.strip()
}

// strip returns the bytes of the largest strip, and strips those of all.
func (s *sweep[F]) strip() int64 {
	return int64(s.cell.stripElements(s.largest((*block).stripRows), s.largest((*block).rows))) * int64(unsafe.Sizeof(F(0)))
}

func (s *sweep[F]) strips() int64 {
	sum := 0
	for k := range s.blocks {
		sum += s.cell.stripElements(s.blocks[k].stripRows(), s.blocks[k].rows())
	}
	return int64(sum) * int64(unsafe.Sizeof(F(0)))
}

func sequences[F accel.Float](sweeps []*sweep[F]) int {
	n := 0
	for _, s := range sweeps {
		n += len(s.shard.Column)
	}
	return n
}

// carveSlots carves the strips that the schedule keeps at a time: one that fits each block where all are kept, and otherwise
// strips that fit any.
func (s *sweep[F]) carveSlots(a *nn.Arena[F]) []strip[F] {
	slots := make([]strip[F], s.plan.Slots)
	for k := range slots {
		if s.plan.Full() {
			slots[k] = s.carveStrip(a, s.blocks[k].stripRows(), s.blocks[k].rows())
		} else {
			slots[k] = s.carveAnyStrip(a)
		}
	}
	return slots
}

func (s *sweep[F]) carveStates(a *nn.Arena[F]) *states[F] {
	st := &states[F]{sweep: s, h: s.carveSlots(a), slot: make([]int, len(s.blocks))}
	st.forget()
	return st
}

// forget drops all states.
func (st *states[F]) forget() {
	st.since = nothing
	st.free = st.free[:0]
	for i := len(st.h) - 1; i >= 0; i-- {
		st.free = append(st.free, i)
	}
	for k := range st.slot {
		st.slot[k] = -1
	}
}

// in returns the strip of block k among slots, which are h or hold other strips that go with it.
func (st *states[F]) in(slots []strip[F], k int) strip[F] { return slots[st.slot[k]] }

// before returns the strip of the block before k among slots, or for the first block its own, which nobody reads.
func (st *states[F]) before(slots []strip[F], k int) strip[F] {
	return st.in(slots, max(0, k-1))
}

// compute computes the states of block k.
func (st *states[F]) compute(k int) {
	st.enter(k, st.in(st.h, k), st.before(st.h, k), st.w.initial)
	st.forward(&st.blocks[k], st.in(st.h, k))
}

// forwardUse runs a forward sweep: it calls use for each block, in ascending order, while its states are kept.
func (st *states[F]) forwardUse(ctx context.Context, use func(k int, b *block)) error {
	actions := st.plan.Forward
	switch st.since {
	case nothing:
		actions = st.plan.First
	case forwardSweep:
		if err := st.play(ctx, st.plan.Rewind, st.compute, nil); err != nil {
			return err
		}
	}
	st.since = forwardSweep
	return st.play(ctx, actions, st.compute, use)
}

// backwardUse runs a backward sweep: it calls use for each block, in descending order, while its states are kept. It calls also
// for each block whose states had to be computed again, after that.
func (st *states[F]) backwardUse(ctx context.Context, also func(k int), use func(k int, b *block)) error {
	if st.since != forwardSweep {
		if err := st.forwardUse(ctx, func(int, *block) {}); err != nil {
			return err
		}
	}
	st.since = backwardSweep
	return st.play(ctx, st.plan.Backward, func(k int) {
		st.compute(k)
		if also != nil {
			also(k)
		}
	}, use)
}

// play carries out actions. Where ctx ends before the last one, the next sweep starts with nothing.
func (st *states[F]) play(ctx context.Context, actions []checkpointing.Action, compute func(k int), use func(k int, b *block)) error {
	for _, a := range actions {
		if ctx.Err() != nil {
			st.forget()
			return context.Cause(ctx)
		}
		k := a.Step
		switch a.Op {
		case checkpointing.Compute:
			last := len(st.free) - 1
			st.slot[k], st.free = st.free[last], st.free[:last]
			compute(k)
		case checkpointing.Use:
			use(k, &st.blocks[k])
		case checkpointing.Drop:
			st.free = append(st.free, st.slot[k])
			st.slot[k] = -1
		}
	}
	return nil
}
