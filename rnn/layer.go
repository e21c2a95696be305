package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// whole has the stream run a recurrent layer over all time-steps of a block at once, where it can, and reports whether it did. st are
// the values of the forward sweep; fill adds what else belongs to the sweep to each node.
func (s *sweep[F]) whole(b *block, l layer, d accel.Direction, mu F, fill func(i int, to *accel.LayerNode[F])) bool {
	stream, can := s.s.(accel.Sweeper[F])
	if !can || s.stepwise {
		return false
	}
	all := accel.Layer[F]{Direction: d, Offset: b.offset, Nodes: make([]accel.LayerNode[F], l.hi-l.lo), Mu: mu}
	for i := l.lo; i < l.hi; i++ {
		s.describe(&s.cell.nodes[i], l, d, &all.Nodes[i-l.lo])
		fill(i, &all.Nodes[i-l.lo])
	}
	done := stream.Sweep(&all)
	if done && s.swept != nil {
		s.swept.Store(true)
	}
	return done
}

// describe says what a node of a layer computes.
func (s *sweep[F]) describe(node *node, l layer, d accel.Direction, to *accel.LayerNode[F]) {
	to.Width, to.Carried = node.width, node.carried()
	switch d {
	case accel.Forward:
		to.Started = node.started()
	case accel.ForwardR:
		to.Started = node.learned()
	default:
		to.Started = node.carried()
	}
	for _, a := range node.acts {
		to.Acts = append(to.Acts, accel.LayerAct{Act: a.act, Lo: a.lo, Hi: a.hi})
	}
	within := func(r ref) accel.LayerRef {
		return accel.LayerRef{Node: r.node - l.lo, Lo: r.lo, Hi: r.hi, Before: r.before}
	}
	for _, p := range node.products {
		if p.hoisted() {
			continue
		}
		w := s.w.up[p.index]
		if d == accel.Backward {
			w = s.w.down[p.index]
		}
		to.Products = append(to.Products, accel.LayerProduct[F]{W: w, In: within(p.in), First: p.first})
	}
	for _, t := range node.terms {
		m := accel.LayerTerm[F]{Alpha: t.alpha, P: within(t.p), Alone: t.alone, FirstP: t.firstP, FirstQ: t.firstQ}
		if !t.alone {
			m.Q = within(t.q)
		}
		to.Terms = append(to.Terms, m)
	}
}

// wholeForward is whole for a forward sweep.
func (s *sweep[F]) wholeForward(b *block, l layer, st strip[F]) bool {
	return s.whole(b, l, accel.Forward, 0, func(i int, to *accel.LayerNode[F]) { to.V = st[i] })
}

// wholeForwardR is whole for the R-operator.
func (s *sweep[F]) wholeForwardR(b *block, l layer, st, r, ra strip[F]) bool {
	return s.whole(b, l, accel.ForwardR, 0, func(i int, to *accel.LayerNode[F]) {
		to.V, to.Given = r[i], st[i]
		if ra != nil && s.cell.nodes[i].curved() {
			to.Kept = ra[i]
		}
	})
}

// wholeBackward is whole for a backward sweep.
func (s *sweep[F]) wholeBackward(b *block, l layer, st strip[F], d *derivatives[F], damp damping[F]) bool {
	return s.whole(b, l, accel.Backward, damp.mu, func(i int, to *accel.LayerNode[F]) {
		to.V, to.Given, to.Carry = d.d[i], st[i], d.carry[i]
		if s.cell.nodes[i].damped && damp.mu != 0 && s.Distance == nn.CrossEntropyDistance {
			to.Damped = damp.r[i]
		}
	})
}
