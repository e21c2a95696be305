package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// enter sets the entering values of the carried nodes of block k in st: their initial values, or the last ones of the block
// before, whose strip is before. It also serves the R-operator, whose values enter the same way.
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

// forward computes the values of all nodes of a block from the entering ones in its strip.
func (s *sweep[F]) forward(b *block, st strip[F]) {
	s.fromInputs(b, s.w, st)
	for t := b.lo; t < b.hi; t++ {
		n := s.shard.Active[t]
		for i := range s.cell.nodes {
			node := &s.cell.nodes[i]
			a := s.value(b, st, i, t, n)
			var beta F
			if node.started() {
				beta = 1
			}
			for j := range node.products {
				if p := &node.products[j]; !p.in.isInput() {
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
			for _, act := range node.acts {
				s.s.Activate(act.act, columns(a, act.lo, act.hi))
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

// withOutput returns the rows of h that have an output: all, or those of last time-steps, gathered in buffer.
func (s *sweep[F]) withOutput(b *block, h, buffer accel.Mat[F]) accel.Mat[F] {
	if s.shard.Form == nn.Each {
		return inner(b, h)
	}
	for _, l := range b.lastRows {
		s.s.CopyMat(buffer.RowRange(l.to, l.to+l.n), h.RowRange(l.from, l.from+l.n))
	}
	return buffer.RowRange(0, outputRows(b))
}

// outputs sets z = s_z(W_zh h + b_z) for the output rows of a block. A block may have none.
func (s *sweep[F]) outputs(b *block, st strip[F], z accel.Mat[F]) {
	if outputRows(b) == 0 {
		return
	}
	s.s.MulPrepared(s.withOutput(b, s.hiddenOf(st), s.last), s.w.zhUp, 0, z)
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
