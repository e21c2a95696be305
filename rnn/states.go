package rnn

import (
	"cmp"
	"context"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
)

// states are the hidden states of a shard, kept, stored or computed again as its plan says; to the plan, a state is the strip of a
// block. They are computed by the same operations on the same values each time, so their bits are the same.
type states[F accel.Float] struct {
	*sweep[F]
	h       []strip[F] // slots
	slot    []int      // of each block; −1 where its strip is in no slot
	free    ring       // slots, the one that was freed first coming first
	since   since      // which sweep was the last
	sums    sums[F]
	shelf   *shelf[F]             // of h, where something is stored
	along   []companion[F]        // what this sweep computes along with h, and stores with it
	pending []*checkpointing.Copy // of each slot, the copy that was last begun
	moved   []accel.Moved         // of each slot, likewise, the copies that the stream itself makes; 0 where it has awaited them
	mover   *checkpointing.Mover  // of the sweep at hand, where something is stored
}

type since int

const (
	nothing since = iota // nothing is kept
	forwardSweep
	backwardSweep
)

// carveSlots carves the slots of the plan: one that fits each block where all are kept, and otherwise slots that fit any.
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
	st.pending, st.moved = make([]*checkpointing.Copy, len(st.h)), make([]accel.Moved, len(st.h))
	st.forget()
	return st
}

// computeAlong says what the next sweeps compute along with h: it is stored with it, where something is stored.
func (st *states[F]) computeAlong(list ...companion[F]) {
	st.along = st.along[:0]
	if st.shelf != nil {
		st.along = append(st.along, list...)
	}
}

// forget drops all states.
func (st *states[F]) forget() {
	st.since = nothing
	st.free.fill(len(st.h))
	for k := range st.slot {
		st.slot[k] = -1
	}
	clear(st.pending)
	clear(st.moved)
	st.sums.forget()
	if st.shelf != nil {
		st.shelf.forget()
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
	for _, c := range st.along {
		c.shelf.forget()
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

// play carries out actions. After an error, such as that ctx has ended, the next sweep starts with nothing.
func (st *states[F]) play(ctx context.Context, actions []checkpointing.Action, compute func(k int), use func(k int, b *block)) error {
	if st.shelf != nil {
		st.mover = checkpointing.NewMover(ctx)
	}
	err := st.act(ctx, actions, compute, use)
	if st.mover != nil {
		err = cmp.Or(err, st.mover.Close())
		st.mover = nil
		clear(st.pending)
	}
	if err != nil {
		st.forget()
	}
	return err
}

func (st *states[F]) act(ctx context.Context, actions []checkpointing.Action, compute func(k int), use func(k int, b *block)) error {
	for _, a := range actions {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k := a.Step
		var err error
		switch a.Op {
		case checkpointing.Compute:
			if err = cmp.Or(st.take(k), st.ready(k-1)); err == nil {
				compute(k)
				err = st.check(k)
			}
		case checkpointing.Use:
			if err = cmp.Or(st.ready(k-1), st.ready(k)); err == nil {
				use(k, &st.blocks[k])
			}
		case checkpointing.Drop:
			st.release(k)
		case checkpointing.Offload:
			err = st.offload(k)
		case checkpointing.Prefetch:
			err = st.prefetch(k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take gives block k a slot, as soon as what is copied from it is.
func (st *states[F]) take(k int) error {
	st.slot[k] = st.free.take()
	return st.ready(k)
}

// release frees the slot of block k.
func (st *states[F]) release(k int) {
	st.free.give(st.slot[k])
	st.slot[k] = -1
}

// ready has what follows wait until nothing is copied to or from the slot of block k, where there is one.
func (st *states[F]) ready(k int) error {
	if k < 0 || st.mover == nil {
		return nil
	}
	slot := st.slot[k]
	if m := st.moved[slot]; m != 0 {
		st.s.(accel.Mover[F]).Await(m)
		st.moved[slot] = 0
	}
	return st.pending[slot].Wait()
}
