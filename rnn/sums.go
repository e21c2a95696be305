package rnn

import (
	"fmt"
	"hash/crc32"
	"unsafe"

	"curvestream/accel"
)

// sums are checksums of the states that each block hands on to the next one, as they were computed first. A block that is computed
// again must give the same bits, or the forward and the backward sweep of a product would belong to different points, and G would
// not be symmetric. Of a block only the last time-step is looked at, which all before it go into.
type sums[F accel.Float] struct {
	of     []uint32
	known  []bool
	values []F // of a time-step
}

func (c *sums[F]) forget() { clear(c.known) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// check compares block k, which was just computed, with the first time that it was, or remembers it.
func (st *states[F]) check(k int) error {
	if !st.Store.Verify || st.plan.Full() {
		return nil
	}
	c := &st.sums
	if c.of == nil {
		c.of, c.known = make([]uint32, len(st.blocks)), make([]bool, len(st.blocks))
	}
	sum, err := st.lastSum(k)
	if err != nil {
		return err
	}
	if !c.known[k] {
		c.of[k], c.known[k] = sum, true
		return nil
	}
	if sum == c.of[k] {
		return nil
	}
	return fmt.Errorf("rnn: hidden states of time-steps %d to %d are not those of the first time, though they were computed from the same numbers: this machine's memory or processor makes errors; go on from the last checkpoint on another one", st.blocks[k].lo+1, st.blocks[k].hi)
}

// lastSum returns the checksum of the carried values of the last time-step of block k.
func (st *states[F]) lastSum(k int) (uint32, error) {
	if err := st.s.Sync(); err != nil {
		return 0, fmt.Errorf("rnn: reading a state: %w", err)
	}
	b, sum := &st.blocks[k], uint32(0)
	for i := range st.cell.nodes {
		if !st.cell.nodes[i].carried() {
			continue
		}
		m := step(b, st.in(st.h, k)[i], b.hi-1, st.shard.Active[b.hi-1])
		if n := m.Rows * m.Cols; len(st.sums.values) < n {
			st.sums.values = make([]F, n)
		}
		values := st.sums.values[:m.Rows*m.Cols]
		elements(m).Read(values)
		sum = crc32.Update(sum, castagnoli, bytesOf(values))
	}
	return sum, nil
}

// bytesOf returns the memory of values.
func bytesOf[F accel.Float](values []F) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(F(0))))
}
