package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// derivatives are the buffers of a backward sweep: those of the block it is at, and what it carries to the block before.
type derivatives[F accel.Float] struct {
	d     strip[F] // dL/d(value), then dL/da, of the rows of a block
	carry strip[F] // dL/d(entering value) of the block after; nothing where a node is not carried
}

func (s *sweep[F]) carveDerivatives(a *nn.Arena[F]) derivatives[F] {
	return derivatives[F]{
		d:     s.carveStrip(a, s.largest((*block).rows), s.largest((*block).rows)),
		carry: s.carveStrip(a, s.shard.Active[0], 0),
	}
}

// damping is the structural damping that a backward sweep folds in (section 8.4).
type damping[F accel.Float] struct {
	mu F
	r  strip[F] // R{h} of the block, of damped nodes, each row scaled by the weight of its sequence
}

// backward turns dz, the derivatives with respect to W_zh h + b_z of a block's output rows, into d.d = dL/da of all nodes, and adds
// the block's share of dW to g. For the plain cell:
//
//	dh_τ = W_zhᵀ dz_τ + W_hhᵀ da_τ₊₁,   da_τ = s′(a_τ) dh_τ
//
// With structural damping, dh_τ gains mu R{h_τ} (squared distance) or da_τ gains mu R{h_τ}: for the cross-entropy
// distance, whose curvature with respect to a is s′, that is mu s′ R{a_τ}.
func (s *sweep[F]) backward(k int, st strip[F], dz accel.Mat[F], d *derivatives[F], damp damping[F], g params[F]) {
	b := &s.blocks[k]
	s.fromOutputs(b, dz, s.ofNode(b, d.d, s.cell.top), damp)
	s.fromBlockAfter(k, d, damp)
	for k := len(s.cell.layers) - 1; k >= 0; k-- {
		l := s.cell.layers[k]
		switch {
		case !l.recurrent:
			s.through(&s.cell.nodes[l.lo], s.inside(b, st, l.lo), s.ofNode(b, d.d, l.lo))
		case s.wholeBackward(b, l, st, d, damp):
		default:
			for t := b.hi - 1; t >= b.lo; t-- {
				for i := l.hi - 1; i >= l.lo; i-- {
					s.backwardNode(b, st, d, damp, i, t)
				}
			}
		}
		s.toBelow(b, l, d.d, s.w, d.d, false)
	}
	s.accumulate(b, st, d.d, dz, g)
	if k == 0 {
		s.toInitialValues(d, g)
	}
}

// backwardNode turns the derivative of the value of node i of a recurrent layer at time-step t into dL/da, and passes it on within
// the layer.
func (s *sweep[F]) backwardNode(b *block, st strip[F], d *derivatives[F], damp damping[F], i, t int) {
	node, n, da := &s.cell.nodes[i], s.shard.Active[t], s.at(b, d.d[i], t)
	s.through(node, s.value(b, st, i, t, n), da)
	if node.damped && damp.mu != 0 && s.Distance == nn.CrossEntropyDistance {
		s.s.AddMat(da, damp.mu, s.value(b, damp.r, i, t, n))
	}
	s.pass(b, node, da, st, d, t)
}

// through turns the derivative of the value h of a node into dL/da.
func (s *sweep[F]) through(node *node, h, da accel.Mat[F]) {
	for _, act := range node.acts {
		s.s.MulDerivative(act.act, columns(da, act.lo, act.hi), columns(h, act.lo, act.hi))
	}
}

// toBelow adds Wᵀ da of what a layer reads of the one below to the derivatives of that, for all rows of a block, or sets them where
// they have not begun: with again, they have.
func (s *sweep[F]) toBelow(b *block, l layer, da strip[F], w *operands[F], to strip[F], again bool) {
	for i := l.hi - 1; i >= l.lo; i-- {
		node := &s.cell.nodes[i]
		for j := range node.products {
			if p := &node.products[j]; p.below {
				var beta F
				if again || !p.first {
					beta = 1
				}
				s.s.MulPrepared(s.ofNode(b, da, i), w.down[p.index], beta, s.ofNode(b, to, p.in.node))
			}
		}
	}
}

// ofNode returns the derivatives of node i of a block's rows.
func (s *sweep[F]) ofNode(b *block, d strip[F], i int) accel.Mat[F] {
	return d[i].RowRange(0, b.rows())
}

// pass adds what the derivative da of a node at time-step t gives to what the node reads.
func (s *sweep[F]) pass(b *block, node *node, da accel.Mat[F], st strip[F], d *derivatives[F], t int) {
	for j := range node.products {
		if p := &node.products[j]; !p.hoisted() {
			to, beta := s.into(b, d, p.in, p.first, t)
			s.s.MulPrepared(da, s.w.down[p.index], beta, to)
		}
	}
	for j := range node.terms {
		m := &node.terms[j]
		to, beta := s.into(b, d, m.p, m.firstP, t)
		if m.alone {
			s.addOrSet(beta, to, da)
			continue
		}
		s.s.Hadamard(F(m.alpha), da, s.read(b, st, m.q, t, da.Rows), beta, to)
		to, beta = s.into(b, d, m.q, m.firstQ, t)
		s.s.Hadamard(F(m.alpha), da, s.read(b, st, m.p, t, da.Rows), beta, to)
	}
}

// into returns where the derivative of what r reads at time-step t is summed, and 0 where it has not begun, else 1.
func (s *sweep[F]) into(b *block, d *derivatives[F], r ref, first bool, t int) (to accel.Mat[F], beta F) {
	n := s.shard.Active[t]
	switch {
	case !r.before:
		to = s.at(b, d.d[r.node], t)
	case t > b.lo:
		to, first = s.at(b, d.d[r.node], t-1).RowRange(0, n), false
	default:
		to = d.carry[r.node].RowRange(0, n)
	}
	if !first {
		beta = 1
	}
	return columns(to, r.lo, r.hi), beta
}

// fromBlockAfter begins the derivatives of carried nodes of block k, of which the topmost one's hold what comes from the outputs: with
// zeros or structural damping, and at the last time-step with what the block after leaves, unless it begins a window.
func (s *sweep[F]) fromBlockAfter(k int, d *derivatives[F], damp damping[F]) {
	b := &s.blocks[k]
	for i := range s.cell.nodes {
		if !s.cell.nodes[i].carried() {
			continue
		}
		if i != s.cell.top {
			s.s.Fill(s.ofNode(b, d.d, i), 0)
			if s.adds(damp, i) {
				s.s.AddMat(s.ofNode(b, d.d, i), damp.mu, s.inside(b, damp.r, i))
			}
		}
		if k+1 < len(s.blocks) && !s.severed(k+1) {
			n := s.blocks[k+1].enter
			s.s.AddMat(s.at(b, d.d[i], b.hi-1).RowRange(0, n), 1, d.carry[i].RowRange(0, n))
		}
	}
}

// toInitialValues adds what a backward sweep leaves at the first block, summed over columns, to g.
func (s *sweep[F]) toInitialValues(d *derivatives[F], g params[F]) {
	for i := range s.cell.nodes {
		if s.cell.nodes[i].carried() {
			s.s.AddSumOfRows(g.initial[i], d.carry[i].RowRange(0, s.blocks[0].enter))
		}
	}
}

// at returns the rows of time-step t in a matrix of a block's rows without entering rows.
func (s *sweep[F]) at(b *block, m accel.Mat[F], t int) accel.Mat[F] {
	return m.RowRange(s.shard.Offset[t]-b.row[0], s.shard.Offset[t+1]-b.row[0])
}

// adds reports whether structural damping adds to the derivative of the value of node i.
func (s *sweep[F]) adds(damp damping[F], i int) bool {
	return damp.mu != 0 && s.Distance == nn.SquaredDistance && s.cell.nodes[i].damped
}

// fromOutputs sets dh of a block to what comes from its outputs and from structural damping.
func (s *sweep[F]) fromOutputs(b *block, dz, dh accel.Mat[F], damp damping[F]) {
	damped := s.adds(damp, s.cell.top)
	if damped || s.shard.Form == nn.Last {
		s.s.Fill(dh, 0)
	}
	if damped {
		s.s.AddMat(dh, damp.mu, s.shown(b, damp.r))
	}
	var beta F
	if damped {
		beta = 1
	}
	s.addOutputs(b, dz, s.w.zhDown, beta, dh)
}

// addOutputs sets dh = W_zhᵀ dz + beta dh at rows that have an output, where that is all rows; where it is not, dh gains
// W_zhᵀ dz there and keeps the rest, whatever beta.
func (s *sweep[F]) addOutputs(b *block, dz accel.Mat[F], zh accel.Operand[F], beta F, dh accel.Mat[F]) {
	if s.shard.Form == nn.Each {
		s.s.MulPrepared(dz, zh, beta, dh)
		return
	}
	if outputRows(b) == 0 {
		return
	}
	dlast := s.dlast.RowRange(0, outputRows(b))
	s.s.MulPrepared(dz, zh, 0, dlast)
	for _, l := range b.lastRows {
		s.s.AddMat(dh.RowRange(l.from-b.enter, l.from-b.enter+l.n), 1, dlast.RowRange(l.to, l.to+l.n))
	}
}
