package fnn

import (
	"context"
	"fmt"
	"slices"

	"curvestream/accel"
	"curvestream/nn"
)

// A sweep is what a worker needs to run over its shard at one θ.
type sweep[F accel.Float] struct {
	*Net[F]
	shard *nn.Shard[F]
	w     weights[F]
	s     accel.Stream[F] // of the worker that runs the sweep at the moment
	y     []accel.Mat[F]  // activities of each layer; element 0 is X where that is dense
	spare wide[F]         // for structural damping by cross-entropy only
}

// sweeps splits a batch into shards and returns a sweep for each.
func (n *Net[F]) sweeps(b *nn.Batch[F], w weights[F]) ([]*sweep[F], error) {
	if err := nn.CheckBatch(b, n.Sizes[0], n.Sizes[n.layers()], n.Config.Loss); err != nil {
		return nil, err
	}
	if b.Lengths[0] != 1 {
		return nil, fmt.Errorf("fnn: a sequence has %d time-steps, a feedforward net takes one each: choose a recurrent net", b.Lengths[0])
	}
	shards, err := nn.Split(n.backend, b)
	if err != nil {
		return nil, err
	}
	sweeps := make([]*sweep[F], len(shards))
	for i, shard := range shards {
		sweeps[i] = &sweep[F]{Net: n, shard: shard, w: w}
	}
	return sweeps, nil
}

// carve lends each sweep a vector and has f carve it up. It returns what takes the vectors back.
func (n *Net[F]) carve(sweeps []*sweep[F], f func(i int, s *sweep[F], a *nn.Arena[F])) (giveBack func(), err error) {
	var lent []accel.Vector[F]
	giveBack = func() {
		for _, v := range lent {
			n.scratch.Give(v)
		}
	}
	for i, s := range sweeps {
		var count nn.Arena[F]
		f(i, s, &count)
		v, err := n.scratch.Take(count.Used)
		if err != nil {
			giveBack()
			return nil, fmt.Errorf("fnn: asking for %d numbers of scratch: %w", count.Used, err)
		}
		lent = append(lent, v)
		f(i, s, &nn.Arena[F]{V: v})
	}
	return giveBack, nil
}

// run runs f for each sweep, several at once.
func (n *Net[F]) run(ctx context.Context, sweeps []*sweep[F], f func(i int, s *sweep[F]) error) error {
	return n.join(ctx, len(sweeps), func(i int, stream accel.Stream[F]) error {
		sweeps[i].s = stream
		return f(i, sweeps[i])
	})
}

// join runs f for each shard, several at once, and waits for all. An ended ctx is the error, whatever f returns.
func (n *Net[F]) join(ctx context.Context, shards int, f func(i int, stream accel.Stream[F]) error) error {
	err := n.backend.Run(shards, f)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// upward and downward call f for each layer, from 1 to L and back, until ctx ends.
func (n *Net[F]) upward(ctx context.Context, f func(l int)) error {
	for l := 1; l <= n.layers(); l++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f(l)
	}
	return nil
}

func (n *Net[F]) downward(ctx context.Context, f func(l int)) error {
	for l := n.layers(); l >= 1; l-- {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f(l)
	}
	return nil
}

// carveLayers carves a matrix for each layer but the input.
func (s *sweep[F]) carveLayers(a *nn.Arena[F]) []accel.Mat[F] {
	layers := make([]accel.Mat[F], len(s.Sizes))
	for l := 1; l < len(layers); l++ {
		layers[l] = a.Mat(s.shard.Rows(), s.Sizes[l])
	}
	return layers
}

// carveHidden carves a matrix for each hidden layer.
func (s *sweep[F]) carveHidden(a *nn.Arena[F]) []accel.Mat[F] {
	layers := make([]accel.Mat[F], len(s.Sizes))
	for l := 1; l < s.layers(); l++ {
		layers[l] = a.Mat(s.shard.Rows(), s.Sizes[l])
	}
	return layers
}

// carveBesideOutputs returns a matrix for what is computed from z: that of z, where backward sweeps do not need z because s_L is
// linear, and otherwise one that it carves.
func (s *sweep[F]) carveBesideOutputs(a *nn.Arena[F]) accel.Mat[F] {
	top := s.layers()
	if s.Activations[top-1] == accel.Linear {
		return s.y[top]
	}
	return a.Mat(s.shard.Rows(), s.Sizes[top])
}

// predict sets p, which comes from carveBesideOutputs, to Predict(z).
func (s *sweep[F]) predict(p accel.Mat[F]) {
	if top := s.layers(); s.Activations[top-1] != accel.Linear {
		s.s.CopyMat(p, s.y[top])
	}
	s.s.Predict(s.Config.Loss, p)
}

// carveActivities carves y of each layer.
func (s *sweep[F]) carveActivities(a *nn.Arena[F]) {
	s.y = s.carveLayers(a)
	s.y[0] = s.shard.X
}

// wide is memory for a matrix with a row for each case, as wide as the widest it ever has to be.
type wide[F accel.Float] struct{ m accel.Mat[F] }

func (s *sweep[F]) carveWide(a *nn.Arena[F], width int) wide[F] {
	return wide[F]{a.Mat(s.shard.Rows(), width)}
}

// at returns a dense matrix of the given width in that memory.
func (w wide[F]) at(width int) accel.Mat[F] {
	return accel.NewMat(w.m.V, w.m.Off, w.m.Rows, width)
}

// widest returns the size of the largest layer but the input.
func (c Config) widest() int { return slices.Max(c.Sizes[1:]) }

// rowVector returns a matrix of one row as a vector.
func rowVector[F accel.Float](m accel.Mat[F]) accel.Vector[F] { return m.V.View(m.Off, m.Off+m.Cols) }

// caseSums returns a sum for each column of each shard.
func caseSums[F accel.Float](sweeps []*sweep[F]) [][]float64 {
	sums := make([][]float64, len(sweeps))
	for i, s := range sweeps {
		sums[i] = make([]float64, len(s.shard.Column))
	}
	return sums
}

func addCases[F accel.Float](sweeps []*sweep[F], caseLoss []float64, sums [][]float64) float64 {
	total := 0.0
	for i, s := range sweeps {
		total += s.shard.AddCases(caseLoss, sums[i])
	}
	return total
}
