// Package nn holds the words that feedforward and recurrent nets share: packed batches, activations and losses by name,
// the layout of the parameters inside θ, and initialisers.
package nn

import "curvestream/accel"

// Form says which time-steps of a sequence have a target.
type Form int

// The target forms.
const (
	Each Form = iota // every time-step (with Weight 0 where a mask says no); includes "next", whose targets are next inputs
	Last             // the last time-step only
)

// Sparse is the form of sparse inputs, named here for those who make batches and compute nothing.
type Sparse[F accel.Float] = accel.Sparse[F]

// A Batch is a chunk of sequences in host memory, packed time-major.
//
// Columns are sequences, sorted by length, longest first; at time-step τ only the first Active[τ] columns are alive. Row
// Offset[τ]+j of X is time-step τ of column j, so X has Σ Active rows and none of them is padding. The rows that have an
// output are all rows (Form Each) or, for Last, one row a column in column order: OutputRow lists them, and Target has one
// row for each. A feedforward net takes a Batch in which all lengths are 1.
//
// A Batch is read-only once assembled and may be shared by goroutines.
type Batch[F accel.Float] struct {
	Lengths []int // of each column, not increasing, all ≥ 1
	Active  []int // of each time-step; Active[0] is the number of columns
	Offset  []int // of each time-step and one past the last: Offset[τ+1] = Offset[τ] + Active[τ]

	In     int        // width of X
	Dense  []F        // X, Rows() × In row-major; nil when Sparse is set
	Sparse *Sparse[F] // X as one-hot or multi-hot rows
	Out    int        // width of an output
	Form   Form       // which rows have an output
	Target []F        // OutputRows() × Out row-major; nil when Class is set
	Class  []int32    // the class of each output row, for softmax
	Weight []F        // of each output row: the sequence's weight times its mask; nil means 1
	// Position is each column's place in the minibatch's order, and ID its identifier; both survive the sorting by length.
	// ID is nil where nobody asked for identifiers.
	Position []int
	ID       []string
	// WeightSum is the sum of the sequences' own weights (their number, where none are given): what f is divided by.
	WeightSum float64
	// Kept is set by a consumer that goes on using the batch after it returned to who delivered it, which else uses its memory again.
	Kept bool
}

// Columns returns the number of sequences.
func (b *Batch[F]) Columns() int { return len(b.Lengths) }

// Steps returns T, the length of the longest sequence.
func (b *Batch[F]) Steps() int { return len(b.Active) }

// Rows returns the number of time-steps of all sequences together.
func (b *Batch[F]) Rows() int { return b.Offset[len(b.Offset)-1] }

// OutputRows returns the number of rows that have an output.
func (b *Batch[F]) OutputRows() int {
	if b.Form == Last {
		return b.Columns()
	}
	return b.Rows()
}

// OutputRow returns the row of X that output row i belongs to.
func (b *Batch[F]) OutputRow(i int) int {
	if b.Form == Each {
		return i
	}
	return b.Offset[b.Lengths[i]-1] + i
}

// OutputColumn returns the column that output row i belongs to.
func (b *Batch[F]) OutputColumn(i int) int {
	if b.Form == Last {
		return i
	}
	return i - b.Offset[b.stepOf(i)]
}

// stepOf returns the time-step that row r belongs to, by bisection.
func (b *Batch[F]) stepOf(r int) int {
	lo, hi := 0, b.Steps()
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; b.Offset[mid] <= r {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
