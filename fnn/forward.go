package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// forward sets y of each layer: y_l = s_l(W_l y_l₋₁ + b_l).
func (s *sweep[F]) forward(ctx context.Context) error {
	return s.upward(ctx, func(l int) {
		s.affine(l, s.w[l], s.y[l], 0)
		s.activate(l, s.y[l])
	})
}

// affine sets x = y_l₋₁ Wᵀ + b + beta x, the weights being those of layer l of θ or v.
func (s *sweep[F]) affine(l int, w prepared[F], x accel.Mat[F], beta F) {
	if l == 1 && s.shard.Sparse != nil {
		if beta == 0 {
			s.s.Fill(x, 0)
		}
		s.s.GatherColumns(*s.shard.Sparse, w.layer.w, x)
	} else {
		s.s.MulPrepared(s.y[l-1], w.wT, beta, x)
	}
	if w.b.V != nil {
		s.s.AddRow(x, w.b)
	}
}

func (s *sweep[F]) activate(l int, y accel.Mat[F]) {
	if act := s.Activations[l-1]; act != accel.Linear {
		s.s.Activate(act, y)
	}
}

// mulDerivative sets d = s_l′ d.
func (s *sweep[F]) mulDerivative(l int, d accel.Mat[F]) {
	if act := s.Activations[l-1]; act != accel.Linear {
		s.s.MulDerivative(act, d, s.y[l])
	}
}

// Loss implements nn.Net.
func (n *Net[F]) Loss(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], caseLoss []float64) (float64, error) {
	var sums [][]float64
	sweeps, err := n.evaluate(ctx, theta, b, func(sweeps []*sweep[F]) { sums = caseSums(sweeps) },
		func(i int, s *sweep[F]) error {
			s.s.LossSums(n.Config.Loss, s.y[n.layers()], s.shard.Targets, s.shard.Owner, sums[i])
			return nil
		})
	if err != nil {
		return 0, err
	}
	return addCases(sweeps, caseLoss, sums), nil
}

// Outputs implements nn.Net.
func (n *Net[F]) Outputs(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) ([]F, error) {
	p := make([]F, b.OutputRows()*b.Out)
	_, err := n.evaluate(ctx, theta, b, func([]*sweep[F]) {}, func(_ int, s *sweep[F]) error {
		z := s.y[n.layers()]
		s.s.Predict(n.Config.Loss, z)
		if err := s.s.Sync(); err != nil {
			return err
		}
		s.shard.UnpackRows(p, 0, z)
		return nil
	})
	return p, err
}

// evaluate runs the net forward and then use, for each shard.
func (n *Net[F]) evaluate(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], start func([]*sweep[F]),
	use func(i int, s *sweep[F]) error) ([]*sweep[F], error) {
	w, err := n.prepare(n.takeWeights(), theta, false)
	defer n.giveWeights(w)
	if err != nil {
		return nil, err
	}
	sweeps, err := n.sweeps(b, w)
	if err != nil {
		return nil, err
	}
	giveBack, err := n.carve(sweeps, func(_ int, s *sweep[F], a *nn.Arena[F]) { s.carveActivities(a) })
	if err != nil {
		return nil, err
	}
	defer giveBack()
	start(sweeps)
	return sweeps, n.run(ctx, sweeps, func(i int, s *sweep[F]) error {
		if err := s.forward(ctx); err != nil {
			return err
		}
		return use(i, s)
	})
}
