package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// gradientSweep is what a shard needs for the gradient.
type gradientSweep[F accel.Float] struct {
	pair   pair[F]
	sum    accel.Mat[F]     // the shard's own ∇f, 1 × n
	fisher accel.Mat[F]     // its own Σᵢ (∇fᵢ)², 1 × n; V is nil where that is not wanted
	dx2    wide[F]          // squares of dx,
	y2     wide[F]          // of y,
	x2     *accel.Sparse[F] // and of sparse inputs
}

// Gradient implements nn.Net (algorithm 1; with fisher, algorithm 6).
func (n *Net[F]) Gradient(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], grad, fisher accel.Vector[F]) (float64, error) {
	w, err := n.prepare(n.takeWeights(), theta, true)
	defer n.giveWeights(w)
	if err != nil {
		return 0, err
	}
	sweeps, err := n.sweeps(b, w)
	if err != nil {
		return 0, err
	}
	buffers, sums := make([]gradientSweep[F], len(sweeps)), caseSums(sweeps)
	giveBack, err := n.carve(sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) { buffers[i] = s.carveGradient(a, fisher != nil) })
	if err != nil {
		return 0, err
	}
	defer giveBack()
	if err := n.run(ctx, sweeps, func(i int, s *sweep[F]) error { return s.gradient(ctx, &buffers[i], sums[i]) }); err != nil {
		return 0, err
	}
	for i := range sweeps {
		grad.Add(1, rowVector(buffers[i].sum))
		if fisher != nil {
			fisher.Add(1, rowVector(buffers[i].fisher))
		}
	}
	return addCases(sweeps, nil, sums), nil
}

func (s *sweep[F]) carveGradient(a *nn.Arena[F], withFisher bool) gradientSweep[F] {
	s.carveActivities(a)
	g := gradientSweep[F]{pair: s.carvePair(a), sum: a.Mat(1, s.layout.Len())}
	if !withFisher {
		return g
	}
	s.carveSquares(a, &g)
	return g
}

// carveSquares carves what addFisher needs.
func (s *sweep[F]) carveSquares(a *nn.Arena[F], g *gradientSweep[F]) {
	g.fisher = a.Mat(1, s.layout.Len())
	widest := 0
	for l, n := range s.Sizes[:s.layers()] {
		if l > 0 || s.shard.Sparse == nil {
			widest = max(widest, n)
		}
	}
	g.dx2, g.y2 = s.carveWide(a, s.widest()), s.carveWide(a, widest)
	if s.shard.Sparse != nil {
		g.x2 = squared(s.shard.Sparse)
	}
}

// gradient runs a shard forward and backward.
func (s *sweep[F]) gradient(ctx context.Context, g *gradientSweep[F], sums []float64) error {
	if err := s.forward(ctx); err != nil {
		return err
	}
	z, dz := s.y[s.layers()], g.pair.at(s.layers(), s.Sizes[s.layers()])
	s.s.LossSums(s.Config.Loss, z, s.shard.Targets, s.shard.Owner, sums)
	s.s.CopyMat(dz, z)
	s.s.Predict(s.Config.Loss, dz)
	s.s.LossGradient(s.Config.Loss, dz, s.shard.Targets)
	s.s.Fill(g.sum, 0)
	if g.fisher.V == nil {
		return s.backward(ctx, dz, g.pair, damping[F]{}, s.layersOf(rowVector(g.sum)), nil)
	}
	s.s.Fill(g.fisher, 0)
	f := s.layersOf(rowVector(g.fisher))
	return s.backward(ctx, dz, g.pair, damping[F]{}, s.layersOf(rowVector(g.sum)), func(l int, dx accel.Mat[F]) {
		s.addFisher(l, dx, g, f[l])
	})
}

// addFisher adds Σ (dx yᵀ)² = (dx²)(y²)ᵀ over cases to f (algorithm 6, lines 9 and 10): a case gives one product to each
// weight, so that squares of products are products of squares.
func (s *sweep[F]) addFisher(l int, dx accel.Mat[F], g *gradientSweep[F], f layer[F]) {
	dx2 := g.dx2.at(dx.Cols)
	s.s.Fill(dx2, 0)
	s.s.AddSquares(dx2, 1, dx)
	if l == 1 && g.x2 != nil {
		s.s.ScatterColumns(*g.x2, dx2, f.w)
	} else {
		y := s.y[l-1]
		y2 := g.y2.at(y.Cols)
		s.s.Fill(y2, 0)
		s.s.AddSquares(y2, 1, y)
		s.s.GEMM(true, false, 1, dx2, y2, 1, f.w)
	}
	if f.b.V != nil {
		s.s.AddSumOfRows(f.b, dx2)
	}
}

// squared returns x with its values squared.
func squared[F accel.Float](x *accel.Sparse[F]) *accel.Sparse[F] {
	if x.Val == nil {
		return x
	}
	x2 := *x
	x2.Val = make([]F, len(x.Val))
	for i, v := range x.Val {
		x2.Val[i] = v * v
	}
	return &x2
}
