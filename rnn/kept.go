package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// kept are the outputs of a shard that a backward sweep needs, all rows.
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

// forwardKeeping runs a shard forward from nothing, leaves the outputs in o, and adds the losses to sums, where those are
// wanted.
func (st *states[F]) forwardKeeping(ctx context.Context, o kept[F], sums []float64) error {
	return st.forwardUse(ctx, func(k int, b *block) {
		if outputRows(b) == 0 {
			return
		}
		p := rowsOf(b, o.p)
		st.outputs(b, st.in(st.h, k), p)
		if sums != nil {
			st.losses(b, p, sums)
		}
		if o.z.V != nil {
			st.s.CopyMat(rowsOf(b, o.z), p)
		}
		st.s.Predict(st.Config.Loss, p)
	})
}
