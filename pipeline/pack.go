package pipeline

import (
	"cmp"
	"fmt"
	"slices"

	"curvestream/ingest"
	"curvestream/nn"
)

// layOut prepares a chunk to be filled: lays out its batch where all is known for that but the values, else makes sequences.
func (l *Loader[F]) layOut(mb Minibatch, k *pending[F]) {
	k.spare, k.columns = &nn.Batch[F]{}, l.columns.take(len(k.positions))
	if l.manifest.endless || l.encoding.SparseInputs {
		k.sequences = l.sequences.take(len(k.positions))
		for i := range k.sequences {
			k.sequences[i].Reset()
		}
		return
	}
	rows := 0
	for _, p := range k.positions {
		rows += l.encoding.Length(l.manifest.Steps(mb.Sequences[p]))
	}
	k.spare = l.batches.take(rows * l.encoding.In)
	b := l.newBatch(k.spare, len(k.positions))
	for j, p := range k.positions {
		b.Lengths[j], b.Position[j] = l.encoding.Length(l.manifest.Steps(mb.Sequences[p])), int(p)
	}
	layOutSteps(b, k.spare)
	b.Dense = resized(k.spare.Dense, b.Rows()*b.In)
	k.batch = b
}

// newBatch returns a batch of so many columns without content, made of the memory of another one.
func (l *Loader[F]) newBatch(spare *nn.Batch[F], columns int) *nn.Batch[F] {
	b := &nn.Batch[F]{In: l.encoding.In, Out: l.encoding.Out, Form: formOf(l.encoding),
		Lengths: resized(spare.Lengths, columns), Position: resized(spare.Position, columns)}
	if l.options.Identify {
		b.ID = make([]string, columns)
	}
	return b
}

// layOutSteps computes Active and Offset from Lengths.
func layOutSteps[F ingest.Float](b, spare *nn.Batch[F]) {
	longest := max(0, b.Lengths[0])
	b.Active, b.Offset = resized(spare.Active, longest), resized(spare.Offset, longest+1)
	b.Offset[0] = 0
	alive := len(b.Lengths)
	for t := range longest {
		for b.Lengths[alive-1] <= t {
			alive--
		}
		b.Active[t] = alive
		b.Offset[t+1] = b.Offset[t] + alive
	}
}

// packChunk completes the batch of a chunk whose sequences are all there, and counts it.
func (l *Loader[F]) packChunk(mb Minibatch, k *pending[F]) (*nn.Batch[F], ledger, error) {
	b := k.batch
	if b == nil {
		var err error
		if b, err = l.pack(mb, k); err != nil {
			return nil, ledger{}, err
		}
		l.sequences.give(k.sequences)
	}
	var ids ledger
	for i := range k.columns {
		b.WeightSum += float64(k.columns[i].weight)
		ids.add(ledger{1, k.columns[i].id})
	}
	l.columns.give(k.columns)
	k.batch, k.spare, k.sequences, k.columns = nil, nil, nil, nil
	l.counters.assemble.done(batchBytes(b))
	return b, ids, nil
}

// pack packs the encoded sequences of a chunk time-major.
func (l *Loader[F]) pack(mb Minibatch, k *pending[F]) (*nn.Batch[F], error) {
	e, m := l.encoding, l.manifest
	columns, rows := make([]*ingest.Sequence[F], len(k.sequences)), 0
	for i := range k.sequences {
		rows += k.sequences[i].Length
	}
	spare := l.batches.take(rows * e.In)
	b := l.newBatch(spare, len(columns))
	for j, from := range byLength(k.sequences) {
		s, position := &k.sequences[from], int(k.positions[from])
		want := s.Length
		if !m.endless {
			want = e.Length(m.Steps(mb.Sequences[position]))
		}
		if err := checkSequence(e, want, s); err != nil {
			return nil, err
		}
		columns[j] = s
		b.Lengths[j], b.Position[j], k.columns[j] = s.Length, position, delivered[F]{hashBytes(s.ID), s.Weight}
		if b.ID != nil {
			b.ID[j] = string(s.ID)
		}
	}
	layOutSteps(b, spare)
	if e.SparseInputs {
		b.Sparse = packSparse(b, spare, columns)
	} else {
		b.Dense = resized(spare.Dense, b.Rows()*b.In)
		scatterAll(b.Dense, b, b.In, columns, func(s *ingest.Sequence[F]) []F { return s.Dense })
	}
	packTargets(b, spare, columns)
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
func checkSequence[F ingest.Float](e *ingest.Encoding, length int, s *ingest.Sequence[F]) error {
	if s.Length != length {
		return &DeliveryError{What: fmt.Sprintf("sequence %q with %d time-steps instead of %d", s.ID, s.Length, length), Delivered: 1, Planned: 1}
	}
	rows := s.Length
	if formOf(e) == nn.Last {
		rows = 1
	}
	inputs := len(s.Dense) == s.Length*e.In
	if e.SparseInputs {
		inputs = len(s.Ptr) == s.Length+1 && int(s.Ptr[s.Length]) == len(s.Col) && (len(s.Val) == 0 || len(s.Val) == len(s.Col))
	}
	targets := len(s.Class) == rows
	if len(s.Class) == 0 {
		targets = len(s.Target) == rows*e.Out
	}
	if s.Length < 1 || !inputs || !targets || len(s.Mask) > 0 && len(s.Mask) != rows {
		return fmt.Errorf("pipeline: sequence %q was encoded to %d time-steps with %d values, %d indices, %d targets and %d masks: this is a bug",
			s.ID, s.Length, len(s.Dense), len(s.Col), len(s.Target)+len(s.Class), len(s.Mask))
	}
	return nil
}

func packSparse[F ingest.Float](b, spare *nn.Batch[F], columns []*ingest.Sequence[F]) *nn.Sparse[F] {
	entries, values := 0, false
	for _, s := range columns {
		entries += len(s.Col)
		values = values || len(s.Val) > 0
	}
	from := &nn.Sparse[F]{}
	if spare.Sparse != nil {
		from = spare.Sparse
	}
	x := &nn.Sparse[F]{Cols: b.In, Ptr: resized(from.Ptr, b.Rows()+1), Col: resized(from.Col, entries)[:0]}
	if values {
		x.Val = resized(from.Val, entries)[:0]
	}
	x.Ptr[0] = 0
	row := 1
	for t, active := range b.Active {
		for _, s := range columns[:active] {
			lo, hi := s.Ptr[t], s.Ptr[t+1]
			x.Col = append(x.Col, s.Col[lo:hi]...)
			if values {
				x.Val = appendValues(x.Val, s, lo, hi)
			}
			x.Ptr[row] = int32(len(x.Col))
			row++
		}
	}
	return x
}

func appendValues[F ingest.Float](to []F, s *ingest.Sequence[F], lo, hi int32) []F {
	if len(s.Val) > 0 {
		return append(to, s.Val[lo:hi]...)
	}
	for range hi - lo {
		to = append(to, 1)
	}
	return to
}

// packTargets sets Target or Class, and Weight where any row's differs from 1.
func packTargets[F ingest.Float](b, spare *nn.Batch[F], columns []*ingest.Sequence[F]) {
	if len(columns[0].Class) > 0 {
		b.Class = resized(spare.Class, b.OutputRows())
		scatterAllOutputs(b.Class, b, 1, columns, func(s *ingest.Sequence[F]) []int32 { return s.Class })
	} else {
		b.Target = resized(spare.Target, b.OutputRows()*b.Out)
		scatterAllOutputs(b.Target, b, b.Out, columns, func(s *ingest.Sequence[F]) []F { return s.Target })
	}
	if slices.ContainsFunc(columns, func(s *ingest.Sequence[F]) bool { return s.Weight != 1 || len(s.Mask) > 0 }) {
		b.Weight = resized(spare.Weight, b.OutputRows())
		scatterAllOutputs(b.Weight, b, 1, columns, func(s *ingest.Sequence[F]) []F { return weights(b.Form, s) })
	}
}

// weights turns the mask of a sequence into the weight of each target row: its own times the mask.
func weights[F ingest.Float](form nn.Form, s *ingest.Sequence[F]) []F {
	rows := s.Length
	if form == nn.Last {
		rows = 1
	}
	for len(s.Mask) < rows {
		s.Mask = append(s.Mask, 1)
	}
	for i := range s.Mask {
		s.Mask[i] *= s.Weight
	}
	return s.Mask
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
