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
		for hi < b.Columns() && n.fits(n.fisherBytes(b.Lengths[lo:hi+1])) {
			hi++
		}
		if need := n.fisherBytes(b.Lengths[lo:hi]); !n.fits(need) {
			return &BudgetError{n.StateBudget, need, fmt.Sprintf("the Fisher diagonal of a sequence of %d time-steps", b.Lengths[lo]), "choose another preconditioner"}
		}
		if _, err := free.Gradient(ctx, theta, b.Slice(lo, hi), unwanted, fisher); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// fits reports whether the state budget leaves so many bytes.
func (n *Net[F]) fits(bytes int64) bool { return n.StateBudget == 0 || bytes <= n.StateBudget }

// keepsFor reports whether all states are kept, where so many bytes are needed for all of them and what goes with them.
func (n *Net[F]) keepsFor(bytes int64) bool { return !n.UniformStates && n.fits(bytes) }

// unbounded returns a net like n that keeps all states.
func (n *Net[F]) unbounded() *Net[F] {
	c := n.Config
	c.StateBudget, c.UniformStates = 0, false
	return &Net[F]{Config: c, backend: n.backend, layout: n.layout, cell: n.cell, scratch: n.scratch}
}
