package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"curvestream/ingest"
	"curvestream/nn"
)

// pack packs the encoded sequences of a chunk time-major. positions are those of the chunk in its minibatch; sequences are
// in the same order.
func pack[F ingest.Float](e *ingest.Encoding, m *Manifest, mb Minibatch, positions []int32, sequences []ingest.Sequence[F]) (*nn.Batch[F], error) {
	columns := make([]*ingest.Sequence[F], len(sequences))
	b := &nn.Batch[F]{In: e.In, Out: e.Out, Form: formOf(e), Lengths: make([]int, len(sequences)),
		Position: make([]int, len(sequences)), ID: make([]string, len(sequences))}
	for j, from := range byLength(sequences) {
		s := &sequences[from]
		position := int(positions[from])
		if err := checkSequence(e, m, mb.Sequences[position], s); err != nil {
			return nil, err
		}
		columns[j] = s
		b.Lengths[j], b.Position[j], b.ID[j] = s.Length, position, s.ID
		b.WeightSum += float64(s.Weight)
	}
	layOut(b)
	if e.SparseInputs {
		b.Sparse = packSparse(b, columns)
	} else {
		b.Dense = packRows(b, columns, e.In, func(s *ingest.Sequence[F]) []F { return s.Dense })
	}
	packTargets(b, columns)
	return b, nil
}

// byLength returns the order of columns: longest first. Where the plan knew the lengths, it is the order they are in.
func byLength[F ingest.Float](sequences []ingest.Sequence[F]) []int {
	order := make([]int, len(sequences))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sequences[b].Length, sequences[a].Length) })
	return order
}

// checkSequence makes sure that what was read is what was planned, and that every row has what it needs.
func checkSequence[F ingest.Float](e *ingest.Encoding, m *Manifest, i int, s *ingest.Sequence[F]) error {
	if !m.endless && s.Length != e.Length(m.Steps(i)) {
		return &DeliveryError{What: fmt.Sprintf("sequence %q with %d time-steps instead of %d", s.ID, s.Length, e.Length(m.Steps(i))), Delivered: 1, Planned: 1}
	}
	rows := s.Length
	if formOf(e) == nn.Last {
		rows = 1
	}
	inputs := len(s.Dense) == s.Length*e.In
	if e.SparseInputs {
		inputs = len(s.Ptr) == s.Length+1 && int(s.Ptr[s.Length]) == len(s.Col) && (s.Val == nil || len(s.Val) == len(s.Col))
	}
	targets := len(s.Class) == rows
	if s.Class == nil {
		targets = len(s.Target) == rows*e.Out
	}
	if s.Length < 1 || !inputs || !targets || s.Mask != nil && len(s.Mask) != rows {
		return fmt.Errorf("pipeline: sequence %q was encoded to %d time-steps with %d values, %d indices, %d targets and %d masks: this is a bug",
			s.ID, s.Length, len(s.Dense), len(s.Col), len(s.Target)+len(s.Class), len(s.Mask))
	}
	return nil
}

// layOut computes Active and Offset from Lengths.
func layOut[F ingest.Float](b *nn.Batch[F]) {
	longest := b.Lengths[0]
	b.Active, b.Offset = make([]int, longest), make([]int, longest+1)
	alive := len(b.Lengths)
	for t := range longest {
		for b.Lengths[alive-1] <= t {
			alive--
		}
		b.Active[t] = alive
		b.Offset[t+1] = b.Offset[t] + alive
	}
}

// packRows brings rows of the given width, one a time-step, from the order of sequences into that of the batch. It takes as many columns
// together as a cache line of the batch has places for, so that each line is written once.
func packRows[F ingest.Float, T any](b *nn.Batch[F], columns []*ingest.Sequence[F], width int, rowsOf func(*ingest.Sequence[F]) []T) []T {
	const together = 16
	packed := make([]T, b.Rows()*width)
	var rows [together][]T
	for first := 0; first < len(columns); first += together {
		block := columns[first:min(first+together, len(columns))]
		for j, s := range block {
			rows[j] = rowsOf(s)
		}
		for t := range block[0].Length {
			alive := min(len(block), b.Active[t]-first)
			to := packed[(b.Offset[t]+first)*width:][:alive*width]
			if width == 1 {
				for j := range to {
					to[j] = rows[j][t]
				}
				continue
			}
			for j := range alive {
				copy(to[j*width:][:width], rows[j][t*width:])
			}
		}
	}
	return packed
}

func packSparse[F ingest.Float](b *nn.Batch[F], columns []*ingest.Sequence[F]) *nn.Sparse[F] {
	entries, values := 0, false
	for _, s := range columns {
		entries += len(s.Col)
		values = values || s.Val != nil
	}
	x := &nn.Sparse[F]{Cols: b.In, Ptr: make([]int32, 1, b.Rows()+1), Col: make([]int32, 0, entries)}
	if values {
		x.Val = make([]F, 0, entries)
	}
	for t, active := range b.Active {
		for _, s := range columns[:active] {
			lo, hi := s.Ptr[t], s.Ptr[t+1]
			x.Col = append(x.Col, s.Col[lo:hi]...)
			if values {
				x.Val = appendValues(x.Val, s, lo, hi)
			}
			x.Ptr = append(x.Ptr, int32(len(x.Col)))
		}
	}
	return x
}

func appendValues[F ingest.Float](to []F, s *ingest.Sequence[F], lo, hi int32) []F {
	if s.Val != nil {
		return append(to, s.Val[lo:hi]...)
	}
	for range hi - lo {
		to = append(to, 1)
	}
	return to
}

// packTargets sets Target or Class, and Weight where any row's differs from 1.
func packTargets[F ingest.Float](b *nn.Batch[F], columns []*ingest.Sequence[F]) {
	packed := func(width int, rowsOf func(*ingest.Sequence[F]) []F) []F { return packRows(b, columns, width, rowsOf) }
	if b.Form == nn.Last {
		packed = func(_ int, rowsOf func(*ingest.Sequence[F]) []F) (all []F) {
			for _, s := range columns {
				all = append(all, rowsOf(s)...)
			}
			return all
		}
	}
	switch {
	case columns[0].Class == nil:
		b.Target = packed(b.Out, func(s *ingest.Sequence[F]) []F { return s.Target })
	case b.Form == nn.Last:
		for _, s := range columns {
			b.Class = append(b.Class, s.Class...)
		}
	default:
		b.Class = packRows(b, columns, 1, func(s *ingest.Sequence[F]) []int32 { return s.Class })
	}
	if slices.ContainsFunc(columns, func(s *ingest.Sequence[F]) bool { return s.Weight != 1 || s.Mask != nil }) {
		b.Weight = packed(1, func(s *ingest.Sequence[F]) []F { return weights(b.Form, s) })
	}
}

// weights returns the weight of each target row of a sequence: its own times the mask.
func weights[F ingest.Float](form nn.Form, s *ingest.Sequence[F]) []F {
	rows := s.Length
	if form == nn.Last {
		rows = 1
	}
	w := make([]F, rows)
	for i := range w {
		w[i] = s.Weight
		if s.Mask != nil {
			w[i] *= s.Mask[i]
		}
	}
	return w
}

// newSequences returns the empty sequences of a chunk, with room for what is known of them: part of the arena, which the chunk gives
// back when it is packed.
func newSequences[F ingest.Float](l *Loader[F], mb Minibatch, positions []int32) (sequences []ingest.Sequence[F], arena []F) {
	sequences = make([]ingest.Sequence[F], len(positions))
	if l.manifest.endless || l.encoding.SparseInputs {
		return sequences, nil
	}
	steps := 0
	for _, p := range positions {
		steps += l.manifest.Steps(mb.Sequences[p])
	}
	arena = l.arenas.take(steps * l.encoding.In)
	values := arena
	for i, p := range positions {
		n := l.manifest.Steps(mb.Sequences[p]) * l.encoding.In
		sequences[i].Dense, values = values[:0:n], values[n:]
	}
	return sequences, arena
}

// An arenas pool keeps the memory that chunks were encoded in for the next ones. What lies in it is garbage to the collector.
type arenas[F ingest.Float] struct{ pool sync.Pool }

// take returns n values, whatever they are.
func (a *arenas[F]) take(n int) []F {
	if kept, ok := a.pool.Get().(*[]F); ok && cap(*kept) >= n {
		return (*kept)[:n]
	}
	return make([]F, n)
}

func (a *arenas[F]) give(arena []F) {
	if cap(arena) > 0 {
		a.pool.Put(&arena)
	}
}

// batchBytes returns the memory that a batch takes.
func batchBytes[F ingest.Float](b *nn.Batch[F]) int64 {
	values := len(b.Dense) + len(b.Target) + len(b.Weight)
	indices := len(b.Class)
	if b.Sparse != nil {
		values += len(b.Sparse.Val)
		indices += len(b.Sparse.Ptr) + len(b.Sparse.Col)
	}
	words := len(b.Lengths) + len(b.Active) + len(b.Offset) + len(b.Position) + 2*len(b.ID)
	bytes := int64(values)*int64(sizeOf[F]()) + 4*int64(indices) + 8*int64(words)
	for _, id := range b.ID {
		bytes += int64(len(id))
	}
	return bytes
}

// sequenceBytes returns the memory that an encoded sequence takes.
func sequenceBytes[F ingest.Float](s *ingest.Sequence[F]) int64 {
	values := len(s.Dense) + len(s.Val) + len(s.Target) + len(s.Mask)
	return int64(values)*int64(sizeOf[F]()) + 4*int64(len(s.Ptr)+len(s.Col)+len(s.Class)) + int64(len(s.ID))
}
