package rnn

import "curvestream/accel"

// accumulate adds what a block gives to dW and db, d being dL/da.
func (s *sweep[F]) accumulate(b *block, st, d strip[F], dz accel.Mat[F], g params[F]) {
	s.accumulateStates(b, st, d, g)
	s.accumulateInputs(b, d, g)
	s.accumulateOutputs(b, st, dz, g)
}

// accumulateStates adds Σ da inᵀ of the products that read nodes.
func (s *sweep[F]) accumulateStates(b *block, st, d strip[F], g params[F]) {
	for i := range s.cell.nodes {
		node := &s.cell.nodes[i]
		for j := range node.products {
			p := &node.products[j]
			switch {
			case p.in.isInput():
			case p.in.before:
				for _, l := range b.links {
					da := d[i].RowRange(l.to-b.enter, l.to-b.enter+l.n)
					s.s.GEMM(true, false, 1, da, columns(st[p.in.node].RowRange(l.from, l.from+l.n), p.in.lo, p.in.hi), 1, g.w[p.index])
				}
			default:
				in := columns(s.inside(b, st, p.in.node), p.in.lo, p.in.hi)
				s.s.GEMM(true, false, 1, s.ofNode(b, d, i), in, 1, g.w[p.index])
			}
		}
	}
}

// accumulateInputs adds Σ da xᵀ and Σ da.
func (s *sweep[F]) accumulateInputs(b *block, d strip[F], g params[F]) {
	lo, hi := b.row[0], b.row[1]
	for i := range s.cell.nodes {
		node := &s.cell.nodes[i]
		da := s.ofNode(b, d, i)
		for j := range node.products {
			p := &node.products[j]
			switch {
			case !p.in.isInput():
			case s.shard.Sparse != nil:
				s.s.ScatterColumns(s.shard.Sparse.RowRange(lo, hi), da, g.w[p.index])
			default:
				s.s.GEMM(true, false, 1, da, s.shard.X.RowRange(lo, hi), 1, g.w[p.index])
			}
		}
		for j := range node.biases {
			s.s.AddSumOfRows(g.b[node.biases[j].index], da)
		}
	}
}

// accumulateOutputs adds Σ dz hᵀ and Σ dz.
func (s *sweep[F]) accumulateOutputs(b *block, st strip[F], dz accel.Mat[F], g params[F]) {
	if outputRows(b) == 0 {
		return
	}
	s.s.GEMM(true, false, 1, dz, s.withOutput(b, st, s.last), 1, g.zh)
	if g.bz.V != nil {
		s.s.AddSumOfRows(g.bz, dz)
	}
}
