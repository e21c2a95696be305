package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// gradientSweep is what a shard needs for the gradient.
type gradientSweep[F accel.Float] struct {
	dx     []accel.Mat[F]   // dL/dx of each layer; of the last one in the place of z where nobody needs z any more
	fisher accel.Mat[F]     // the shard's own Σᵢ (∇fᵢ)², 1 × n; V is nil where that is not wanted
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
	dst, dx := n.layersOf(grad), make([][]accel.Mat[F], len(sweeps))
	for i := range sweeps {
		dx[i] = buffers[i].dx
	}
	err = n.backend.Run(len(n.parts), func(i int, stream accel.Stream[F]) error {
		n.addPart(stream, n.parts[i], dst, sweeps, dx)
		return nil
	})
	if err != nil {
		return 0, err
	}
	if fisher != nil {
		for i := range buffers {
			fisher.Add(1, rowVector(buffers[i].fisher))
		}
	}
	return addCases(sweeps, nil, sums), nil
}

func (s *sweep[F]) carveGradient(a *nn.Arena[F], withFisher bool) gradientSweep[F] {
	s.carveActivities(a)
	g := gradientSweep[F]{dx: s.carveHidden(a)}
	g.dx[s.layers()] = s.carveBesideOutputs(a)
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
	dz := g.dx[s.layers()]
	s.s.LossSums(s.Config.Loss, s.y[s.layers()], s.shard.Targets, s.shard.Owner, sums)
	s.predict(dz)
	s.s.LossGradient(s.Config.Loss, dz, s.shard.Targets)
	if g.fisher.V == nil {
		return s.backward(ctx, g.dx, 0, nil)
	}
	s.s.Fill(g.fisher, 0)
	f := s.layersOf(rowVector(g.fisher))
	return s.backward(ctx, g.dx, 0, func(l int, dx accel.Mat[F]) {
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
