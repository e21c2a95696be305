package rnn

import (
	"context"
	"fmt"
	"unsafe"

	"curvestream/accel"
	"curvestream/nn"
)

// fisherBytes returns the bytes of the states and derivatives of sequences that the Fisher diagonal keeps at once.
func (n *Net[F]) fisherBytes(lengths []int) int64 {
	rows := 0
	for _, length := range lengths {
		rows += length
	}
	width := n.cell.width()
	for i := range n.cell.nodes {
		if n.cell.nodes[i].learned() {
			width += n.cell.nodes[i].width
		}
	}
	return int64(rows*width) * int64(unsafe.Sizeof(F(0)))
}

// fisherByGroups adds the diagonal of the empirical Fisher matrix to fisher within the state budget: all states of a sequence
// are needed at once, and so groups of sequences, as many as fit, are computed one after the other. It computes ∇f once more,
// and the sum differs in rounding from that of all sequences together.
func (n *Net[F]) fisherByGroups(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], fisher accel.Vector[F]) error {
	free := n.unbounded()
	unwanted := theta.New() // the groups' gradients
	for lo := 0; lo < b.Columns(); {
		hi := lo + 1
		for hi < b.Columns() && n.fisherBytes(b.Lengths[lo:hi+1]) <= n.StateBudget {
			hi++
		}
		if need := n.fisherBytes(b.Lengths[lo:hi]); need > n.StateBudget {
			return fmt.Errorf("rnn: hidden states may take %d bytes, but the Fisher diagonal of a sequence of %d time-steps needs %d: raise the budget or choose another preconditioner",
				n.StateBudget, b.Lengths[lo], need)
		}
		if _, err := free.Gradient(ctx, theta, b.Slice(lo, hi), unwanted, fisher); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// unbounded returns a net like n without a state budget.
func (n *Net[F]) unbounded() *Net[F] {
	c := n.Config
	c.StateBudget = 0
	return &Net[F]{Config: c, backend: n.backend, layout: n.layout, cell: n.cell, scratch: n.scratch}
}
