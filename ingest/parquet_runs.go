package ingest

import (
	"fmt"
	"math/bits"
)

// addWhole assembles a page without nulls and without empty lists, of one level of lists or none, straight from the runs of its levels:
// a run that goes on with a list costs the same however long it is. It returns false, having done nothing, where the page is another.
func (s *nest) addWhole(rep, def []byte, n int) (whole bool, err error) {
	if len(s.lists) > 1 || s.most == 0 || !onlyOf(def, s.most, n) {
		return false, nil
	}
	if len(s.lists) == 0 {
		s.leaves += n
		return true, nil
	}
	return true, s.addRuns(rep, n)
}

// onlyOf tells whether n levels are runs of one value, which is this. Levels that are not well-formed are for others to find.
func onlyOf(runs []byte, value uint8, n int) bool {
	var h hybrid[uint8]
	if h.reset(runs, bits.Len8(value)) != nil {
		return false
	}
	for n > 0 {
		if h.next() != nil || h.packed || h.value != value {
			return false
		}
		n -= h.run
	}
	return true
}

// addRuns assembles n repetition levels of lists of one level, all of whose elements are there.
func (s *nest) addRuns(rep []byte, n int) error {
	var h hybrid[uint8]
	if err := h.reset(rep, 1); err != nil {
		return err
	}
	for n > 0 {
		if err := h.next(); err != nil {
			return err
		}
		some := min(h.run, n)
		n -= some
		switch {
		case some == 0:
		case h.packed:
			if err := s.addPacked(h.bits, some); err != nil {
				return err
			}
		case h.value == 1 && s.lists[0].n > 0:
			s.leaves += some
		case h.value == 0:
			for range some {
				if err := s.begin(s.leaves); err != nil {
					return err
				}
				s.leaves++
			}
		default:
			return errLevels
		}
	}
	return nil
}

// addPacked assembles n repetition levels of a bit each.
func (s *nest) addPacked(packed []byte, n int) error {
	if s.lists[0].n == 0 && packed[0]&1 == 1 {
		return errLevels
	}
	for ; n > 0; packed = packed[1:] {
		some := min(8, n)
		for begins := ^packed[0] & (1<<some - 1); begins != 0; begins &= begins - 1 {
			if err := s.begin(s.leaves + bits.TrailingZeros8(begins)); err != nil {
				return err
			}
		}
		s.leaves += some
		n -= some
	}
	return nil
}

// begin begins a list, of the only level, with a leaf.
func (s *nest) begin(leaf int) error {
	l := &s.lists[0]
	offsets := bufferOf[int32](l.offsets)
	if l.n+1 >= len(offsets) {
		return errTooManyLists(l.n)
	}
	offsets[l.n] = int32(leaf)
	l.n++
	return nil
}

// errTooManyLists is that levels begin more lists than the footer says.
func errTooManyLists(n int) error {
	return fmt.Errorf("more lists than its row group has room for (%d)", n)
}
