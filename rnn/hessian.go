package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// hessian is the scratch of a product with the exact Hessian: the R-operator applied to the gradient's own sweeps, so that the
// gradient's derivatives are computed in tandem (algorithm 4).
type hessian[F accel.Float] struct {
	ra    []strip[F]     // R{a} that goes with each slot of h; its entering rows are not used
	rza   accel.Mat[F]   // R{W_zh h + b_z} of all output rows; only where s_z is not linear
	dz    accel.Mat[F]   // dL/dz of all output rows
	rdz   accel.Mat[F]   // R{dL/dz}
	rd    derivatives[F] // R{} of the derivatives
	rlast accel.Mat[F]   // for Last: gathered R{h}
}

func (s *sweep[F]) carveHessian(a *nn.Arena[F]) hessian[F] {
	outputs := len(s.shard.Owner)
	h := hessian[F]{ra: s.carveSlots(a), dz: a.Mat(outputs, s.Out), rdz: a.Mat(outputs, s.Out)}
	if s.OutputActivation != accel.Linear {
		h.rza = a.Mat(outputs, s.Out)
	}
	h.rd = s.carveDerivatives(a)
	if s.shard.Form == nn.Last {
		h.rlast = a.Mat(s.largest(outputRows), s.cell.shownWidth())
	}
	return h
}

// AddHv implements nn.Linearization: algorithm 4 for the recurrent net. It needs about four times the states of AddGv.
func (l *Linearization[F]) AddHv(ctx context.Context, dst, v accel.Vector[F]) error {
	if err := l.needStates(); err != nil {
		return err
	}
	if !l.hessian {
		err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { l.shards[i].hv = s.carveHessian(a) })
		if err != nil {
			return err
		}
		if err := l.shelve(func(i int) **shelf[F] { return &l.shards[i].raShelf }); err != nil {
			return err
		}
		l.hessian = true
	}
	if err := l.net.prepare(&l.v, v, true); err != nil {
		return err
	}
	return l.product(ctx, dst, nil, func(i int, _ *sweep[F]) error { return l.shards[i].addHv(ctx, &l.v) })
}

// addHv leaves Σᵢ wᵢ Hᵢ v of a shard in l.sum.
func (l *linearized[F]) addHv(ctx context.Context, v *operands[F]) error {
	l.computeAlong(companion[F]{l.rh, l.rhShelf}, companion[F]{l.hv.ra, l.raShelf})
	defer l.computeAlong()
	err := l.forwardUse(ctx, func(k int, _ *block) {
		l.computeRKeeping(k, v)
		l.outputsRKeeping(k, v)
	})
	if err != nil {
		return err
	}
	l.lossR()
	l.s.Fill(l.sum, 0)
	return l.backwardUse(ctx, func(k int) { l.computeRKeeping(k, v) }, func(k int, _ *block) { l.backwardR(k, v, l.dW) })
}

// computeRKeeping is computeR, and keeps R{a} too.
func (l *linearized[F]) computeRKeeping(k int, v *operands[F]) {
	r := l.in(l.rh, k)
	l.enterR(k, r, l.before(l.rh, k), v.initial)
	l.forwardR(&l.blocks[k], v, l.in(l.h, k), r, l.in(l.hv.ra, k))
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
	l.s.LossCurvature(l.Config.Loss.Kind(), l.kept.p, t, hv.rdz)
	if l.kept.z.V != nil {
		l.s.MulDerivative(l.OutputActivation, hv.rdz, l.kept.z)
		l.s.AddSecondDerivative(l.OutputActivation, hv.rdz, hv.dz, l.kept.z, hv.rza)
		l.s.MulDerivative(l.OutputActivation, hv.dz, l.kept.z)
	}
}

// backwardR is the R-operator of backward, in tandem with backward. For the plain cell:
//
//	R{dh_τ} = W_zhᵀ R{dz_τ} + V_zhᵀ dz_τ + W_hhᵀ R{da_τ₊₁} + V_hhᵀ da_τ₊₁
//	R{da_τ} = s′(a_τ) R{dh_τ} + s″(a_τ) R{a_τ} dh_τ
//
// and R{dW} = R{da} hᵀ + da R{h}ᵀ.
func (l *linearized[F]) backwardR(k int, v *operands[F], sum params[F]) {
	b, hv, h := &l.blocks[k], &l.hv, l.cell.top
	dz, rdz := rowsOf(b, hv.dz), rowsOf(b, hv.rdz)
	dh, rdh := l.ofNode(b, l.d, h), l.ofNode(b, hv.rd.d, h)
	l.s.Fill(dh, 0)
	l.s.Fill(rdh, 0)
	l.addOutputs(b, dz, l.w.zhDown, 1, dh)
	l.addOutputs(b, rdz, l.w.zhDown, 1, rdh)
	l.addOutputs(b, dz, v.zhDown, 1, rdh)
	l.fromBlockAfter(k, &l.derivatives, damping[F]{})
	l.fromBlockAfter(k, &hv.rd, damping[F]{})
	for j := len(l.cell.layers) - 1; j >= 0; j-- {
		l.layerBackwardR(k, l.cell.layers[j], v)
	}
	l.accumulate(b, l.in(l.h, k), hv.rd.d, rdz, sum)
	l.accumulateStates(b, l.in(l.rh, k), l.d, sum)
	if dz.Rows > 0 {
		l.s.GEMM(true, false, 1, dz, l.withOutput(b, l.in(l.rh, k), hv.rlast), 1, sum.zh)
	}
	if k == 0 {
		l.toInitialValues(&hv.rd, sum)
	}
}

// layerBackwardR is the part of a layer in backwardR.
func (l *linearized[F]) layerBackwardR(k int, of layer, v *operands[F]) {
	b, rd, st, ra := &l.blocks[k], l.hv.rd.d, l.in(l.h, k), l.in(l.hv.ra, k)
	if of.recurrent {
		for t := b.hi - 1; t >= b.lo; t-- {
			for i := of.hi - 1; i >= of.lo; i-- {
				n := l.shard.Active[t]
				l.throughTwice(&l.cell.nodes[i], l.value(b, st, i, t, n), l.value(b, ra, i, t, n), l.at(b, l.d[i], t), l.at(b, rd[i], t))
				l.passR(k, i, t, v)
			}
		}
	} else {
		i := of.lo
		l.throughTwice(&l.cell.nodes[i], l.inside(b, st, i), l.inside(b, ra, i), l.ofNode(b, l.d, i), l.ofNode(b, rd, i))
	}
	l.toBelow(b, of, l.d, l.w, l.d, false)
	l.toBelow(b, of, rd, l.w, rd, false)
	l.toBelow(b, of, l.d, v, rd, true)
}

// throughTwice turns derivatives d of a node and R{} of them from those with respect to its value h into those with respect to a.
func (l *linearized[F]) throughTwice(node *node, h, ra, d, rd accel.Mat[F]) {
	for _, act := range node.acts {
		part := func(m accel.Mat[F]) accel.Mat[F] { return columns(m, act.lo, act.hi) }
		l.s.MulDerivative(act.act, part(rd), part(h))
		l.s.AddSecondDerivative(act.act, part(rd), part(d), part(h), part(ra))
		l.s.MulDerivative(act.act, part(d), part(h))
	}
}

// passR is the R-operator of pass, after pass.
func (l *linearized[F]) passR(k, i, t int, v *operands[F]) {
	b, node, rd := &l.blocks[k], &l.cell.nodes[i], &l.hv.rd
	da, rda := l.at(b, l.d[i], t), l.at(b, rd.d[i], t)
	st, r := l.in(l.h, k), l.in(l.rh, k)
	l.pass(b, node, da, st, &l.derivatives, t)
	l.pass(b, node, rda, st, rd, t)
	for j := range node.products {
		if p := &node.products[j]; !p.hoisted() {
			to, _ := l.into(b, rd, p.in, false, t)
			l.s.MulPrepared(da, v.down[p.index], 1, to)
		}
	}
	for j := range node.terms {
		m := &node.terms[j]
		if m.alone {
			continue
		}
		to, _ := l.into(b, rd, m.p, false, t)
		l.s.Hadamard(F(m.alpha), da, l.read(b, r, m.q, t, da.Rows), 1, to)
		to, _ = l.into(b, rd, m.q, false, t)
		l.s.Hadamard(F(m.alpha), da, l.read(b, r, m.p, t, da.Rows), 1, to)
	}
}
