package rnn

import (
	"context"

	"curvestream/accel"
)

// gv leaves Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ v + mu Dᵢ v) of a shard in l.sum.
func (l *linearized[F]) gv(ctx context.Context, v *operands[F], mu F) error {
	if err := l.jv(ctx, v, mu != 0); err != nil {
		return err
	}
	l.s.LossCurvature(l.Config.Loss, l.kept.p, l.shard.Targets, l.rz)
	return l.jtu(ctx, v, mu)
}

// jv leaves R{z} = J v of a shard in l.rz, and with keep set R{h} in l.rh.
func (l *linearized[F]) jv(ctx context.Context, v *operands[F], keep bool) error {
	return l.forwardUse(ctx, func(k int, b *block) {
		h, r := l.in(l.h, k), l.r
		if keep {
			r = l.in(l.rh, k)
			l.computeR(k, v)
		} else {
			l.enter(k, r, r, v.h0)
			l.forwardR(b, v, h, r)
		}
		l.outputsR(b, v, h, r, l.kept, rowsOf(b, l.rz))
	})
}

// computeR computes R{h} of block k in its place in l.rh, as the states of h are computed.
func (l *linearized[F]) computeR(k int, v *operands[F]) {
	r := l.in(l.rh, k)
	l.enter(k, r, l.before(l.rh, k), v.h0)
	l.forwardR(&l.blocks[k], v, l.in(l.h, k), r)
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

// jtu leaves Jᵀu + mu D v of a shard in l.sum, u being what l.rz holds; with mu, l.rh holds what the forward sweep kept of R{h}.
func (l *linearized[F]) jtu(ctx context.Context, v *operands[F], mu F) error {
	l.s.Fill(l.sum, 0)
	sum := l.params(rowVector(l.sum))
	var again func(k int)
	if mu != 0 {
		again = func(k int) { l.computeR(k, v) }
	}
	return l.backwardUse(ctx, again, func(k int, b *block) {
		dz := rowsOf(b, l.rz)
		if l.kept.z.V != nil && dz.Rows > 0 {
			l.s.MulDerivative(l.OutputActivation, dz, rowsOf(b, l.kept.z))
		}
		var damp damping[F]
		if mu != 0 {
			damp = damping[F]{mu: mu, rh: l.in(l.rh, k)}
			l.weigh(b, damp.rh)
		}
		l.backward(k, l.in(l.h, k), dz, &l.derivatives, damp, sum)
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
