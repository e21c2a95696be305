package objective

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
)

// A linearization is the curvature at θ on a minibatch: of the first chunks the activations are kept, as far as
// the memory goes, and the others are linearized anew for each product. Products are sums over chunks in their order either
// way, so the bits are the same.
type linearization[F accel.Float] struct {
	o      *Objective[F]
	role   hf.Role
	kind   hf.CurvatureKind
	theta  accel.Vector[F]
	kept   []nn.Linearization[F]
	chunks []*nn.Batch[F] // of the kept ones
	all    bool           // every chunk is kept
	weight float64
}

// Linearize implements hf.Objective.
func (o *Objective[F]) Linearize(ctx context.Context, theta accel.Vector[F]) (hf.Linearization[F], error) {
	return o.LinearizeAs(ctx, hf.Curvature, hf.CurvatureGGN, theta)
}

// LinearizeAs implements hf.Extended.
func (o *Objective[F]) LinearizeAs(ctx context.Context, role hf.Role, kind hf.CurvatureKind, theta accel.Vector[F]) (hf.Linearization[F], error) {
	l := &linearization[F]{o: o, role: role, kind: kind, theta: theta, all: true}
	room := o.settings.Keep
	err := o.loader.Each(ctx, o.step[role], func(b *nn.Batch[F]) error {
		l.weight += b.WeightSum
		room -= o.net.Bytes(b, o.settings.Structural)
		if room < 0 {
			l.all = false
			return nil
		}
		kept, err := l.chunk(ctx, b)
		if err != nil {
			return err
		}
		b.Kept = true
		l.kept = append(l.kept, kept)
		l.chunks = append(l.chunks, b)
		return nil
	})
	if err == nil {
		err = positive(l.weight)
	}
	if err == nil && kind == hf.CurvatureGGN && o.settings.Guard.due() {
		var a float64
		if a, err = l.asymmetry(ctx); err == nil {
			o.settings.Guard.look(a)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("objective: linearizing: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

// chunk linearizes a chunk.
func (l *linearization[F]) chunk(ctx context.Context, b *nn.Batch[F]) (nn.Linearization[F], error) {
	chunk, err := l.o.net.Linearize(ctx, l.theta, b)
	if err != nil || l.kind != hf.CurvatureFisher {
		return chunk, err
	}
	return newFisherChunk(ctx, l.o.net, l.theta, b, chunk)
}

// Product implements hf.Linearization.
func (l *linearization[F]) Product(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	dst.Zero()
	err := l.each(ctx, func(_ *nn.Batch[F], chunk nn.Linearization[F]) error { return l.add(ctx, chunk, dst, v, mu) })
	if err != nil {
		return fmt.Errorf("objective: product: %w", err)
	}
	dst.Scale(1 / l.weight)
	l.o.addDecay(dst, v)
	return nil
}

// Diagonal implements hf.DiagonalSource.
func (l *linearization[F]) Diagonal(ctx context.Context, dst accel.Vector[F], mu float64, e hf.Estimate) error {
	if l.kind != hf.CurvatureGGN {
		return fmt.Errorf("objective: the diagonal of the curvature %v is not known: choose the fisher preconditioner or none", l.kind)
	}
	dst.Zero()
	probe := nn.Probe{Exact: e.Exact, Draws: e.Draws, Normal: e.Normal, Seed: e.Seed}
	err := l.each(ctx, func(_ *nn.Batch[F], chunk nn.Linearization[F]) error {
		d, ok := chunk.(nn.DiagonalLinearization[F])
		if !ok {
			return errors.New("the net does not know the diagonal of its curvature: choose the fisher preconditioner or none")
		}
		return d.AddDiagonal(ctx, dst, mu, probe)
	})
	if err != nil {
		return fmt.Errorf("objective: %w", err)
	}
	dst.Scale(1 / l.weight)
	for _, p := range l.o.decaying {
		part(dst, p).Shift(l.o.weightDecay)
	}
	return nil
}

// each passes the chunks to use, in their order: those that are kept, and the others linearized anew.
func (l *linearization[F]) each(ctx context.Context, use func(*nn.Batch[F], nn.Linearization[F]) error) error {
	for i, kept := range l.kept {
		l.o.count(l.chunks[i])
		if err := use(l.chunks[i], kept); err != nil {
			return err
		}
	}
	if l.all {
		return nil
	}
	i := 0
	return l.o.loader.Each(ctx, l.o.step[l.role], func(b *nn.Batch[F]) error {
		i++
		if i <= len(l.kept) {
			return nil
		}
		l.o.count(b)
		fresh, err := l.chunk(ctx, b)
		if err != nil {
			return err
		}
		return errors.Join(use(b, fresh), fresh.Close())
	})
}

// add adds the product of one chunk.
func (l *linearization[F]) add(ctx context.Context, chunk nn.Linearization[F], dst, v accel.Vector[F], mu float64) error {
	if l.kind != hf.CurvatureHessian {
		return chunk.AddGv(ctx, dst, v, mu)
	}
	if mu != 0 {
		return errors.New("structural damping goes with the Gauss-Newton matrix, not with the Hessian")
	}
	return chunk.AddHv(ctx, dst, v)
}

// Close implements hf.Linearization.
func (l *linearization[F]) Close() error {
	var errs []error
	for _, kept := range l.kept {
		errs = append(errs, kept.Close())
	}
	l.kept, l.chunks = nil, nil
	return errors.Join(errs...)
}
