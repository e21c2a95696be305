package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// outputs of a sweep that are kept for its backward sweep, all output rows of the shard.
type kept[F accel.Float] struct {
	p accel.Mat[F] // Predict(z)
	z accel.Mat[F] // after s_z; only where s_z is not linear
}

func (s *sweep[F]) carveKept(a *nn.Arena[F]) kept[F] {
	k := kept[F]{p: a.Mat(len(s.shard.Owner), s.Out)}
	if s.OutputActivation != accel.Linear {
		k.z = a.Mat(len(s.shard.Owner), s.Out)
	}
	return k
}

// rowsOf returns the rows of m, which holds all output rows of a shard, that belong to a block.
func rowsOf[F accel.Float](b *block, m accel.Mat[F]) accel.Mat[F] {
	return m.RowRange(b.out[0], b.out[1])
}

// forwardKeeping runs a shard forward, keeps all states in strips and the outputs in o, and adds the losses to sums, where
// those are wanted.
func (s *sweep[F]) forwardKeeping(ctx context.Context, strips []accel.Mat[F], o kept[F], sums []float64) error {
	return s.ascending(ctx, func(k int, b *block) {
		s.enter(k, strips[k], strips[max(0, k-1)], s.w.h0)
		s.forward(b, strips[k])
		if outputRows(b) == 0 {
			return
		}
		p := rowsOf(b, o.p)
		s.outputs(b, strips[k], p)
		if sums != nil {
			s.losses(b, p, sums)
		}
		if o.z.V != nil {
			s.s.CopyMat(rowsOf(b, o.z), p)
		}
		s.s.Predict(s.Config.Loss, p)
	})
}

// carveStrips carves a strip for every block.
func (s *sweep[F]) carveStrips(a *nn.Arena[F]) []accel.Mat[F] {
	strips := make([]accel.Mat[F], len(s.blocks))
	for k := range s.blocks {
		strips[k] = a.Mat(s.blocks[k].stripRows(), s.Hidden)
	}
	return strips
}
