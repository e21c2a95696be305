package rnn

import (
	"context"

	"curvestream/accel"
)

// gv leaves Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ v + mu Dᵢ v) of a shard in l.sum.
func (s *sweep[F]) gv(ctx context.Context, v *operands[F], l *linearized[F], mu F) error {
	if err := s.jv(ctx, v, l, mu != 0); err != nil {
		return err
	}
	s.s.LossCurvature(s.Config.Loss, l.kept.p, s.shard.Targets, l.rz)
	return s.jtu(ctx, l, mu)
}

// jv leaves R{z} = J v of a shard in l.rz, and with states set R{h} of all time-steps in l.rh.
func (s *sweep[F]) jv(ctx context.Context, v *operands[F], l *linearized[F], states bool) error {
	return s.ascending(ctx, func(k int, b *block) {
		r, before := l.r, l.r
		if states {
			r, before = l.rh[k], l.rh[max(0, k-1)]
		}
		s.enter(k, r, before, v.h0)
		s.forwardR(b, v, l.strips[k], r)
		s.outputsR(b, v, l.strips[k], r, l.kept, rowsOf(b, l.rz))
	})
}

// forwardR computes R{h_τ} = s′(a_τ) (V_xh x_τ + v_b + V_hh h_τ₋₁ + W_hh R{h_τ₋₁}) of a block, V being the weights in v. All but
// the last term is the same at all time-steps and comes first.
func (s *sweep[F]) forwardR(b *block, v *operands[F], h, r accel.Mat[F]) {
	s.forwardRInputs(b, v, h, r)
	for t := b.lo; t < b.hi; t++ {
		n := s.shard.Active[t]
		ra := step(b, r, t, n)
		s.s.MulPrepared(step(b, r, t-1, n), s.w.hhT, 1, ra)
		s.s.MulDerivative(s.Activation, ra, step(b, h, t, n))
	}
}

func (s *sweep[F]) forwardRInputs(b *block, v *operands[F], h, r accel.Mat[F]) {
	s.fromInputs(b, v, inner(b, r))
	for _, l := range b.links {
		s.s.MulPrepared(h.RowRange(l.from, l.from+l.n), v.hhT, 1, r.RowRange(l.to, l.to+l.n))
	}
}

// outputsR sets rz = R{z} = s_z′ (V_zh h + v_b + W_zh R{h}) of the output rows of a block.
func (s *sweep[F]) outputsR(b *block, v *operands[F], h, r accel.Mat[F], o kept[F], rz accel.Mat[F]) {
	if rz.Rows == 0 {
		return
	}
	s.s.MulPrepared(s.withOutput(b, r, s.last), s.w.zhT, 0, rz)
	s.s.MulPrepared(s.withOutput(b, h, s.last), v.zhT, 1, rz)
	if v.bz.V != nil {
		s.s.AddRow(rz, v.bz)
	}
	if o.z.V != nil {
		s.s.MulDerivative(s.OutputActivation, rz, rowsOf(b, o.z))
	}
}

// jtu leaves Jᵀu + mu D v of a shard in l.sum, u being what l.rz holds; with mu, l.rh holds R{h}.
func (s *sweep[F]) jtu(ctx context.Context, l *linearized[F], mu F) error {
	s.s.Fill(l.sum, 0)
	sum := s.params(rowVector(l.sum))
	return s.descending(ctx, func(k int, b *block) {
		dz := rowsOf(b, l.rz)
		if l.kept.z.V != nil && dz.Rows > 0 {
			s.s.MulDerivative(s.OutputActivation, dz, rowsOf(b, l.kept.z))
		}
		var damp damping[F]
		if mu != 0 {
			damp = damping[F]{mu: mu, rh: l.rh[k]}
			s.weigh(b, l.rh[k])
		}
		s.backward(k, l.strips[k], dz, &l.derivatives, damp, sum)
	})
}

// weigh scales each row of a strip, but for the entering state, by the weight of its sequence: to a stream, that is the
// curvature of a weighted squared error.
func (s *sweep[F]) weigh(b *block, strip accel.Mat[F]) {
	if s.shard.Weight == nil {
		return
	}
	rows := inner(b, strip)
	weights := accel.Targets[F]{Dense: rows, Weight: s.shard.Weight[b.row[0]:b.row[1]]}
	s.s.LossCurvature(accel.SquaredError, rows, weights, rows)
}
