package pipeline

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"curvestream/ingest"
	"curvestream/nn"

	"github.com/zeebo/xxh3"
)

// A window is consecutive chunks whose units are read together, each once. A chunk that is still in memory is a window of
// its own without jobs.
type window[F ingest.Float] struct {
	chunks []*pending[F]
	jobs   []*job[F]
	pieces []piece[F] // of all jobs
}

// A pending chunk is being made. Where the lengths of its sequences are known, its batch is laid out at once, and sequences are written
// into it as they are encoded; else, and where inputs are sparse, they are kept until all are there.
type pending[F ingest.Float] struct {
	key       Hash
	positions []int32
	charged   int64                         // taken from the budget for sequences and batch
	batch     *nn.Batch[F]                  // laid out in advance, or nil
	filling   sync.Mutex                    // which outputs and weights batch has: workers fill it together
	spare     *nn.Batch[F]                  // whose memory the batch is made of; never nil
	sequences []ingest.Sequence[F]          // of each column, without batch; nil once packed
	split     map[int32]*ingest.Sequence[F] // of columns whose rows are in several pieces, with batch
	columns   []delivered[F]                // what each column was found to be
	missing   int                           // sequences that are not encoded yet; assemble's
	kept      *chunk[F]                     // set when the chunk is in the cache: at once, or when it is assembled
}

// A delivered column is known by the hash of the identifier that was read.
type delivered[F ingest.Float] struct {
	id     Hash
	weight F
}

// A job is what is needed from one unit.
type job[F ingest.Float] struct {
	unit   *unit
	first  bool // this job decodes the unit; the others wait for it
	index  int
	pieces []piece[F]
	done   chan struct{} // of capacity 1: the worker never waits to hand over
}

// A piece is rows [lo, hi) of a unit that go into one column of one chunk. A split sequence has several pieces, in the
// order of their rows.
type piece[F ingest.Float] struct {
	chunk       *pending[F]
	column      int32
	at          span
	split, last bool
}

// chunkKey identifies what a chunk contains: two chunks with one key are the same bits.
func chunkKey(mb Minibatch, positions []int32) Hash {
	h := xxh3.New128()
	buf := make([]byte, 0, 1<<12)
	for _, p := range positions {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(p))
		buf = binary.LittleEndian.AppendUint64(buf, uint64(mb.Sequences[p]))
		if len(buf)+12 > cap(buf) {
			_, _ = h.Write(buf) // a Hasher128 never fails
			buf = buf[:0]
		}
	}
	_, _ = h.Write(buf)
	sum := h.Sum128()
	return Hash{sum.Hi, sum.Lo}
}

// prepareJobs finds out what is to be read for the window's chunks, in the order of units: of each unit, the pieces of one chunk after the
// other, by column.
func (l *Loader[F]) prepareJobs(mb Minibatch, w *window[F]) {
	m, low, n := l.manifest, int32(0), 0
	if m.endless {
		low = math.MaxInt32
		for _, k := range w.chunks {
			for _, position := range k.positions {
				low = min(low, m.spansOf(mb.Sequences[position])[0].unit)
			}
		}
	}
	var ends []int32 // of each unit's pieces, from unit low on: first their number, then where they end
	for _, k := range w.chunks {
		for _, position := range k.positions {
			for _, s := range m.spansOf(mb.Sequences[position]) {
				for int(s.unit-low) >= len(ends) {
					ends = append(ends, 0)
				}
				ends[s.unit-low]++
				n++
			}
		}
	}
	start := int32(0)
	for i, count := range ends {
		ends[i] = start
		start += count
	}
	w.pieces = l.pieces.take(n)
	for _, k := range w.chunks {
		for column, position := range k.positions {
			spans := m.spansOf(mb.Sequences[position])
			for i, s := range spans {
				w.pieces[ends[s.unit-low]] = piece[F]{chunk: k, column: int32(column), at: s, split: len(spans) > 1, last: i == len(spans)-1}
				ends[s.unit-low]++
			}
		}
	}
	start = 0
	for i, end := range ends {
		if end > start {
			w.jobs = append(w.jobs, &job[F]{index: int(low) + i, pieces: w.pieces[start:end:end], done: make(chan struct{}, 1)})
		}
		start = end
	}
}

// retire gives back what a window of assembled chunks no longer needs. All of its jobs are done.
func (l *Loader[F]) retire(w *window[F]) {
	clear(w.pieces)
	l.pieces.give(w.pieces)
}

// chunkCost bounds the memory of a chunk: its encoded sequences and, as much again, the packed batch. Only the number of
// active indices of wide multi-hot inputs is not known before reading; 128 a time-step are assumed, and what a chunk really
// takes is counted once it is assembled.
func (l *Loader[F]) chunkCost(mb Minibatch, positions []int32) int64 {
	steps := l.manifest.stepsOf(mb, positions)
	e, columns, size := l.encoding, int64(len(positions)), int64(sizeOf[F]())
	input := int64(e.In) * size
	if e.SparseInputs {
		input = 4 + activeInputs(e)*(4+size)
	}
	rows := columns
	if formOf(e) == nn.Each {
		rows = steps
	}
	output := int64(e.Out) * size
	if e.Loss == "softmax_cross_entropy" {
		output = 4
	}
	const perColumn, perStep = 128, 16 // headers, identifier, position, length; places of the batch
	longest := int64(l.manifest.Steps(mb.Sequences[positions[0]]))
	return 2*(steps*input+rows*(output+size)+columns*perColumn) + perStep*(longest+1)
}

// activeInputs bounds the non-zero inputs of one time-step.
func activeInputs(e *ingest.Encoding) (n int64) {
	for _, c := range slices.Concat(e.Inputs, e.Static) {
		switch c.Kind {
		case ingest.OneHot, ingest.Chars:
			n++
		case ingest.MultiHot:
			n += int64(min(c.Width, 128))
		case ingest.Numeric:
			n += int64(c.Width)
		}
	}
	return n
}

func sizeOf[F ingest.Float]() int {
	var x F
	switch any(x).(type) {
	case float32:
		return 4
	default:
		return 8
	}
}

func formOf(e *ingest.Encoding) nn.Form {
	if e.Form == "last" {
		return nn.Last
	}
	return nn.Each
}

// windowLimit returns how many bytes of chunks may be made together, so that a unit is still admitted beside them, and the
// next window is begun while one is consumed. It is 0, one chunk at a time, where all units stay in memory anyway. It is an
// error if the largest chunk and the largest unit do not fit together.
func (p *pass[F]) windowLimit() (int64, error) {
	l, memory := p.l, p.l.options.Memory
	var largestChunk int64
	var worst []int32
	for _, positions := range p.mb.Chunks {
		if cost := l.chunkCost(p.mb, positions); cost > largestChunk {
			largestChunk, worst = cost, positions
		}
	}
	room := memory - 2*largestChunk
	for _, cost := range l.costs {
		room -= cost
	}
	if !l.manifest.endless && room >= 0 { // whichever units it needs
		return 0, nil
	}
	worstUnit, allUnits := p.units()
	largestUnit := l.unitCost(worstUnit)
	switch {
	case largestChunk+largestUnit > memory:
		u := l.src.Unit(worstUnit)
		return 0, &TooLargeError{What: fmt.Sprintf("reading it for a chunk of %d sequences", len(worst)), File: u.File, RowGroup: u.RowGroup,
			Needs: largestChunk + largestUnit, Memory: memory, Hint: "make chunks smaller (fewer sequences or time-steps)"}
	case 2*largestChunk+allUnits <= memory:
		return 0, nil
	}
	return (memory - largestUnit) / 2, nil
}

// units returns the unit that takes most memory to read of those that the minibatch needs, and what all of them take.
func (p *pass[F]) units() (worst int, all int64) {
	l, seen, before := p.l, map[int32]bool{}, int32(-1)
	for _, positions := range p.mb.Chunks {
		for _, position := range positions {
			for _, s := range l.manifest.spansOf(p.mb.Sequences[position]) {
				if s.unit == before || seen[s.unit] { // most lie in the unit of the sequence before
					continue
				}
				cost := l.unitCost(int(s.unit))
				if len(seen) == 0 || cost > l.unitCost(worst) {
					worst = int(s.unit)
				}
				before, seen[s.unit] = s.unit, true
				all += cost
			}
		}
	}
	return worst, all
}
