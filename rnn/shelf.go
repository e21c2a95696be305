package rnn

import (
	"fmt"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
)

// A shelf holds copies of the strips that a plan stores: those of h, of R{h} or of R{a}. Copies are made by the stream, beside what it
// computes, where it can do that, and else and for those in the file on a mover's goroutine, one at a time.
type shelf[F accel.Float] struct {
	s       *sweep[F]
	host    [][]F                 // of each stored block; nil where its copy is in the file
	region  *checkpointing.Region // nil where none is
	record  []int                 // of each stored block that is in the file
	current []bool                // of each stored block, whether its copy has been begun since forget
	buffer  []F                   // of a strip, on its way to or from the file
}

// A companion is what a sweep computes along with h: a strip for each slot, with its own shelf.
type companion[F accel.Float] struct {
	slots []strip[F]
	shelf *shelf[F]
}

func (l *shelf[F]) forget() { clear(l.current) }

// openShelf makes a shelf for what the plan stores, or returns nil where that is nothing. close gives back what it takes.
func (s *sweep[F]) openShelf() (l *shelf[F], close func(), err error) {
	if s.plan.Stored == 0 {
		return nil, func() {}, nil
	}
	l = &shelf[F]{s: s, host: make([][]F, s.plan.Stored), record: make([]int, s.plan.Stored), current: make([]bool, s.plan.Stored)}
	memory, giveBack, err := s.takeHost(s.shelfElements())
	if err != nil {
		return nil, nil, fmt.Errorf("rnn: memory for stored states: %w", err)
	}
	rest, records := memory, 0
	if s.plan.Spill > 0 {
		l.buffer, rest = cutOff(rest, s.largestStrip())
	}
	for k := range l.host {
		if s.plan.Spilled(k) {
			l.record[k] = records
			records++
		} else {
			l.host[k], rest = cutOff(rest, s.stripElementsOf(k))
		}
	}
	if records > 0 {
		if l.region, err = s.Store.Spill.Take(records, s.strip()); err != nil {
			giveBack()
			return nil, nil, fmt.Errorf("rnn: room for stored states: %w", err)
		}
	}
	return l, func() {
		giveBack()
		if l.region != nil {
			l.region.Close()
		}
	}, nil
}

func cutOff[F accel.Float](from []F, n int) (part, rest []F) { return from[:n:n], from[n:] }

// shelfElements returns how many elements of memory a shelf has.
func (s *sweep[F]) shelfElements() int {
	if s.plan.Stored == 0 {
		return 0
	}
	sum := 0
	if s.plan.Spill > 0 {
		sum = s.largestStrip()
	}
	for k := range s.plan.Stored {
		if !s.plan.Spilled(k) {
			sum += s.stripElementsOf(k)
		}
	}
	return sum
}

// largestStrip returns how many elements the largest strip has.
func (s *sweep[F]) largestStrip() int {
	most := 0
	for k := range s.blocks {
		most = max(most, s.stripElementsOf(k))
	}
	return most
}

// put copies the strip of block k out of a slot.
func (l *shelf[F]) put(k int, st strip[F]) error {
	to := l.host[k]
	if to == nil {
		to = l.buffer[:l.s.stripElementsOf(k)]
	}
	l.parts(k, st, to, func(v accel.Vector[F], values []F) { v.Read(values) })
	if l.host[k] != nil {
		return nil
	}
	return l.region.Write(l.record[k], bytesOf(to))
}

// get copies the strip of block k into a slot.
func (l *shelf[F]) get(k int, st strip[F]) error {
	from := l.host[k]
	if from == nil {
		from = l.buffer[:l.s.stripElementsOf(k)]
		if err := l.region.Read(l.record[k], bytesOf(from)); err != nil {
			return err
		}
	}
	l.parts(k, st, from, func(v accel.Vector[F], values []F) { v.Write(values) })
	return nil
}

// parts calls f for the values of each node of block k in a slot, and their place in a copy.
func (l *shelf[F]) parts(k int, st strip[F], copied []F, f func(v accel.Vector[F], values []F)) {
	b := &l.s.blocks[k]
	for i := range st {
		rows := b.rows()
		if l.s.cell.nodes[i].carried() {
			rows = b.stripRows()
		}
		var values []F
		values, copied = cutOff(copied, rows*st[i].Cols)
		f(elements(st[i].RowRange(0, rows)), values)
	}
}

// offload frees the slot of block k once it has been copied to the shelf, where its copy is not there yet, with what goes along.
func (st *states[F]) offload(k int) error {
	if err := st.ready(k); err != nil {
		return err
	}
	slot := st.slot[k]
	st.release(k)
	var stale []companion[F]
	for _, c := range append([]companion[F]{{st.h, st.shelf}}, st.along...) {
		if !c.shelf.current[k] {
			c.shelf.current[k] = true
			stale = append(stale, c)
		}
	}
	return st.move(slot, k, stale, true)
}

// prefetch begins to copy block k, and what goes along as far as this sweep has computed it, into a slot.
func (st *states[F]) prefetch(k int) error {
	slot := st.free.take()
	st.slot[k] = slot
	var there []companion[F]
	for _, c := range append([]companion[F]{{st.h, st.shelf}}, st.along...) {
		if c.shelf.current[k] {
			there = append(there, c)
		}
	}
	return st.move(slot, k, there, false)
}

// move begins copies of block k from or to a slot, after all that was asked of the stream so far.
func (st *states[F]) move(slot, k int, list []companion[F], store bool) error {
	if len(list) == 0 {
		return nil
	}
	if stream, can := st.s.(accel.Mover[F]); can && !st.plan.Spilled(k) {
		return st.moveBeside(stream, slot, k, list, store)
	}
	if err := st.s.Sync(); err != nil {
		return fmt.Errorf("rnn: before moving a state: %w", err)
	}
	st.pending[slot] = st.mover.Do(func() error {
		for _, c := range list {
			one := c.shelf.get
			if store {
				one = c.shelf.put
			}
			if err := one(k, c.slots[slot]); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// moveBeside has the stream make the copies while it computes.
func (st *states[F]) moveBeside(stream accel.Mover[F], slot, k int, list []companion[F], store bool) error {
	if err := st.pending[slot].Wait(); err != nil {
		return err
	}
	var all []accel.Transfer[F]
	for _, c := range list {
		c.shelf.parts(k, c.slots[slot], c.shelf.host[k], func(v accel.Vector[F], values []F) {
			all = append(all, accel.Transfer[F]{V: v, Host: values, ToHost: store})
		})
	}
	st.moved[slot] = stream.Begin(all)
	return nil
}

// takeHost lends memory for copies: of the backend, where it has some that is copied to and from faster.
func (n *Net[F]) takeHost(elements int) (memory []F, giveBack func(), err error) {
	if h, has := n.backend.(accel.Host[F]); has {
		return h.NewHost(elements)
	}
	v, err := n.host.Take(elements)
	if err != nil {
		return nil, nil, err
	}
	return v.(accel.Slice[F]), func() { n.host.Give(v) }, nil
}

// hostMemory is a backend whose vectors lie in this process's memory.
type hostMemory[F accel.Float] struct{ accel.Backend[F] }

// NewVector implements accel.Backend.
func (hostMemory[F]) NewVector(n int) (accel.Vector[F], error) { return make(accel.Slice[F], n), nil }

// newHost returns what lends memory for copies.
func newHost[F accel.Float](backend accel.Backend[F]) *nn.Scratch[F] {
	return nn.NewScratch[F](hostMemory[F]{backend})
}
