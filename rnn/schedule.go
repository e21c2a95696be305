package rnn

import (
	"fmt"
	"unsafe"

	"curvestream/accel"
	"curvestream/checkpointing"
)

// schedule plans the states of each shard within the state budget. The error is a *BudgetError where that is too small.
func (n *Net[F]) schedule(sweeps []*sweep[F]) error {
	least, err := n.planStates(sweeps)
	if err != nil {
		return err
	}
	if device := n.device(); device > 0 && device < least {
		what := fmt.Sprintf("a chunk of %d sequences of up to %d time-steps, even if most states are computed again,", sequences(sweeps), sweeps[0].shard.Steps())
		return &BudgetError{Have: device, Need: least, What: what, Fix: "make chunks smaller", Device: device != n.StateBudget}
	}
	return nil
}

// planStates gives each shard the slots that it needs at least, and of what the budgets leave as much as is the shard's share of
// all states. It returns the bytes of slots that are needed at least.
func (n *Net[F]) planStates(sweeps []*sweep[F]) (least int64, err error) {
	if n.UniformStates {
		for _, s := range sweeps {
			s.plan = checkpointing.NewPlan(checkpointing.NewUniform(len(s.blocks)), s.chain(), s.costs())
			least += s.slotBytes()
		}
		return least, nil
	}
	var all int64
	for _, s := range sweeps {
		all += s.strips()
		least += min(s.strips(), int64(checkpointing.Need(len(s.blocks)))*s.strip())
	}
	device := n.device()
	spare := float64(max(0, device-least)) / float64(all)
	host, spill := n.copies(all)
	for _, s := range sweeps {
		m := checkpointing.Memory{Slots: len(s.blocks)}
		if device > 0 && device < all {
			share := float64(s.strips()) / float64(all)
			m.Slots = checkpointing.Need(m.Slots) + int(spare*float64(s.strips())/float64(s.strip()))
			m.Host = int(float64(host) * share / float64(s.strip()))
			m.Spill = int(float64(spill) * share / float64(checkpointing.RecordBytes(s.strip())))
			m = withBuffer(m)
		}
		if s.plan, err = checkpointing.Choose(s.chain(), m, s.costs()); err != nil {
			return 0, fmt.Errorf("rnn: %w", err)
		}
	}
	return least, nil
}

// withBuffer takes the memory of one state from that of others, for what is on its way to or from the file. Without it there is no file.
func withBuffer(m checkpointing.Memory) checkpointing.Memory {
	switch {
	case m.Spill == 0:
	case m.Host > 0:
		m.Host--
	case m.Slots > checkpointing.Window:
		m.Slots--
	default:
		m.Spill = 0
	}
	return m
}

// chain describes a shard's strips, which are its states to the plan.
func (s *sweep[F]) chain() checkpointing.Chain {
	return checkpointing.Chain{Steps: len(s.blocks), Bytes: s.strip(), Along: s.Store.Along}
}

// costs returns the costs of a strip.
func (s *sweep[F]) costs() checkpointing.Costs {
	rows, c := float64(s.shard.Rows())/float64(len(s.blocks)), s.Store.Costs
	c.Forward, c.Along, c.Backward = c.Forward*rows, c.Along*rows, c.Backward*rows
	return c
}

// width returns the bytes of an element.
func (n *Net[F]) width() int64 { return int64(unsafe.Sizeof(F(0))) }

// slotBytes returns the bytes of the slots of the schedule.
func (s *sweep[F]) slotBytes() int64 {
	if s.plan.Full() {
		return s.strips()
	}
	return int64(s.plan.Slots) * s.strip()
}

// strip returns the bytes of the largest strip, and strips those of all.
func (s *sweep[F]) strip() int64 {
	return int64(s.cell.stripElements(s.largest((*block).stripRows), s.largest((*block).rows))) * s.width()
}

func (s *sweep[F]) strips() int64 {
	sum := 0
	for k := range s.blocks {
		sum += s.stripElementsOf(k)
	}
	return int64(sum) * s.width()
}

// stripElementsOf returns how many elements the strip of block k has.
func (s *sweep[F]) stripElementsOf(k int) int {
	return s.cell.stripElements(s.blocks[k].stripRows(), s.blocks[k].rows())
}

func sequences[F accel.Float](sweeps []*sweep[F]) int {
	n := 0
	for _, s := range sweeps {
		n += len(s.shard.Column)
	}
	return n
}
