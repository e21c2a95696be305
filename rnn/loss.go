package rnn

import (
	"cmp"
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// Loss implements nn.Net. It keeps the states of one block only.
func (n *Net[F]) Loss(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], caseLoss []float64) (float64, error) {
	var sums [][]float64
	sweeps, err := n.evaluate(ctx, theta, b, func(sweeps []*sweep[F]) { sums = caseSums(sweeps) },
		func(i int, s *sweep[F], b *block, z accel.Mat[F]) error {
			s.losses(b, z, sums[i])
			return nil
		})
	if err != nil {
		return 0, err
	}
	return addCases(sweeps, caseLoss, sums), nil
}

// Outputs implements nn.Net. It keeps the states of one block only.
func (n *Net[F]) Outputs(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) ([]F, error) {
	p := make([]F, b.OutputRows()*n.Out)
	_, err := n.evaluate(ctx, theta, b, func([]*sweep[F]) {}, func(_ int, s *sweep[F], b *block, z accel.Mat[F]) error {
		s.s.Predict(n.Config.Loss, z)
		if err := s.s.Sync(); err != nil {
			return err
		}
		s.shard.UnpackRows(p, b.out[0], z)
		return nil
	})
	return p, err
}

// evaluate runs the net forward and shows the outputs z of each block, where there are any, to use.
func (n *Net[F]) evaluate(ctx context.Context, theta accel.Vector[F], batch *nn.Batch[F], start func([]*sweep[F]),
	use func(i int, s *sweep[F], b *block, z accel.Mat[F]) error) ([]*sweep[F], error) {
	w := n.takeOperands()
	defer n.giveOperands(w)
	if err := n.prepare(w, theta, false); err != nil {
		return nil, err
	}
	sweeps, err := n.sweeps(batch, w)
	if err != nil {
		return nil, err
	}
	strips, zs := make([]strip[F], len(sweeps)), make([]accel.Mat[F], len(sweeps))
	giveBack, err := n.carve(sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) {
		strips[i] = s.carveAnyStrip(a)
		zs[i] = a.Mat(s.largest(outputRows), n.Out)
		s.carveLast(a, false)
	})
	if err != nil {
		return nil, err
	}
	defer giveBack()
	start(sweeps)
	return sweeps, n.run(ctx, sweeps, func(i int, s *sweep[F]) error {
		var failed error
		err := s.ascending(ctx, func(k int, b *block) {
			s.enter(k, strips[i], strips[i], w.initial)
			s.forward(b, strips[i])
			if z := zs[i].RowRange(0, outputRows(b)); z.Rows > 0 && failed == nil {
				s.outputs(b, strips[i], z)
				failed = use(i, s, b, z)
			}
		})
		return cmp.Or(err, failed)
	})
}

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
