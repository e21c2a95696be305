package rnn

import (
	"context"
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

// A fisherWay is how Gradient comes to the diagonal of the empirical Fisher matrix. All ways add up the same numbers in the same order.
type fisherWay int

const (
	noFisher      fisherWay = iota
	fisherKept              // all states and derivatives are kept, and gathered after the backward sweep
	fisherPassing           // the backward sweep of ∇f gathers all sequences as it passes: few sequences, long ones
	fisherApart             // by groups, which computes ∇f once more
)

// passingShare is the part of the state budget that what gathers the sequences in passing may take beside the states.
const passingShare = 1.0 / 16

// fisherWay returns how Gradient comes to the diagonal for a batch like b, if it is asked for.
func (n *Net[F]) fisherWay(b *nn.Batch[F], asked bool) fisherWay {
	switch {
	case !asked:
		return noFisher
	case n.keepsFor(n.fisherBytes(b.Lengths)):
		return fisherKept
	}
	elements := 0
	for _, s := range n.cutShapes(b) {
		var a nn.Arena[F]
		s.carveGathering(&a, len(s.shard.Column))
		elements += a.Used
	}
	if float64(elements)*float64(unsafe.Sizeof(F(0))) <= passingShare*float64(n.device()) {
		return fisherPassing
	}
	return fisherApart
}

// fisherByGroups adds the diagonal of the empirical Fisher matrix to fisher within the state budget: groups of a shard's sequences, of
// which as many as fit keep all states and derivatives, are computed one after the other. A sequence that does not fit by itself is
// gathered as the backward sweep passes, and its states are kept as those of the gradient are. It computes ∇f once more. The sum is that
// of all sequences together, bit for bit: shards and blocks are cut as if they were.
func (n *Net[F]) fisherByGroups(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], fisher accel.Vector[F]) error {
	if err := nn.CheckBatch(b, n.In, n.Out, n.Config.Loss); err != nil {
		return err
	}
	w := n.takeOperands()
	defer n.giveOperands(w)
	if err := n.prepare(w, theta, true); err != nil {
		return err
	}
	free, sum := n.unbounded(), theta.New()
	for _, shard := range nn.Shapes(n.backend, b.Lengths, b.Form) {
		sum.Zero()
		for lo := 0; lo < len(shard.Column); {
			hi := lo + 1
			for hi < len(shard.Column) && n.fits(n.fisherBytes(shard.Lengths[lo:hi+1])) {
				hi++
			}
			net, all := free, n.fits(n.fisherBytes(shard.Lengths[lo:hi]))
			if !all {
				net = n
			}
			if err := net.addGroup(ctx, b.Pick(shard.Column[lo:hi]), w, n.blockSteps(shard), all, sum); err != nil {
				return err
			}
			lo = hi
		}
		fisher.Add(1, sum)
	}
	return nil
}

// addGroup adds (∇fᵢ)² of each sequence of a batch to sum, one after the other. Blocks have the given number of time-steps. The
// derivatives of all are kept, or else those of one sequence are gathered as they come.
func (n *Net[F]) addGroup(ctx context.Context, b *nn.Batch[F], w *operands[F], steps int, keep bool, sum accel.Vector[F]) error {
	shards, err := nn.Split(oneShard[F]{n.backend}, b)
	if err != nil {
		return err
	}
	sweeps := []*sweep[F]{{Net: n, shard: shards[0], blocks: n.cutAt(shards[0], steps), w: w}}
	if err := n.schedule(sweeps); err != nil {
		return err
	}
	var g gradientSweep[F]
	giveBack, err := n.carve(sweeps, func(_ int, s *sweep[F], a *nn.Arena[F]) {
		if keep {
			g = s.carveGradient(a, fisherKept)
			return
		}
		g = s.carveGradient(a, noFisher)
		g.fisher = s.carveGathering(a, 1)
	})
	if err != nil {
		return err
	}
	defer giveBack()
	shelf, closeShelf, err := sweeps[0].openShelf()
	if err != nil {
		return err
	}
	defer closeShelf()
	g.shelf = shelf
	squares := accel.NewMat(sum, 0, 1, sum.Len())
	g.continues = true
	return n.run(ctx, sweeps, func(_ int, s *sweep[F]) error {
		s.s.CopyMat(g.fisher.sum, squares)
		if err := g.run(ctx, nil); err != nil {
			return err
		}
		s.s.CopyMat(squares, g.fisher.sum)
		return nil
	})
}

// oneShard is a backend that wants batches whole.
type oneShard[F accel.Float] struct{ accel.Backend[F] }

// Shards implements accel.Backend.
func (oneShard[F]) Shards(int) int { return 1 }

// fits reports whether the state budget leaves so many bytes.
func (n *Net[F]) fits(bytes int64) bool { return n.device() == 0 || bytes <= n.device() }

// keepsFor reports whether all states are kept, where so many bytes are needed for all of them and what goes with them.
func (n *Net[F]) keepsFor(bytes int64) bool { return !n.UniformStates && n.fits(bytes) }

// unbounded returns a net like n that keeps all states.
func (n *Net[F]) unbounded() *Net[F] {
	c := n.Config
	c.StateBudget, c.UniformStates, c.Store = 0, false, Store{}
	return &Net[F]{Config: c, backend: n.backend, layout: n.layout, cell: n.cell, scratch: n.scratch, host: n.host, stepwise: n.stepwise}
}
