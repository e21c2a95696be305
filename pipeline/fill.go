package pipeline

import (
	"curvestream/ingest"
	"curvestream/nn"
)

// together is how many sequences are encoded before they are written into a batch: as many as a cache line of the batch has places
// for, where a time-step is one number, so that each line is written once.
const together = 16

// A bench is what one goroutine encodes sequences in. Its memory is used again.
type bench[F ingest.Float] struct {
	sequences [together]ingest.Sequence[F]
	filled    [together]*ingest.Sequence[F]
	columns   [together]int32
	values    [together][]F // of each sequence, in turn: inputs, outputs, weights
	classes   [together][]int32
}

// valuesOf lists what a function picks from each sequence.
func (b *bench[F]) valuesOf(sequences []*ingest.Sequence[F], pick func(*ingest.Sequence[F]) []F) [][]F {
	for i, s := range sequences {
		b.values[i] = pick(s)
	}
	return b.values[:len(sequences)]
}

// encodeJob encodes the sequences of a job that lie in one piece. Others are finishJob's.
func (l *Loader[F]) encodeJob(j *job[F]) error {
	at := l.src.Unit(j.unit.index)
	_, err := guard(at, func() (struct{}, error) {
		b := l.benches.take()
		defer l.benches.give(b)
		for pieces := j.pieces; len(pieces) > 0; {
			n, err := l.encodeRun(b, j.unit, at, pieces)
			if err != nil {
				return struct{}{}, err
			}
			pieces = pieces[n:]
		}
		return struct{}{}, nil
	})
	return err
}

// soon is how many pieces ahead of the one that is encoded the values are fetched into the cache: those of a chunk lie anywhere in the unit.
const soon = 3

// encodeRun encodes the first pieces, of one chunk, and returns how many it took.
func (l *Loader[F]) encodeRun(b *bench[F], u *unit, at ingest.Unit, pieces []piece[F]) (n int, err error) {
	k, filled := pieces[0].chunk, 0
	for ; n < len(pieces) && pieces[n].chunk == k && filled < together; n++ {
		s := &pieces[n]
		if l.expecter != nil && n+soon < len(pieces) {
			l.expecter.Expect(u.rec, int(pieces[n+soon].at.lo))
		}
		switch {
		case s.split:
		case k.batch == nil:
			if err := l.encodePiece(&k.sequences[s.column], u, at, s); err != nil {
				return n, err
			}
		default:
			seq := &b.sequences[filled]
			seq.Reset()
			seq.Borrow = true // the batch has a copy before the unit goes
			if err := l.encodePiece(seq, u, at, s); err != nil {
				return n, err
			}
			b.filled[filled], b.columns[filled] = seq, s.column
			filled++
		}
	}
	if filled == 0 {
		return n, nil
	}
	return n, l.fill(b, k, b.columns[:filled], b.filled[:filled])
}

// encodePiece adds the rows of a piece to its sequence, and finishes the sequence after its last rows.
func (l *Loader[F]) encodePiece(seq *ingest.Sequence[F], u *unit, at ingest.Unit, s *piece[F]) error {
	if err := l.encoder.Append(seq, u.rec, int(s.at.lo), int(s.at.hi), at); err != nil || !s.last {
		return err
	}
	if err := l.encoder.Finish(seq); err != nil {
		return err
	}
	l.counters.encode.done(sequenceBytes(seq))
	return nil
}

// finishJob adds the pieces of split sequences, which have to be added in order, and packs the chunks that are complete with them.
func (l *Loader[F]) finishJob(mb Minibatch, j *job[F], complete func(*pending[F], *nn.Batch[F], ledger)) error {
	at := l.src.Unit(j.unit.index)
	for i := range j.pieces {
		s := &j.pieces[i]
		if s.split {
			if _, err := guard(at, func() (struct{}, error) { return struct{}{}, l.joinPiece(j.unit, at, s) }); err != nil {
				return err
			}
		}
		if !s.last {
			continue
		}
		if s.chunk.missing--; s.chunk.missing > 0 {
			continue
		}
		b, ids, err := l.packChunk(mb, s.chunk)
		if err != nil {
			return err
		}
		complete(s.chunk, b, ids)
	}
	return nil
}

// joinPiece adds a piece of a split sequence.
func (l *Loader[F]) joinPiece(u *unit, at ingest.Unit, s *piece[F]) error {
	k := s.chunk
	if k.batch == nil {
		return l.encodePiece(&k.sequences[s.column], u, at, s)
	}
	seq := k.split[s.column]
	if seq == nil {
		if k.split == nil {
			k.split = map[int32]*ingest.Sequence[F]{}
		}
		seq = &ingest.Sequence[F]{}
		k.split[s.column] = seq
	}
	if err := l.encodePiece(seq, u, at, s); err != nil || !s.last {
		return err
	}
	delete(k.split, s.column)
	b := l.benches.take()
	defer l.benches.give(b)
	return l.fill(b, k, []int32{s.column}, []*ingest.Sequence[F]{seq})
}

// fill writes whole sequences into columns, which ascend, of a chunk's batch. Goroutines may fill other columns at the same time.
func (l *Loader[F]) fill(m *bench[F], k *pending[F], columns []int32, sequences []*ingest.Sequence[F]) error {
	b, weighted := k.batch, false
	for i, s := range sequences {
		c := columns[i]
		if err := checkSequence(l.encoding, b.Lengths[c], s); err != nil {
			return err
		}
		k.columns[c] = delivered[F]{hashBytes(s.ID), s.Weight}
		if b.ID != nil {
			b.ID[c] = string(s.ID)
		}
		weighted = weighted || s.Weight != 1 || len(s.Mask) > 0
	}
	k.makeRoom(len(sequences[0].Class) > 0, weighted)
	scatter(b.Dense, b, columns, b.In, m.valuesOf(sequences, func(s *ingest.Sequence[F]) []F { return s.Dense }))
	if b.Class != nil {
		for i, s := range sequences {
			m.classes[i] = s.Class
		}
		scatterOutputs(b.Class, b, columns, 1, m.classes[:len(sequences)])
	} else {
		scatterOutputs(b.Target, b, columns, b.Out, m.valuesOf(sequences, func(s *ingest.Sequence[F]) []F { return s.Target }))
	}
	if weighted {
		scatterOutputs(b.Weight, b, columns, 1, m.valuesOf(sequences, func(s *ingest.Sequence[F]) []F { return weights(b.Form, s) }))
	}
	return nil
}

// makeRoom makes room for outputs and, all of them 1, for weights, if there is none.
func (k *pending[F]) makeRoom(classes, weighted bool) {
	k.filling.Lock()
	defer k.filling.Unlock()
	b := k.batch
	switch rows := b.OutputRows(); {
	case classes && b.Class == nil:
		b.Class = resized(k.spare.Class, rows)
	case !classes && b.Target == nil:
		b.Target = resized(k.spare.Target, rows*b.Out)
	}
	if weighted && b.Weight == nil {
		b.Weight = resized(k.spare.Weight, b.OutputRows())
		for i := range b.Weight {
			b.Weight[i] = 1
		}
	}
}
