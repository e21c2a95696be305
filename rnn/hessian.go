package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// hessian is the scratch of a product with the exact Hessian: the R-operator applied to the gradient's own sweeps, so that the
// gradient's derivatives are computed in tandem (algorithm 4).
type hessian[F accel.Float] struct {
	ra    []accel.Mat[F] // R{a} of all blocks, without entering states
	rza   accel.Mat[F]   // R{W_zh h + b_z} of all output rows; only where s_z is not linear
	dz    accel.Mat[F]   // dL/dz of all output rows
	rdz   accel.Mat[F]   // R{dL/dz}
	dh    accel.Mat[F]   // dL/dh of the rows of a block
	rd    accel.Mat[F]   // R{dL/dh}, then R{dL/da}, of the rows of a block
	carry accel.Mat[F]   // R{dL/da} at the first time-step of the block after
	rlast accel.Mat[F]   // for Last: gathered R{h}
}

func (s *sweep[F]) carveHessian(a *nn.Arena[F]) hessian[F] {
	outputs, rows := len(s.shard.Owner), s.largest((*block).rows)
	h := hessian[F]{ra: make([]accel.Mat[F], len(s.blocks)), dz: a.Mat(outputs, s.Out), rdz: a.Mat(outputs, s.Out)}
	for k := range s.blocks {
		h.ra[k] = a.Mat(s.blocks[k].rows(), s.Hidden)
	}
	if s.OutputActivation != accel.Linear {
		h.rza = a.Mat(outputs, s.Out)
	}
	h.dh, h.rd = a.Mat(rows, s.Hidden), a.Mat(rows, s.Hidden)
	h.carry = a.Mat(s.shard.Active[0], s.Hidden)
	if s.shard.Form == nn.Last {
		h.rlast = a.Mat(s.largest(outputRows), s.Hidden)
	}
	return h
}

// AddHv implements nn.Linearization: algorithm 4 for the recurrent net. It needs about four times the states of AddGv.
func (l *Linearization[F]) AddHv(ctx context.Context, dst, v accel.Vector[F]) error {
	if err := l.needStates(); err != nil {
		return err
	}
	if !l.hessian {
		l.hessian = true
		err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { l.shards[i].hv = s.carveHessian(a) })
		if err != nil {
			return err
		}
	}
	if err := l.net.prepare(&l.v, v, true); err != nil {
		return err
	}
	return l.product(ctx, dst, nil, func(i int, s *sweep[F]) error { return s.addHv(ctx, &l.v, &l.shards[i]) })
}

// addHv leaves Σᵢ wᵢ Hᵢ v of a shard in l.sum.
func (s *sweep[F]) addHv(ctx context.Context, v *operands[F], l *linearized[F]) error {
	err := s.ascending(ctx, func(k int, b *block) {
		s.enter(k, l.rh[k], l.rh[max(0, k-1)], v.h0)
		s.forwardRKeeping(b, v, l.strips[k], l.rh[k], l.hv.ra[k])
		s.outputsRKeeping(b, v, l, k)
	})
	if err != nil {
		return err
	}
	s.lossR(l)
	s.s.Fill(l.sum, 0)
	sum := s.params(rowVector(l.sum))
	return s.descending(ctx, func(k int, b *block) { s.backwardR(k, v, l, sum) })
}

// forwardRKeeping is forwardR, and keeps R{a} too.
func (s *sweep[F]) forwardRKeeping(b *block, v *operands[F], h, r, ra accel.Mat[F]) {
	s.forwardRInputs(b, v, h, r)
	for t := b.lo; t < b.hi; t++ {
		n := s.shard.Active[t]
		rt := step(b, r, t, n)
		s.s.MulPrepared(step(b, r, t-1, n), s.w.hhT, 1, rt)
		s.s.CopyMat(s.at(b, ra, t), rt)
		s.s.MulDerivative(s.Activation, rt, step(b, h, t, n))
	}
}

// outputsRKeeping is outputsR, and keeps R{W_zh h + b_z} too.
func (s *sweep[F]) outputsRKeeping(b *block, v *operands[F], l *linearized[F], k int) {
	rz := rowsOf(b, l.rz)
	s.outputsR(b, v, l.strips[k], l.rh[k], kept[F]{}, rz)
	if l.kept.z.V != nil && rz.Rows > 0 {
		s.s.CopyMat(rowsOf(b, l.hv.rza), rz)
		s.s.MulDerivative(s.OutputActivation, rz, rowsOf(b, l.kept.z))
	}
}

// lossR sets dz = ∇L and rdz = R{∇L} = L″ R{z}, both with respect to W_zh h + b_z of the output rows of the shard.
func (s *sweep[F]) lossR(l *linearized[F]) {
	hv, t := &l.hv, s.shard.Targets
	s.s.CopyMat(hv.dz, l.kept.p)
	s.s.LossGradient(s.Config.Loss, hv.dz, t)
	s.s.CopyMat(hv.rdz, l.rz)
	s.s.LossCurvature(s.Config.Loss, l.kept.p, t, hv.rdz)
	if l.kept.z.V != nil {
		s.s.MulDerivative(s.OutputActivation, hv.rdz, l.kept.z)
		s.s.AddSecondDerivative(s.OutputActivation, hv.rdz, hv.dz, l.kept.z, hv.rza)
		s.s.MulDerivative(s.OutputActivation, hv.dz, l.kept.z)
	}
}

// backwardR is the R-operator of backward, in tandem with backward:
//
//	R{dh_τ} = W_zhᵀ R{dz_τ} + V_zhᵀ dz_τ + W_hhᵀ R{da_τ₊₁} + V_hhᵀ da_τ₊₁
//	R{da_τ} = s′(a_τ) R{dh_τ} + s″(a_τ) R{a_τ} dh_τ
//
// and R{dW} = R{da} hᵀ + da R{h}ᵀ.
func (s *sweep[F]) backwardR(k int, v *operands[F], l *linearized[F], sum params[F]) {
	b, hv := &s.blocks[k], &l.hv
	da, dh, rd := l.d.RowRange(0, b.rows()), hv.dh.RowRange(0, b.rows()), hv.rd.RowRange(0, b.rows())
	dz, rdz := rowsOf(b, hv.dz), rowsOf(b, hv.rdz)
	s.s.Fill(dh, 0)
	s.s.Fill(rd, 0)
	s.addOutputs(b, dz, s.w.zh, 1, dh)
	s.addOutputs(b, rdz, s.w.zh, 1, rd)
	s.addOutputs(b, dz, v.zh, 1, rd)
	for t := b.hi - 1; t >= b.lo; t-- {
		dt, rt := s.at(b, dh, t), s.at(b, rd, t)
		if n := activeAt(s.shard.Active, t+1); n > 0 {
			next, nextR := l.carry, hv.carry
			if t+1 < b.hi {
				next, nextR = s.at(b, da, t+1), s.at(b, rd, t+1)
			}
			next, nextR = next.RowRange(0, n), nextR.RowRange(0, n)
			s.s.MulPrepared(next, s.w.hh, 1, dt.RowRange(0, n))
			s.s.MulPrepared(nextR, s.w.hh, 1, rt.RowRange(0, n))
			s.s.MulPrepared(next, v.hh, 1, rt.RowRange(0, n))
		}
		h := step(b, l.strips[k], t, dt.Rows)
		s.s.MulDerivative(s.Activation, rt, h)
		s.s.AddSecondDerivative(s.Activation, rt, dt, h, s.at(b, hv.ra[k], t))
		s.s.CopyMat(s.at(b, da, t), dt)
		s.s.MulDerivative(s.Activation, s.at(b, da, t), h)
	}
	s.s.CopyMat(l.carry.RowRange(0, b.enter), s.at(b, da, b.lo))
	s.s.CopyMat(hv.carry.RowRange(0, b.enter), s.at(b, rd, b.lo))
	s.accumulate(b, l.strips[k], rd, rdz, sum)
	s.accumulateRecurrent(b, l.rh[k], da, sum)
	if dz.Rows > 0 {
		s.s.GEMM(true, false, 1, dz, s.withOutput(b, l.rh[k], hv.rlast), 1, sum.zh)
	}
	if k == 0 {
		s.toInitialState(hv.dh, rd.RowRange(0, b.enter), s.w, sum.h0)
		s.toInitialState(hv.dh, da.RowRange(0, b.enter), v, sum.h0)
	}
}
