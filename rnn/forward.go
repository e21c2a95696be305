package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// enter sets the entering values of the carried nodes of block k in st: their initial values, or the last ones of the block
// before, whose strip is before.
func (s *sweep[F]) enter(k int, st, before strip[F], initial []accel.Mat[F]) {
	b := &s.blocks[k]
	for i := range s.cell.nodes {
		if !s.cell.nodes[i].carried() {
			continue
		}
		into := st[i].RowRange(0, b.enter)
		if k == 0 {
			s.s.Fill(into, 0)
			s.s.AddRow(into, initial[i])
			continue
		}
		prev := &s.blocks[k-1]
		s.s.CopyMat(into, step(prev, before[i], prev.hi-1, b.enter))
	}
}

// enterR is enter for the R-operator. R{} of what enters a window is zero: what is carried into it counts as given.
func (s *sweep[F]) enterR(k int, r, before strip[F], initial []accel.Mat[F]) {
	if !s.severed(k) {
		s.enter(k, r, before, initial)
		return
	}
	for i := range s.cell.nodes {
		if s.cell.nodes[i].carried() {
			s.s.Fill(r[i].RowRange(0, s.blocks[k].enter), 0)
		}
	}
}

// severed reports whether block k begins a window, the first one excepted.
func (s *sweep[F]) severed(k int) bool {
	return s.Window > 0 && k > 0 && k < len(s.blocks) && s.blocks[k].lo%s.Window == 0
}

// forward computes the values of all nodes of a block from the entering ones in its strip, layer by layer.
func (s *sweep[F]) forward(b *block, st strip[F]) {
	if r, can := s.s.(accel.Reducer); can { // h is computed exactly, also where it is computed again for a product that need not be
		defer r.Reduce(r.Reduce(false))
	}
	s.fromInputs(b, s.w, st)
	for _, l := range s.cell.layers {
		s.fromBelow(b, l, st, false)
		if !l.recurrent {
			s.activate(&s.cell.nodes[l.lo], s.inside(b, st, l.lo))
			continue
		}
		if s.wholeForward(b, l, st) {
			continue
		}
		for t := b.lo; t < b.hi; t++ {
			for i := l.lo; i < l.hi; i++ {
				s.forwardNode(b, st, i, t)
			}
		}
	}
}

// forwardNode computes the values of node i of a recurrent layer at time-step t.
func (s *sweep[F]) forwardNode(b *block, st strip[F], i, t int) {
	node, n := &s.cell.nodes[i], s.shard.Active[t]
	a := s.value(b, st, i, t, n)
	var beta F
	if node.started() {
		beta = 1
	}
	for j := range node.products {
		if p := &node.products[j]; !p.hoisted() {
			s.s.MulPrepared(s.read(b, st, p.in, t, n), s.w.up[p.index], beta, a)
			beta = 1
		}
	}
	for j := range node.terms {
		m := &node.terms[j]
		if p := s.read(b, st, m.p, t, n); m.alone {
			s.addOrSet(beta, a, p)
		} else {
			s.s.Hadamard(F(m.alpha), p, s.read(b, st, m.q, t, n), beta, a)
		}
		beta = 1
	}
	s.activate(node, a)
}

// activate replaces a of a node's units by s(a).
func (s *sweep[F]) activate(node *node, a accel.Mat[F]) {
	for _, act := range node.acts {
		s.s.Activate(act.act, columns(a, act.lo, act.hi))
	}
}

// fromBelow adds Σ W in of what a layer reads of the one below to a of its nodes, for all rows of a block, or sets it where nothing
// has gone into a node yet: with again, something has.
func (s *sweep[F]) fromBelow(b *block, l layer, st strip[F], again bool) {
	for i := l.lo; i < l.hi; i++ {
		node := &s.cell.nodes[i]
		var beta F
		if again || node.fed() {
			beta = 1
		}
		for j := range node.products {
			if p := &node.products[j]; p.below {
				s.s.MulPrepared(s.inside(b, st, p.in.node), s.w.up[p.index], beta, s.inside(b, st, i))
				beta = 1
			}
		}
	}
}

// addOrSet sets to = from + beta·to for a beta of 0 or 1.
func (s *sweep[F]) addOrSet(beta F, to, from accel.Mat[F]) {
	if beta == 0 {
		s.s.CopyMat(to, from)
	} else {
		s.s.AddMat(to, 1, from)
	}
}

// fromInputs sets the nodes that inputs or biases go into to a = Σ W x + Σ b for the rows of a block, the parameters being those
// of w: θ or v.
func (s *sweep[F]) fromInputs(b *block, w *operands[F], st strip[F]) {
	lo, hi := b.row[0], b.row[1]
	for i := range s.cell.nodes {
		node := &s.cell.nodes[i]
		a, set := s.inside(b, st, i), false
		for j := range node.products {
			p := &node.products[j]
			switch {
			case !p.in.isInput():
			case s.shard.Sparse != nil:
				s.s.Fill(a, 0)
				s.s.GatherColumns(s.shard.Sparse.RowRange(lo, hi), w.w[p.index], a)
				set = true
			default:
				s.s.MulPrepared(s.shard.X.RowRange(lo, hi), w.up[p.index], 0, a)
				set = true
			}
		}
		for j := range node.biases {
			if !set {
				s.s.Fill(a, 0)
				set = true
			}
			s.s.AddRow(a, w.b[node.biases[j].index])
		}
	}
}

// withOutput returns the rows of what outputs read that have an output: all, or those of last time-steps, gathered in buffer.
func (s *sweep[F]) withOutput(b *block, st strip[F], buffer accel.Mat[F]) accel.Mat[F] {
	h := s.shown(b, st)
	if s.shard.Form == nn.Each {
		return h
	}
	for _, l := range b.lastRows {
		s.s.CopyMat(buffer.RowRange(l.to, l.to+l.n), h.RowRange(l.from-b.enter, l.from-b.enter+l.n))
	}
	return buffer.RowRange(0, outputRows(b))
}

// outputs sets z = s_z(W_zh h + b_z) for the output rows of a block. A block may have none.
func (s *sweep[F]) outputs(b *block, st strip[F], z accel.Mat[F]) {
	if outputRows(b) == 0 {
		return
	}
	s.s.MulPrepared(s.withOutput(b, st, s.last), s.w.zhUp, 0, z)
	if s.w.bz.V != nil {
		s.s.AddRow(z, s.w.bz)
	}
	if s.OutputActivation != accel.Linear {
		s.s.Activate(s.OutputActivation, z)
	}
}

// losses adds wᵢ L of the output rows of a block to the sums of their columns.
func (s *sweep[F]) losses(b *block, z accel.Mat[F], sums []float64) {
	lo, hi := b.out[0], b.out[1]
	if lo == hi {
		return
	}
	s.s.LossSums(s.Config.Loss, z, s.shard.Targets.RowRange(lo, hi), s.shard.Owner[lo:hi], sums)
}
