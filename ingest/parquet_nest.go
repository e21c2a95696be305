package ingest

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// A nest assembles the levels of lists of one column from Parquet's repetition and definition levels: offsets and validity of each
// level, and the validity of the leaves.
//
// A repetition level r says that a value begins a new element of list level r, and with it lists of all deeper levels; 0 begins a row.
// A definition level d says how much of the path to the leaf is there: a list is not null if d ≥ its defined, has an element if
// d ≥ its filled, and the leaf is not null if d is the largest.
type nest struct {
	lists  []listLevel // from the outermost on
	filled uint8       // a leaf has a place if d ≥ filled
	most   uint8       // the largest definition level: the leaf is there
	leaves int         // places of leaves, nulls counted
	nulls  int         // of them
	valid  validity    // of the leaves
}

// A listLevel is one level of lists while it is assembled.
type listLevel struct {
	defined, filled uint8
	offsets         *memory.Buffer // of int32
	n               int            // lists
	nulls           int
	valid           validity
}

// A validity is a bitmap that exists only once there is a null.
type validity struct {
	bitmap *memory.Buffer
	mem    memory.Allocator
}

// newNest looks at the path from the root to a leaf. It returns false where there are more levels than it counts.
func newNest(d *schema.Column, mem memory.Allocator) (*nest, bool) {
	if d.MaxDefinitionLevel() > 100 || d.MaxRepetitionLevel() > 16 {
		return nil, false
	}
	var path []schema.Node
	for n := d.SchemaNode(); n.Parent() != nil; n = n.Parent() {
		path = append(path, n)
	}
	s := &nest{valid: validity{mem: mem}}
	for i := len(path) - 1; i >= 0; i-- {
		switch path[i].RepetitionType() {
		case parquet.Repetitions.Optional:
			s.most++
		case parquet.Repetitions.Repeated:
			s.lists = append(s.lists, listLevel{defined: s.most, filled: s.most + 1, valid: validity{mem: mem}})
			s.most++
			s.filled = s.most
		}
	}
	return s, int(s.most) == int(d.MaxDefinitionLevel()) && len(s.lists) == int(d.MaxRepetitionLevel())
}

// reserve makes room for the offsets of lists: rows at the outermost level, at most values at the others.
func (s *nest) reserve(rows, values int64, mem memory.Allocator) {
	for k := range s.lists {
		n := rows
		if k > 0 {
			n = values
		}
		s.lists[k].offsets = memory.NewResizableBuffer(mem)
		s.lists[k].offsets.Resize(int(4 * (n + 1)))
	}
}

// release gives back what is not part of an array.
func (s *nest) release() {
	for k := range s.lists {
		releaseAll(s.lists[k].offsets, s.lists[k].valid.bitmap)
	}
	releaseAll(s.valid.bitmap)
}

func releaseAll(buffers ...*memory.Buffer) {
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
}

// add assembles the levels of one page; rep is empty where there are no lists, def where everything is required. It returns the
// number of leaves that are there, those whose values the page holds.
func (s *nest) add(rep, def []uint8, n int) (present int, err error) {
	first, before := s.leaves, s.nulls
	switch {
	case s.most == 0:
		s.leaves += n
		return n, nil
	case len(s.lists) == 0:
		err = s.addFlat(def)
	default:
		err = s.addNested(rep, def)
	}
	return s.leaves - first - (s.nulls - before), err
}

// eight is b in each of eight bytes.
func eight(b uint8) uint64 { return uint64(b) * 0x0101010101010101 }

func (s *nest) addFlat(def []uint8) error {
	full := eight(s.most)
	for i := 0; i < len(def); {
		if i+8 <= len(def) && binary.LittleEndian.Uint64(def[i:]) == full {
			s.leaves += 8
			i += 8
			continue
		}
		if def[i] > s.most {
			return errLevels
		}
		s.leaf(def[i])
		i++
	}
	return nil
}

// errLevels is that levels contradict the schema or each other.
var errLevels = fmt.Errorf("its levels contradict each other")

// addNested takes eight levels at once where all go on with the innermost list: most of the levels of long lists.
func (s *nest) addNested(rep, def []uint8) error {
	depth := uint8(len(s.lists))
	inner, full := eight(depth), eight(s.most)
	for i := 0; i < len(rep); {
		if i+8 <= len(rep) && binary.LittleEndian.Uint64(rep[i:]) == inner && binary.LittleEndian.Uint64(def[i:]) == full && s.lists[depth-1].n > 0 {
			s.leaves += 8
			i += 8
			continue
		}
		if err := s.step(rep[i], def[i], depth); err != nil {
			return err
		}
		i++
	}
	return nil
}

// step assembles one pair of levels.
func (s *nest) step(r, d, depth uint8) error {
	if r > depth || d > s.most || r > 0 && (d < s.lists[r-1].filled || s.lists[r-1].n == 0) {
		return errLevels
	}
	for k := int(r); k < int(depth); k++ {
		l := &s.lists[k]
		offsets := bufferOf[int32](l.offsets)
		if l.n+1 >= len(offsets) {
			return errTooManyLists(l.n)
		}
		offsets[l.n] = int32(s.below(k))
		l.n++
		if d < l.defined {
			l.valid.clear(l.n-1, len(offsets))
			l.nulls++
		}
		if d < l.filled {
			return nil
		}
	}
	s.leaf(d)
	return nil
}

// below is the number of elements that lists of level k have so far; of level −1, the rows.
func (s *nest) below(k int) int {
	if k+1 < len(s.lists) {
		return s.lists[k+1].n
	}
	return s.leaves
}

func (s *nest) leaf(d uint8) {
	if d < s.most {
		s.valid.clear(s.leaves, s.leaves+1)
		s.nulls++
	}
	s.leaves++
}

// finish ends the offsets, and cuts buffers to their lengths.
func (s *nest) finish() {
	for k := range s.lists {
		l := &s.lists[k]
		bufferOf[int32](l.offsets)[l.n] = int32(s.below(k))
		l.offsets.ResizeNoShrink(4 * (l.n + 1))
		l.valid.cut(l.n)
	}
	s.valid.cut(s.leaves)
}

// clear notes that value i is null. Room for room values is made at once where that is known.
func (v *validity) clear(i, room int) {
	if v.bitmap == nil {
		v.bitmap = memory.NewResizableBuffer(v.mem)
	}
	v.grow(max(i+1, room))
	bitutil.ClearBit(v.bitmap.Bytes(), i)
}

// grow makes the bitmap n values long, those that are new valid.
func (v *validity) grow(n int) {
	have, want := v.bitmap.Len(), (n+7)/8
	if want <= have {
		return
	}
	if want > v.bitmap.Cap() {
		v.bitmap.Reserve(2 * want)
	}
	v.bitmap.ResizeNoShrink(want)
	b := v.bitmap.Bytes()[have:]
	for i := range b {
		b[i] = 0xff
	}
}

// cut makes the bitmap, if there is one, n values long.
func (v *validity) cut(n int) {
	if v.bitmap != nil {
		v.grow(n)
		v.bitmap.ResizeNoShrink((n + 7) / 8)
	}
}
