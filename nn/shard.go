package nn

import (
	"fmt"

	"curvestream/accel"
)

// A Shard is some of the columns of a batch, packed as a batch of its own in the memory of a backend. A worker runs a whole
// sweep over its shard, so that a product needs one join. A Shard is read-only and may be shared by goroutines.
type Shard[F accel.Float] struct {
	Column  []int // of the batch, for each column of the shard, ascending
	Lengths []int // as in Batch
	Active  []int
	Offset  []int

	X       accel.Mat[F]     // Rows() × In; V is nil when Sparse is set
	Sparse  *accel.Sparse[F] // X as one-hot or multi-hot rows
	Form    Form
	Targets accel.Targets[F]

	OutputRow []int   // of the batch, for each output row of the shard
	Owner     []int32 // the column of the shard that each output row belongs to
	// Weight holds, for each row of X, the weight of its sequence; nil means 1. It is the largest weight among the sequence's
	// output rows: a mask is at most 1.
	Weight []F
}

// Steps returns the length of the longest sequence.
func (s *Shard[F]) Steps() int { return len(s.Active) }

// Rows returns the number of time-steps of all sequences together.
func (s *Shard[F]) Rows() int { return s.Offset[len(s.Offset)-1] }

// Deal spreads columns over shards so that the sums of their lengths are as equal as may be: each column, in order, goes to
// the shard with the smallest sum, the first of those. It is a pure function of its arguments. Lengths do not increase, so
// neither do they within a shard. No shard is empty where there are enough columns.
func Deal(lengths []int, shards int) [][]int {
	dealt, sum := make([][]int, shards), make([]int, shards)
	for column, length := range lengths {
		least := 0
		for i, s := range sum {
			if s < sum[least] {
				least = i
			}
		}
		dealt[least] = append(dealt[least], column)
		sum[least] += length
	}
	return dealt
}

// deal is Deal, but for sequences of one time-step, of which each shard has some that follow each other: then its rows lie
// together in the batch and need not be copied.
func deal(lengths []int, shards int) [][]int {
	if lengths[0] > 1 {
		return Deal(lengths, shards)
	}
	dealt := make([][]int, shards)
	for i := range dealt {
		for column := i * len(lengths) / shards; column < (i+1)*len(lengths)/shards; column++ {
			dealt[i] = append(dealt[i], column)
		}
	}
	return dealt
}

// Split deals a batch into the number of shards that the backend wants, and moves them to its memory.
func Split[F accel.Float](backend accel.Backend[F], b *Batch[F]) ([]*Shard[F], error) {
	shards := Shapes(backend, b.Lengths, b.Form)
	for _, s := range shards {
		if err := s.fill(backend, b); err != nil {
			return nil, fmt.Errorf("nn: moving a batch of %d sequences to %s: %w", b.Columns(), backend.Name(), err)
		}
	}
	return shards, nil
}

// Shapes returns the shards that Split makes of a batch of the given lengths, without any data: enough to count what they need.
func Shapes[F accel.Float](backend accel.Backend[F], lengths []int, form Form) []*Shard[F] {
	n := max(1, min(backend.Shards(len(lengths)), len(lengths)))
	shards := make([]*Shard[F], n)
	for i, columns := range deal(lengths, n) {
		s := &Shard[F]{Column: columns, Form: form}
		for _, c := range columns {
			s.Lengths = append(s.Lengths, lengths[c])
		}
		s.Active, s.Offset = activity(s.Lengths)
		s.Owner = s.rowOwner()
		if form == Last {
			s.Owner = s.Owner[:len(columns)] // rows of the first time-step, one a column, own themselves too
		}
		shards[i] = s
	}
	return shards
}

// fill packs the data of the batch that belongs to the shard.
func (s *Shard[F]) fill(backend accel.Backend[F], b *Batch[F]) error {
	rows := s.batchRows(b)
	if err := s.packInputs(backend, b, rows); err != nil {
		return err
	}
	s.OutputRow = rows
	if s.Form == Last {
		s.OutputRow = s.Column
	}
	s.packWeights(b)
	return s.packTargets(backend, b)
}

// activity returns Active and Offset of sequences whose lengths do not increase.
func activity(lengths []int) (active, offset []int) {
	active = make([]int, lengths[0])
	for _, length := range lengths {
		for t := range length {
			active[t]++
		}
	}
	offset = make([]int, len(active)+1)
	for t, a := range active {
		offset[t+1] = offset[t] + a
	}
	return active, offset
}

// batchRows returns the row of the batch that each row of the shard comes from.
func (s *Shard[F]) batchRows(b *Batch[F]) []int {
	rows := make([]int, s.Rows())
	for t, active := range s.Active {
		of := rows[s.Offset[t]:][:active]
		for j, c := range s.Column[:active] {
			of[j] = b.Offset[t] + c
		}
	}
	return rows
}

func (s *Shard[F]) rowOwner() []int32 {
	owner := make([]int32, s.Rows())
	for t, active := range s.Active {
		of := owner[s.Offset[t]:][:active]
		for j := range of {
			of[j] = int32(j)
		}
	}
	return owner
}

func (s *Shard[F]) packInputs(backend accel.Backend[F], b *Batch[F], rows []int) error {
	if b.Sparse != nil {
		s.Sparse = selectSparse(b.Sparse, rows)
		return nil
	}
	v, err := selectRows(backend, b.Dense, b.In, rows)
	s.X = accel.NewMat(v, 0, len(rows), b.In)
	return err
}

func (s *Shard[F]) packTargets(backend accel.Backend[F], b *Batch[F]) error {
	if b.Class != nil {
		s.Targets.Class = gather(b.Class, 1, s.OutputRow)
		return nil
	}
	v, err := selectRows(backend, b.Target, b.Out, s.OutputRow)
	s.Targets.Dense = accel.NewMat(v, 0, len(s.OutputRow), b.Out)
	return err
}

func (s *Shard[F]) packWeights(b *Batch[F]) {
	if b.Weight == nil {
		return
	}
	s.Targets.Weight = make([]F, len(s.OutputRow))
	ofColumn := make([]F, len(s.Column))
	for i, r := range s.OutputRow {
		w := b.Weight[r]
		s.Targets.Weight[i] = w
		ofColumn[s.Owner[i]] = max(ofColumn[s.Owner[i]], w)
	}
	s.Weight = make([]F, s.Rows())
	for r, j := range s.rowOwner() {
		s.Weight[r] = ofColumn[j]
	}
}

// PackRows moves the rows of u that belong to the shard's outputs to the backend; u has the shape of the batch's outputs.
func (s *Shard[F]) PackRows(backend accel.Backend[F], u []F, out int) (accel.Mat[F], error) {
	v, err := selectRows(backend, u, out, s.OutputRow)
	return accel.NewMat(v, 0, len(s.OutputRow), out), err
}

// UnpackRows copies m, which holds output rows of the shard from row from on, to their places in dst, which has the shape of
// the batch's outputs. What is queued on m must have run.
func (s *Shard[F]) UnpackRows(dst []F, from int, m accel.Mat[F]) {
	out := m.Cols
	rows := make([]F, m.Rows*out)
	m.V.View(m.Off, m.Off+len(rows)).Read(rows)
	for i := range m.Rows {
		r := s.OutputRow[from+i]
		copy(dst[r*out:(r+1)*out], rows[i*out:])
	}
}

// selectRows returns rows of a matrix in the backend's memory, which may be memory of the matrix where they follow each other.
func selectRows[F accel.Float](backend accel.Backend[F], from []F, width int, rows []int) (accel.Vector[F], error) {
	if lo, n := rows[0], len(rows); from != nil && consecutive(rows) {
		return backend.FromHost(from[lo*width : (lo+n)*width : (lo+n)*width])
	}
	return backend.FromHost(gather(from, width, rows))
}

func consecutive(rows []int) bool {
	for i, r := range rows {
		if r != rows[0]+i {
			return false
		}
	}
	return true
}

func selectSparse[F accel.Float](x *accel.Sparse[F], rows []int) *accel.Sparse[F] {
	picked := &accel.Sparse[F]{Cols: x.Cols, Ptr: make([]int32, 1, len(rows)+1)}
	for _, r := range rows {
		lo, hi := x.Ptr[r], x.Ptr[r+1]
		picked.Col = append(picked.Col, x.Col[lo:hi]...)
		if x.Val != nil {
			picked.Val = append(picked.Val, x.Val[lo:hi]...)
		}
		picked.Ptr = append(picked.Ptr, int32(len(picked.Col)))
	}
	return picked
}
