package ingest

// Float is the element type of encoded data.
type Float interface{ float32 | float64 }

// A Sequence is one encoded training case in host memory. Exactly one of Dense and Sparse is used for the inputs, and one
// of Target and Class for the targets, as the encoding says.
type Sequence[F Float] struct {
	ID     []byte // the identifier; its memory is the sequence's, and is used again
	Length int    // T ≥ 1 time-steps

	Dense  []F     // T × In row-major
	Ptr    []int32 // sparse inputs: step τ has the columns Col[Ptr[τ]:Ptr[τ+1]] of In, with values Val or 1
	Col    []int32
	Val    []F
	Target []F     // (T or 1) × Out row-major
	Class  []int32 // T or 1 classes
	Mask   []F     // of each target row; nil means 1
	Weight F       // of the sequence; 1 where no column gives it

	// Borrow lets Dense lie in the memory of the record, for a caller that is through with the sequence before it releases that, and
	// changes nothing in it.
	Borrow   bool
	borrowed bool
}

// Reset empties the sequence for the next one, and keeps its memory and Borrow.
func (s *Sequence[F]) Reset() {
	if s.borrowed {
		s.Dense, s.borrowed = nil, false
	}
	s.ID, s.Length, s.Weight = s.ID[:0], 0, 1
	s.Dense, s.Target, s.Class, s.Mask = s.Dense[:0], s.Target[:0], s.Class[:0], s.Mask[:0]
	s.Ptr, s.Col, s.Val = s.Ptr[:0], s.Col[:0], s.Val[:0]
}
