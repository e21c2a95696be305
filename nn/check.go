package nn

import (
	"fmt"

	"curvestream/accel"
)

// CheckBatch returns an error where a batch does not fit a net of the given widths and loss, so that kernels need not look.
func CheckBatch[F accel.Float](b *Batch[F], in, out int, loss accel.Loss) error {
	switch {
	case b.Columns() == 0:
		return fmt.Errorf("nn: batch holds no sequences")
	case b.In != in:
		return fmt.Errorf("nn: batch has %d inputs a time-step, the net %d", b.In, in)
	case b.Out != out:
		return fmt.Errorf("nn: batch has outputs of width %d, the net %d", b.Out, out)
	case b.Sparse == nil && len(b.Dense) != b.Rows()*in:
		return fmt.Errorf("nn: batch has %d input values for %d time-steps of width %d", len(b.Dense), b.Rows(), in)
	case b.Weight != nil && len(b.Weight) != b.OutputRows():
		return fmt.Errorf("nn: batch has %d weights for %d outputs", len(b.Weight), b.OutputRows())
	}
	for j := 1; j < len(b.Lengths); j++ {
		if b.Lengths[j] > b.Lengths[j-1] {
			return fmt.Errorf("nn: batch column %d is longer than the one before it: sort by length, longest first", j)
		}
	}
	if err := checkSparse(b); err != nil {
		return err
	}
	return checkTargets(b, out, loss)
}

func checkSparse[F accel.Float](b *Batch[F]) error {
	if b.Sparse == nil {
		return nil
	}
	if b.Sparse.Rows() != b.Rows() || b.Sparse.Cols != b.In {
		return fmt.Errorf("nn: sparse inputs are %d × %d, the batch needs %d × %d", b.Sparse.Rows(), b.Sparse.Cols, b.Rows(), b.In)
	}
	x := b.Sparse
	seen := make([]int, b.In) // by which row, counted from 1: squares of a row (section 11.3) need each column once
	for r := range x.Rows() {
		for _, c := range x.Col[x.Ptr[r]:x.Ptr[r+1]] {
			switch {
			case c < 0 || int(c) >= b.In:
				return fmt.Errorf("nn: sparse input index %d is outside 0 … %d", c, b.In-1)
			case seen[c] == r+1:
				return fmt.Errorf("nn: sparse input row %d names column %d twice", r, c)
			}
			seen[c] = r + 1
		}
	}
	return nil
}

func checkTargets[F accel.Float](b *Batch[F], out int, loss accel.Loss) error {
	if b.Class == nil {
		if len(b.Target) != b.OutputRows()*out {
			return fmt.Errorf("nn: batch has %d target values for %d outputs of width %d", len(b.Target), b.OutputRows(), out)
		}
		return nil
	}
	if loss != accel.SoftmaxCrossEntropy {
		return fmt.Errorf("nn: targets are classes, which only the loss softmax_cross_entropy takes")
	}
	if len(b.Class) != b.OutputRows() {
		return fmt.Errorf("nn: batch has %d classes for %d outputs", len(b.Class), b.OutputRows())
	}
	for i, c := range b.Class {
		if c < 0 || int(c) >= out {
			return fmt.Errorf("nn: class %d of output row %d is outside 0 … %d", c, i, out-1)
		}
	}
	return nil
}
