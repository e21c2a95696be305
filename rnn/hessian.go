package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// hessian is the scratch of a product with the exact Hessian: the R-operator applied to the gradient's own sweeps, so that the
// gradient's derivatives are computed in tandem (algorithm 4).
type hessian[F accel.Float] struct {
	ra    []accel.Mat[F] // R{a} that goes with each slot of h; its entering states are not used
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
	h := hessian[F]{ra: s.carveSlots(a), dz: a.Mat(outputs, s.Out), rdz: a.Mat(outputs, s.Out)}
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
	return l.product(ctx, dst, nil, func(i int, _ *sweep[F]) error { return l.shards[i].addHv(ctx, &l.v) })
}

// addHv leaves Σᵢ wᵢ Hᵢ v of a shard in l.sum.
func (l *linearized[F]) addHv(ctx context.Context, v *operands[F]) error {
	err := l.forwardUse(ctx, func(k int, _ *block) {
		l.computeRKeeping(k, v)
		l.outputsRKeeping(k, v)
	})
	if err != nil {
		return err
	}
	l.lossR()
	l.s.Fill(l.sum, 0)
	sum := l.params(rowVector(l.sum))
	return l.backwardUse(ctx, func(k int) { l.computeRKeeping(k, v) }, func(k int, _ *block) { l.backwardR(k, v, sum) })
}

// computeRKeeping is computeR, and keeps R{a} too.
func (l *linearized[F]) computeRKeeping(k int, v *operands[F]) {
	b, h, r := &l.blocks[k], l.in(l.h, k), l.in(l.rh, k)
	ra := l.in(l.hv.ra, k)
	l.enter(k, r, l.before(l.rh, k), v.h0)
	l.forwardRInputs(b, v, h, r)
	for t := b.lo; t < b.hi; t++ {
		n := l.shard.Active[t]
		rt := step(b, r, t, n)
		l.s.MulPrepared(step(b, r, t-1, n), l.w.hhT, 1, rt)
		l.s.CopyMat(step(b, ra, t, n), rt)
		l.s.MulDerivative(l.Activation, rt, step(b, h, t, n))
	}
}

// outputsRKeeping is outputsR, and keeps R{W_zh h + b_z} too.
func (l *linearized[F]) outputsRKeeping(k int, v *operands[F]) {
	b := &l.blocks[k]
	rz := rowsOf(b, l.rz)
	l.outputsR(b, v, l.in(l.h, k), l.in(l.rh, k), kept[F]{}, rz)
	if l.kept.z.V != nil && rz.Rows > 0 {
		l.s.CopyMat(rowsOf(b, l.hv.rza), rz)
		l.s.MulDerivative(l.OutputActivation, rz, rowsOf(b, l.kept.z))
	}
}

// lossR sets dz = ∇L and rdz = R{∇L} = L″ R{z}, both with respect to W_zh h + b_z of the output rows of the shard.
func (l *linearized[F]) lossR() {
	hv, t := &l.hv, l.shard.Targets
	l.s.CopyMat(hv.dz, l.kept.p)
	l.s.LossGradient(l.Config.Loss, hv.dz, t)
	l.s.CopyMat(hv.rdz, l.rz)
	l.s.LossCurvature(l.Config.Loss, l.kept.p, t, hv.rdz)
	if l.kept.z.V != nil {
		l.s.MulDerivative(l.OutputActivation, hv.rdz, l.kept.z)
		l.s.AddSecondDerivative(l.OutputActivation, hv.rdz, hv.dz, l.kept.z, hv.rza)
		l.s.MulDerivative(l.OutputActivation, hv.dz, l.kept.z)
	}
}

// backwardR is the R-operator of backward, in tandem with backward:
//
//	R{dh_τ} = W_zhᵀ R{dz_τ} + V_zhᵀ dz_τ + W_hhᵀ R{da_τ₊₁} + V_hhᵀ da_τ₊₁
//	R{da_τ} = s′(a_τ) R{dh_τ} + s″(a_τ) R{a_τ} dh_τ
//
// and R{dW} = R{da} hᵀ + da R{h}ᵀ.
func (l *linearized[F]) backwardR(k int, v *operands[F], sum params[F]) {
	b, hv := &l.blocks[k], &l.hv
	da, dh, rd := l.d.RowRange(0, b.rows()), hv.dh.RowRange(0, b.rows()), hv.rd.RowRange(0, b.rows())
	dz, rdz := rowsOf(b, hv.dz), rowsOf(b, hv.rdz)
	l.s.Fill(dh, 0)
	l.s.Fill(rd, 0)
	l.addOutputs(b, dz, l.w.zh, 1, dh)
	l.addOutputs(b, rdz, l.w.zh, 1, rd)
	l.addOutputs(b, dz, v.zh, 1, rd)
	for t := b.hi - 1; t >= b.lo; t-- {
		dt, rt := l.at(b, dh, t), l.at(b, rd, t)
		if n := activeAt(l.shard.Active, t+1); n > 0 {
			next, nextR := l.carry, hv.carry
			if t+1 < b.hi {
				next, nextR = l.at(b, da, t+1), l.at(b, rd, t+1)
			}
			next, nextR = next.RowRange(0, n), nextR.RowRange(0, n)
			l.s.MulPrepared(next, l.w.hh, 1, dt.RowRange(0, n))
			l.s.MulPrepared(nextR, l.w.hh, 1, rt.RowRange(0, n))
			l.s.MulPrepared(next, v.hh, 1, rt.RowRange(0, n))
		}
		h := step(b, l.in(l.h, k), t, dt.Rows)
		l.s.MulDerivative(l.Activation, rt, h)
		l.s.AddSecondDerivative(l.Activation, rt, dt, h, step(b, l.in(hv.ra, k), t, dt.Rows))
		l.s.CopyMat(l.at(b, da, t), dt)
		l.s.MulDerivative(l.Activation, l.at(b, da, t), h)
	}
	l.s.CopyMat(l.carry.RowRange(0, b.enter), l.at(b, da, b.lo))
	l.s.CopyMat(hv.carry.RowRange(0, b.enter), l.at(b, rd, b.lo))
	l.accumulate(b, l.in(l.h, k), rd, rdz, sum)
	l.accumulateRecurrent(b, l.in(l.rh, k), da, sum)
	if dz.Rows > 0 {
		l.s.GEMM(true, false, 1, dz, l.withOutput(b, l.in(l.rh, k), hv.rlast), 1, sum.zh)
	}
	if k == 0 {
		l.toInitialState(hv.dh, rd.RowRange(0, b.enter), l.w, sum.h0)
		l.toInitialState(hv.dh, da.RowRange(0, b.enter), v, sum.h0)
	}
}
