package fnn

import (
	"context"
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// A Linearization holds the activations of a net at one θ on one chunk (section 7.1) and multiplies by curvature matrices.
// It implements nn.Linearization.
type Linearization[F accel.Float] struct {
	net      *Net[F]
	batch    *nn.Batch[F]
	sweeps   []*sweep[F]
	shards   []linearized[F]
	w, v     weights[F] // of θ, and of the vector of the product at hand
	lent     []func()
	hessian  bool // buffers for Hessian products exist
	sums     []accel.Vector[F]
	task     task[F]
	released bool
}

// A task is the Gauss-Newton product that the shards are at. Its function is made once, and so a product allocates nothing.
type task[F accel.Float] struct {
	ctx context.Context
	mu  F
	run func(i int, stream accel.Stream[F]) error
}

// linearized is what a shard keeps between products, and the scratch of a product.
type linearized[F accel.Float] struct {
	p    accel.Mat[F]   // Predict(z)
	ry   []accel.Mat[F] // R{y} of each layer
	pair pair[F]
	sum  accel.Mat[F] // the shard's own product, 1 × n
	dW   []layer[F]   // the layers inside it
	hv   hessian[F]
}

// Linearize implements nn.Net.
func (n *Net[F]) Linearize(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (nn.Linearization[F], error) {
	l := &Linearization[F]{net: n, batch: b, w: n.takeWeights()}
	l.task.run = func(i int, stream accel.Stream[F]) error {
		l.sweeps[i].s = stream
		return l.sweeps[i].gv(l.task.ctx, l.v, &l.shards[i], l.task.mu)
	}
	if err := l.open(ctx, theta); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Linearization[F]) open(ctx context.Context, theta accel.Vector[F]) error {
	n := l.net
	var err error
	if l.w, err = n.prepare(l.w, theta, true); err != nil {
		return err
	}
	if l.sweeps, err = n.sweeps(l.batch, l.w); err != nil {
		return err
	}
	l.shards, l.sums = make([]linearized[F], len(l.sweeps)), make([]accel.Vector[F], len(l.sweeps))
	if err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { s.carveLinearized(a, &l.shards[i]) }); err != nil {
		return err
	}
	for i := range l.shards {
		l.sums[i] = rowVector(l.shards[i].sum)
		l.shards[i].dW = n.layersOf(l.sums[i])
	}
	return n.run(ctx, l.sweeps, func(i int, s *sweep[F]) error {
		if err := s.forward(ctx); err != nil {
			return err
		}
		s.s.CopyMat(l.shards[i].p, s.y[n.layers()])
		s.s.Predict(n.Config.Loss, l.shards[i].p)
		return nil
	})
}

func (s *sweep[F]) carveLinearized(a *nn.Arena[F], l *linearized[F]) {
	s.carveActivities(a)
	*l = linearized[F]{
		p:    a.Mat(s.shard.Rows(), s.Sizes[s.layers()]),
		ry:   s.carveLayers(a),
		pair: s.carvePair(a),
		sum:  a.Mat(1, s.layout.Len()),
	}
}

// carve lends the shards buffers until the linearization is closed.
func (l *Linearization[F]) carve(f func(i int, s *sweep[F], a *nn.Arena[F])) error {
	giveBack, err := l.net.carve(l.sweeps, f)
	if err != nil {
		return err
	}
	l.lent = append(l.lent, giveBack)
	return nil
}

// Close implements nn.Linearization. Closing twice is harmless.
func (l *Linearization[F]) Close() error {
	if l.released {
		return nil
	}
	l.released = true
	for _, giveBack := range l.lent {
		giveBack()
	}
	l.net.giveWeights(l.w)
	return nil
}

// AddGv implements nn.Linearization (algorithm 5). With mu, the activities of all hidden layers are damped; the cross-entropy
// distance then needs all of them to be tanh or logistic.
func (l *Linearization[F]) AddGv(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	if mu != 0 {
		if err := l.net.checkDistance(); err != nil {
			return err
		}
	}
	var err error
	if l.v, err = l.net.prepare(l.v, v, false); err != nil {
		return err
	}
	l.task.ctx, l.task.mu = ctx, F(mu)
	if err := l.net.join(ctx, len(l.sweeps), l.task.run); err != nil {
		return err
	}
	nn.AddSums(dst, l.sums)
	return nil
}

func (c Config) checkDistance() error {
	if c.Distance != nn.CrossEntropyDistance {
		return nil
	}
	for i, act := range c.Activations[:c.layers()-1] {
		if act != accel.Tanh && act != accel.Logistic {
			return fmt.Errorf("fnn: structural damping by cross-entropy needs tanh or logistic hidden units, layer %d is %s: use the squared distance",
				i+1, nn.ActivationName(act))
		}
	}
	return nil
}

// product runs f for each shard, the weights of v being prepared, and adds the shards' sums to dst.
func (l *Linearization[F]) product(ctx context.Context, dst, v accel.Vector[F], backward bool, f func(i int, s *sweep[F]) error) error {
	if v != nil {
		var err error
		if l.v, err = l.net.prepare(l.v, v, backward); err != nil {
			return err
		}
	}
	if err := l.net.run(ctx, l.sweeps, f); err != nil {
		return err
	}
	nn.AddSums(dst, l.sums)
	return nil
}

// gv leaves Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ v + mu Dᵢ v) of a shard in l.sum.
func (s *sweep[F]) gv(ctx context.Context, v weights[F], l *linearized[F], mu F) error {
	if err := s.jv(ctx, v, l); err != nil {
		return err
	}
	rz := l.ry[s.layers()]
	s.s.LossCurvature(s.Config.Loss, l.p, s.shard.Targets, rz)
	damp := damping[F]{mu: mu, ry: l.ry}
	if mu != 0 {
		s.weigh(l.ry[1:s.layers()])
	}
	return s.jtu(ctx, l, damp)
}

// jv sets R{y_l} = s_l′ (V_l y_l₋₁ + v_b + W_l R{y_l₋₁}) of each layer, V being the weights in v.
func (s *sweep[F]) jv(ctx context.Context, v weights[F], l *linearized[F]) error {
	return s.upward(ctx, func(k int) {
		s.affineR(k, v, l.ry)
		s.mulDerivative(k, l.ry[k])
	})
}

// affineR sets ry[k] = R{x} of layer k, before the activation.
func (s *sweep[F]) affineR(k int, v weights[F], ry []accel.Mat[F]) {
	var beta F
	if k > 1 {
		s.s.MulPrepared(ry[k-1], s.w[k].wT, 0, ry[k])
		beta = 1
	}
	s.affine(k, v[k], ry[k], beta)
}

// jtu leaves Jᵀu and the damping of a shard in l.sum, u being what R{z} holds.
func (s *sweep[F]) jtu(ctx context.Context, l *linearized[F], damp damping[F]) error {
	s.s.Fill(l.sum, 0)
	return s.backward(ctx, l.ry[s.layers()], l.pair, damp, l.dW, nil)
}

// weigh scales each row by the weight of its case: to a stream, that is the curvature of a weighted squared error.
func (s *sweep[F]) weigh(layers []accel.Mat[F]) {
	if s.shard.Weight == nil {
		return
	}
	for _, rows := range layers {
		s.s.LossCurvature(accel.SquaredError, rows, accel.Targets[F]{Dense: rows, Weight: s.shard.Weight}, rows)
	}
}

// Jv implements nn.Linearization.
func (l *Linearization[F]) Jv(ctx context.Context, v accel.Vector[F]) ([]F, error) {
	var err error
	if l.v, err = l.net.prepare(l.v, v, false); err != nil {
		return nil, err
	}
	if err := l.net.run(ctx, l.sweeps, func(i int, s *sweep[F]) error { return s.jv(ctx, l.v, &l.shards[i]) }); err != nil {
		return nil, err
	}
	jv := make([]F, l.batch.OutputRows()*l.batch.Out)
	for i, s := range l.sweeps {
		s.shard.UnpackRows(jv, 0, l.shards[i].ry[l.net.layers()])
	}
	return jv, nil
}

// AddJtu implements nn.Linearization.
func (l *Linearization[F]) AddJtu(ctx context.Context, dst accel.Vector[F], u []F) error {
	us := make([]accel.Mat[F], len(l.sweeps))
	for i, s := range l.sweeps {
		var err error
		if us[i], err = s.shard.PackRows(l.net.backend, u, l.batch.Out); err != nil {
			return fmt.Errorf("fnn: moving u to the backend: %w", err)
		}
	}
	return l.product(ctx, dst, nil, false, func(i int, s *sweep[F]) error {
		s.s.CopyMat(l.shards[i].ry[l.net.layers()], us[i])
		return s.jtu(ctx, &l.shards[i], damping[F]{})
	})
}
