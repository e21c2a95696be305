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
	sizes  []chunkSize // of the kept ones
	all    bool        // every chunk is kept
	weight float64
}

type chunkSize struct{ columns, rows int }

// Linearize implements hf.Objective.
func (o *Objective[F]) Linearize(ctx context.Context, theta accel.Vector[F]) (hf.Linearization[F], error) {
	return o.LinearizeAs(ctx, hf.Curvature, hf.CurvatureGGN, theta)
}

// LinearizeAs implements hf.Extended, for the Gauss-Newton matrix and for the Hessian.
func (o *Objective[F]) LinearizeAs(ctx context.Context, role hf.Role, kind hf.CurvatureKind, theta accel.Vector[F]) (hf.Linearization[F], error) {
	if kind != hf.CurvatureGGN && kind != hf.CurvatureHessian {
		return nil, fmt.Errorf("objective: nets have no products with the curvature %v", kind)
	}
	l := &linearization[F]{o: o, role: role, kind: kind, theta: theta, all: true}
	room := o.settings.Keep
	err := o.loader.Each(ctx, o.step[role], func(b *nn.Batch[F]) error {
		l.weight += b.WeightSum
		room -= o.net.Bytes(b, o.settings.Structural)
		if room < 0 {
			l.all = false
			return nil
		}
		kept, err := o.net.Linearize(ctx, theta, b)
		if err != nil {
			return err
		}
		l.kept = append(l.kept, kept)
		l.sizes = append(l.sizes, chunkSize{b.Columns(), b.Rows()})
		return nil
	})
	if err == nil {
		err = positive(l.weight)
	}
	if err != nil {
		return nil, fmt.Errorf("objective: linearizing: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

// Product implements hf.Linearization.
func (l *linearization[F]) Product(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	dst.Zero()
	for i, kept := range l.kept {
		l.o.counts.Sequences += int64(l.sizes[i].columns)
		l.o.counts.Steps += int64(l.sizes[i].rows)
		if err := l.add(ctx, kept, dst, v, mu); err != nil {
			return fmt.Errorf("objective: product: %w", err)
		}
	}
	if !l.all {
		if err := l.recompute(ctx, dst, v, mu); err != nil {
			return fmt.Errorf("objective: product: %w", err)
		}
	}
	dst.Scale(1 / l.weight)
	l.o.addDecay(dst, v)
	return nil
}

// add adds the product of one chunk.
func (l *linearization[F]) add(ctx context.Context, chunk nn.Linearization[F], dst, v accel.Vector[F], mu float64) error {
	if l.kind == hf.CurvatureGGN {
		return chunk.AddGv(ctx, dst, v, mu)
	}
	if mu != 0 {
		return errors.New("structural damping goes with the Gauss-Newton matrix, not with the Hessian")
	}
	return chunk.AddHv(ctx, dst, v)
}

// recompute adds the products of the chunks that are not kept.
func (l *linearization[F]) recompute(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	i := 0
	return l.o.loader.Each(ctx, l.o.step[l.role], func(b *nn.Batch[F]) error {
		i++
		if i <= len(l.kept) {
			return nil
		}
		l.o.count(b)
		fresh, err := l.o.net.Linearize(ctx, l.theta, b)
		if err != nil {
			return err
		}
		return errors.Join(l.add(ctx, fresh, dst, v, mu), fresh.Close())
	})
}

// Close implements hf.Linearization.
func (l *linearization[F]) Close() error {
	var errs []error
	for _, kept := range l.kept {
		errs = append(errs, kept.Close())
	}
	l.kept = nil
	return errors.Join(errs...)
}
