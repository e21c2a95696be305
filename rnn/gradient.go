package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// gradientSweep is what a shard needs for the gradient.
type gradientSweep[F accel.Float] struct {
	*states[F]
	kept kept[F]
	derivatives[F]
	sum    accel.Mat[F] // the shard's own ∇f, 1 × n
	fisher fisher[F]
	// continues says that the sum of squares begins with what fisher.sum holds.
	continues bool
}

// Gradient implements nn.Net.
func (n *Net[F]) Gradient(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], grad, fisher accel.Vector[F]) (float64, error) {
	way := n.fisherWay(b, fisher != nil)
	if way == fisherApart {
		if err := n.fisherByGroups(ctx, theta, b, fisher); err != nil {
			return 0, err
		}
		fisher, way = nil, noFisher
	}
	w := n.takeOperands()
	defer n.giveOperands(w)
	if err := n.prepare(w, theta, true); err != nil {
		return 0, err
	}
	sweeps, err := n.sweeps(b, w)
	if err != nil {
		return 0, err
	}
	if err := n.schedule(sweeps); err != nil {
		return 0, err
	}
	buffers, sums := make([]gradientSweep[F], len(sweeps)), caseSums(sweeps)
	giveBack, err := n.carve(sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) {
		buffers[i] = s.carveGradient(a, way)
	})
	if err != nil {
		return 0, err
	}
	defer giveBack()
	for i, s := range sweeps {
		shelf, closeShelf, err := s.openShelf()
		if err != nil {
			return 0, err
		}
		defer closeShelf()
		buffers[i].shelf = shelf
	}
	if err := n.run(ctx, sweeps, func(i int, _ *sweep[F]) error { return buffers[i].run(ctx, sums[i]) }); err != nil {
		return 0, err
	}
	for i := range sweeps {
		grad.Add(1, rowVector(buffers[i].sum))
		if fisher != nil {
			fisher.Add(1, rowVector(buffers[i].fisher.sum))
		}
	}
	return addCases(sweeps, nil, sums), nil
}

func (s *sweep[F]) carveGradient(a *nn.Arena[F], way fisherWay) gradientSweep[F] {
	g := gradientSweep[F]{states: s.carveStates(a), kept: s.carveKept(a), derivatives: s.carveDerivatives(a)}
	g.sum = a.Mat(1, s.layout.Len())
	s.carveLast(a, true)
	switch way {
	case fisherKept:
		g.fisher = s.carveFisher(a)
	case fisherPassing:
		g.fisher = s.carveGathering(a, len(s.shard.Column))
	}
	return g
}

// run runs a shard forward and backward (algorithm 1 and its recurrent form).
func (g *gradientSweep[F]) run(ctx context.Context, sums []float64) error {
	g.s.Fill(g.sum, 0)
	if err := g.forwardKeeping(ctx, g.kept, sums); err != nil {
		return err
	}
	sum := g.params(rowVector(g.sum))
	g.beginFisher()
	err := g.backwardUse(ctx, nil, func(k int, b *block) {
		dz := rowsOf(b, g.kept.p)
		g.lossGradient(b, dz, g.kept)
		g.backward(k, g.in(g.h, k), dz, &g.derivatives, damping[F]{}, sum)
		g.passFisher(k, b)
	})
	if err != nil {
		return err
	}
	return g.endFisher(ctx)
}

// lossGradient turns the predictions p of a block into derivatives with respect to W_zh h + b_z, in place.
func (s *sweep[F]) lossGradient(b *block, p accel.Mat[F], o kept[F]) {
	if p.Rows == 0 {
		return
	}
	s.s.LossGradient(s.Config.Loss, p, s.shard.Targets.RowRange(b.out[0], b.out[1]))
	if o.z.V != nil {
		s.s.MulDerivative(s.OutputActivation, p, rowsOf(b, o.z))
	}
}

// rowVector returns a matrix of one row as a vector.
func rowVector[F accel.Float](m accel.Mat[F]) accel.Vector[F] { return m.V.View(m.Off, m.Off+m.Cols) }
