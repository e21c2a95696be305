package rnn

import (
	"context"

	"curvestream/accel"
)

// gv leaves Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ v + mu Dᵢ v) of a shard in l.sum.
func (l *linearized[F]) gv(ctx context.Context, v *operands[F], mu F) error {
	if r, can := l.s.(accel.Reducer); can {
		r.Reduce(true)
		defer r.Reduce(false)
	}
	if mu != 0 {
		l.computeAlong(companion[F]{l.rh, l.rhShelf})
		defer l.computeAlong()
	}
	if err := l.jv(ctx, v, mu != 0); err != nil {
		return err
	}
	l.s.LossCurvature(l.Config.Loss, l.kept.p, l.shard.Targets, l.rz)
	return l.jtu(ctx, v, mu)
}

// jv leaves R{z} = J v of a shard in l.rz, and with keep set R{h} in l.rh.
func (l *linearized[F]) jv(ctx context.Context, v *operands[F], keep bool) error {
	return l.forwardUse(ctx, func(k int, b *block) {
		st, r := l.in(l.h, k), l.r
		if keep {
			r = l.in(l.rh, k)
			l.computeR(k, v)
		} else {
			l.enterR(k, r, r, v.initial)
			l.forwardR(b, v, st, r, nil)
		}
		l.outputsR(b, v, st, r, l.kept, rowsOf(b, l.rz))
	})
}

// computeR computes R{} of the nodes of block k in their place in l.rh, as the values of h are computed.
func (l *linearized[F]) computeR(k int, v *operands[F]) {
	r := l.in(l.rh, k)
	l.enterR(k, r, l.before(l.rh, k), v.initial)
	l.forwardR(&l.blocks[k], v, l.in(l.h, k), r, nil)
}

// forwardR computes R{} of all nodes of a block. For the plain cell
//
//	R{h_τ} = s′(a_τ) (V_xh x_τ + v_b + V_hh h_τ₋₁ + W_hh R{h_τ₋₁})
//
// V being the weights in v. All but the last term is the same at all time-steps and comes first. Where ra is not nil, it gets R{a}
// of the nodes that are not linear.
func (s *sweep[F]) forwardR(b *block, v *operands[F], st, r, ra strip[F]) {
	s.fromInputs(b, v, r)
	s.fromStates(b, v, st, r)
	for _, l := range s.cell.layers {
		s.fromBelow(b, l, r, true)
		if !l.recurrent {
			s.throughR(&s.cell.nodes[l.lo], s.inside(b, st, l.lo), s.inside(b, r, l.lo), s.insideOf(b, ra, l.lo))
			continue
		}
		if s.wholeForwardR(b, l, st, r, ra) {
			continue
		}
		for t := b.lo; t < b.hi; t++ {
			for i := l.lo; i < l.hi; i++ {
				s.forwardNodeR(b, st, r, ra, i, t)
			}
		}
	}
}

// forwardNodeR computes R{} of node i of a recurrent layer at time-step t.
func (s *sweep[F]) forwardNodeR(b *block, st, r, ra strip[F], i, t int) {
	node, n := &s.cell.nodes[i], s.shard.Active[t]
	a := s.value(b, r, i, t, n)
	for j := range node.products {
		if p := &node.products[j]; !p.hoisted() {
			s.s.MulPrepared(s.read(b, r, p.in, t, n), s.w.up[p.index], 1, a)
		}
	}
	s.addTermsR(b, node, st, r, t, a)
	var keep accel.Mat[F]
	if ra != nil {
		keep = s.value(b, ra, i, t, n)
	}
	s.throughR(node, s.value(b, st, i, t, n), a, keep)
}

// throughR turns R{a} of a node into R{} of its value, which is h, after it is copied to keep, if that is not nothing.
func (s *sweep[F]) throughR(node *node, h, a, keep accel.Mat[F]) {
	if keep.V != nil && node.curved() {
		s.s.CopyMat(keep, a)
	}
	for _, act := range node.acts {
		s.s.MulDerivative(act.act, columns(a, act.lo, act.hi), columns(h, act.lo, act.hi))
	}
}

// insideOf is inside, or nothing where the strip is nil.
func (s *sweep[F]) insideOf(b *block, st strip[F], i int) accel.Mat[F] {
	if st == nil {
		return accel.Mat[F]{}
	}
	return s.inside(b, st, i)
}

// addTermsR adds R{} of the terms of a node at time-step t to a, or sets a, where nothing else goes into the node.
func (s *sweep[F]) addTermsR(b *block, node *node, st, r strip[F], t int, a accel.Mat[F]) {
	var beta F
	if node.learned() {
		beta = 1
	}
	for j := range node.terms {
		m := &node.terms[j]
		rp := s.read(b, r, m.p, t, a.Rows)
		if m.alone {
			s.addOrSet(beta, a, rp)
		} else {
			s.s.Hadamard(F(m.alpha), rp, s.read(b, st, m.q, t, a.Rows), beta, a)
			s.s.Hadamard(F(m.alpha), s.read(b, st, m.p, t, a.Rows), s.read(b, r, m.q, t, a.Rows), 1, a)
		}
		beta = 1
	}
}

// fromStates adds Σ V in of the products that read nodes, or sets it where neither inputs nor biases go into a node.
func (s *sweep[F]) fromStates(b *block, v *operands[F], st, r strip[F]) {
	for i := range s.cell.nodes {
		node := &s.cell.nodes[i]
		a := s.inside(b, r, i)
		var beta F
		if node.fed() {
			beta = 1
		}
		for j := range node.products {
			p := &node.products[j]
			switch {
			case p.in.isInput():
				continue
			case p.in.before:
				for _, l := range b.links {
					in := columns(st[p.in.node].RowRange(l.from, l.from+l.n), p.in.lo, p.in.hi)
					s.s.MulPrepared(in, v.up[p.index], beta, a.RowRange(l.to-b.enter, l.to-b.enter+l.n))
				}
			default:
				s.s.MulPrepared(columns(s.inside(b, st, p.in.node), p.in.lo, p.in.hi), v.up[p.index], beta, a)
			}
			beta = 1
		}
	}
}

// outputsR sets rz = R{z} = s_z′ (V_zh h + v_b + W_zh R{h}) of the output rows of a block.
func (s *sweep[F]) outputsR(b *block, v *operands[F], st, r strip[F], o kept[F], rz accel.Mat[F]) {
	if rz.Rows == 0 {
		return
	}
	s.s.MulPrepared(s.withOutput(b, r, s.last), s.w.zhUp, 0, rz)
	s.s.MulPrepared(s.withOutput(b, st, s.last), v.zhUp, 1, rz)
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
			damp = damping[F]{mu: mu, r: l.in(l.rh, k)}
			l.weigh(b, damp.r)
		}
		l.backward(k, l.in(l.h, k), dz, &l.derivatives, damp, l.dW)
	})
}

// weigh scales each row of the damped nodes of a strip, but for the entering rows, by the weight of its sequence: to a stream, that
// is the curvature of a weighted squared error.
func (s *sweep[F]) weigh(b *block, r strip[F]) {
	if s.shard.Weight == nil {
		return
	}
	for i := range s.cell.nodes {
		if !s.cell.nodes[i].damped {
			continue
		}
		rows := s.inside(b, r, i)
		weights := accel.Targets[F]{Dense: rows, Weight: s.shard.Weight[b.row[0]:b.row[1]]}
		s.s.LossCurvature(accel.SquaredError, rows, weights, rows)
	}
}
