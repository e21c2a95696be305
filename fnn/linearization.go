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
	hessian  bool             // buffers for Hessian products exist
	ry       [][]accel.Mat[F] // of all shards
	task     task[F]
	released bool
}

// A task is the Gauss-Newton product that is being computed. Its functions are made once, and so a product allocates nothing.
type task[F accel.Float] struct {
	ctx     context.Context
	mu      F
	reduced bool                                      // the product at hand may be less exact: see accel.Reducer
	to      []layer[F]                                // the layers inside the product
	run     func(i int, stream accel.Stream[F]) error // for each shard
	add     func(i int, stream accel.Stream[F]) error // for each part of the weights
}

// linearized is what a shard keeps between products, and the scratch of a product.
type linearized[F accel.Float] struct {
	p  accel.Mat[F]   // Predict(z), in the place of z where nobody needs z any more
	ry []accel.Mat[F] // R{y} of each layer; then, in its place, what a backward sweep makes of it
	hv hessian[F]
}

// Linearize implements nn.Net.
func (n *Net[F]) Linearize(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (nn.Linearization[F], error) {
	l := &Linearization[F]{net: n, batch: b, w: n.takeWeights()}
	l.task.to = n.layersOf(theta)
	l.task.run = func(i int, stream accel.Stream[F]) error {
		l.sweeps[i].s = stream
		if r, can := stream.(accel.Reducer); can {
			r.Reduce(true)
			defer r.Reduce(false)
		}
		return l.sweeps[i].gv(l.task.ctx, l.v, &l.shards[i], l.task.mu)
	}
	l.task.add = func(i int, stream accel.Stream[F]) error {
		if r, can := stream.(accel.Reducer); can && l.task.reduced {
			r.Reduce(true)
			defer r.Reduce(false)
		}
		n.addPart(stream, n.parts[i], l.task.to, l.sweeps, l.ry)
		return nil
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
	l.shards, l.ry = make([]linearized[F], len(l.sweeps)), make([][]accel.Mat[F], len(l.sweeps))
	if err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { s.carveLinearized(a, &l.shards[i]) }); err != nil {
		return err
	}
	for i := range l.shards {
		l.ry[i] = l.shards[i].ry
	}
	return n.run(ctx, l.sweeps, func(i int, s *sweep[F]) error {
		if err := s.forward(ctx); err != nil {
			return err
		}
		s.predict(l.shards[i].p)
		return nil
	})
}

func (s *sweep[F]) carveLinearized(a *nn.Arena[F], l *linearized[F]) {
	s.carveActivities(a)
	*l = linearized[F]{p: s.carveBesideOutputs(a), ry: s.carveLayers(a)}
	if s.Distance == nn.CrossEntropyDistance {
		s.spare = s.carveWide(a, s.widest())
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
	l.task.reduced = true
	defer func() { l.task.reduced = false }()
	return l.addParts(dst)
}

// addParts adds Jᵀu to dst, the shards' derivatives having been computed in the place of R{y}.
func (l *Linearization[F]) addParts(dst accel.Vector[F]) error {
	l.net.locate(l.task.to, dst)
	return l.net.backend.Run(len(l.net.parts), l.task.add)
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

// gv computes the derivatives whose products with y add up to Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ v + mu Dᵢ v), in the place of R{y}.
func (s *sweep[F]) gv(ctx context.Context, v weights[F], l *linearized[F], mu F) error {
	if err := s.jv(ctx, v, l); err != nil {
		return err
	}
	rz := l.ry[s.layers()]
	s.s.LossCurvature(s.Config.Loss, l.p, s.shard.Targets, rz)
	if mu != 0 {
		s.weigh(l.ry[1:s.layers()])
	}
	return s.backward(ctx, l.ry, mu, nil)
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
	err := l.net.run(ctx, l.sweeps, func(i int, s *sweep[F]) error {
		s.s.CopyMat(l.shards[i].ry[l.net.layers()], us[i])
		return s.backward(ctx, l.shards[i].ry, 0, nil)
	})
	if err != nil {
		return err
	}
	return l.addParts(dst)
}
