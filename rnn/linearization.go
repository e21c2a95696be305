package rnn

import (
	"context"

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
	w        *operands[F]
	v        operands[F] // of the vector of the product at hand
	lent     []func()
	damping  bool // buffers for structural damping exist
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
	*states[F]
	kept kept[F]

	r  strip[F]     // R{} of a block, when only its outputs and the next block need it
	rz accel.Mat[F] // R{z} of all output rows, then L″R{z}
	derivatives[F]
	sum accel.Mat[F] // the shard's own product, 1 × n
	dW  params[F]    // the parameters inside it
	rh  []strip[F]   // R{} that goes with each slot of h; for structural damping and the Hessian
	hv  hessian[F]

	rhShelf, raShelf *shelf[F] // copies of rh, and of hv.ra
}

// Linearize implements nn.Net.
func (n *Net[F]) Linearize(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (nn.Linearization[F], error) {
	l := &Linearization[F]{net: n, batch: b, w: n.takeOperands()}
	l.task.run = func(i int, stream accel.Stream[F]) error {
		l.sweeps[i].s = stream
		return l.shards[i].gv(l.task.ctx, &l.v, l.task.mu)
	}
	if err := l.open(ctx, theta); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Linearization[F]) open(ctx context.Context, theta accel.Vector[F]) error {
	n := l.net
	if err := n.prepare(l.w, theta, true); err != nil {
		return err
	}
	sweeps, err := n.sweeps(l.batch, l.w)
	if err != nil {
		return err
	}
	if err := n.schedule(sweeps); err != nil {
		return err
	}
	l.sweeps, l.shards, l.sums = sweeps, make([]linearized[F], len(sweeps)), make([]accel.Vector[F], len(sweeps))
	err = l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { s.carveLinearized(a, &l.shards[i]) })
	if err != nil {
		return err
	}
	if err := l.shelve(func(i int) **shelf[F] { return &l.shards[i].shelf }); err != nil {
		return err
	}
	for i := range l.shards {
		l.sums[i] = rowVector(l.shards[i].sum)
		l.shards[i].dW = n.params(l.sums[i])
	}
	return n.run(ctx, sweeps, func(i int, _ *sweep[F]) error {
		return l.shards[i].forwardKeeping(ctx, l.shards[i].kept, nil)
	})
}

func (s *sweep[F]) carveLinearized(a *nn.Arena[F], l *linearized[F]) {
	*l = linearized[F]{
		states:      s.carveStates(a),
		kept:        s.carveKept(a),
		r:           s.carveAnyStrip(a),
		rz:          a.Mat(len(s.shard.Owner), s.Out),
		derivatives: s.carveDerivatives(a),
		sum:         a.Mat(1, s.layout.Len()),
	}
	s.carveLast(a, true)
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

// shelve lends each shard a shelf, until the linearization is closed.
func (l *Linearization[F]) shelve(of func(i int) **shelf[F]) error {
	for i, s := range l.sweeps {
		opened, closeShelf, err := s.openShelf()
		if err != nil {
			return err
		}
		*of(i) = opened
		l.lent = append(l.lent, closeShelf)
	}
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
	l.net.giveOperands(l.w)
	return nil
}

// needStates makes buffers for R{h} of all time-steps, the first time that a product needs them.
func (l *Linearization[F]) needStates() error {
	if l.damping {
		return nil
	}
	if err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { l.shards[i].rh = s.carveSlots(a) }); err != nil {
		return err
	}
	if err := l.shelve(func(i int) **shelf[F] { return &l.shards[i].rhShelf }); err != nil {
		return err
	}
	l.damping = true
	return nil
}

// AddGv implements nn.Linearization: algorithm 5 for the recurrent net.
func (l *Linearization[F]) AddGv(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	if mu != 0 {
		if err := l.needStates(); err != nil {
			return err
		}
	}
	if err := l.net.prepare(&l.v, v, false); err != nil {
		return err
	}
	l.task.ctx, l.task.mu = ctx, F(mu)
	if err := l.net.join(ctx, len(l.sweeps), l.task.run); err != nil {
		return err
	}
	nn.AddSums(dst, l.sums)
	return nil
}

// product runs f for each shard, the weights of v being prepared, and adds the shards' sums to dst.
func (l *Linearization[F]) product(ctx context.Context, dst, v accel.Vector[F], f func(i int, s *sweep[F]) error) error {
	if v != nil {
		if err := l.net.prepare(&l.v, v, false); err != nil {
			return err
		}
	}
	if err := l.net.run(ctx, l.sweeps, f); err != nil {
		return err
	}
	nn.AddSums(dst, l.sums)
	return nil
}

// Jv implements nn.Linearization.
func (l *Linearization[F]) Jv(ctx context.Context, v accel.Vector[F]) ([]F, error) {
	if err := l.net.prepare(&l.v, v, false); err != nil {
		return nil, err
	}
	err := l.net.run(ctx, l.sweeps, func(i int, _ *sweep[F]) error { return l.shards[i].jv(ctx, &l.v, false) })
	if err != nil {
		return nil, err
	}
	jv := make([]F, l.batch.OutputRows()*l.net.Out)
	for i, s := range l.sweeps {
		s.shard.UnpackRows(jv, 0, l.shards[i].rz)
	}
	return jv, nil
}

// AddJtu implements nn.Linearization.
func (l *Linearization[F]) AddJtu(ctx context.Context, dst accel.Vector[F], u []F) error {
	us := make([]accel.Mat[F], len(l.sweeps))
	for i, s := range l.sweeps {
		var err error
		if us[i], err = s.shard.PackRows(l.net.backend, u, l.net.Out); err != nil {
			return err
		}
	}
	return l.product(ctx, dst, nil, func(i int, s *sweep[F]) error {
		s.s.CopyMat(l.shards[i].rz, us[i])
		return l.shards[i].jtu(ctx, nil, 0)
	})
}
