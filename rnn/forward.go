package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// enter sets the entering state of block k in strip h: h_0, or the last states of the block before, whose strip is before.
// It also serves the R-operator, whose states enter the same way.
func (s *sweep[F]) enter(k int, strip, before, h0 accel.Mat[F]) {
	b := &s.blocks[k]
	into := strip.RowRange(0, b.enter)
	if k == 0 {
		s.s.Fill(into, 0)
		s.s.AddRow(into, h0)
		return
	}
	prev := &s.blocks[k-1]
	s.s.CopyMat(into, step(prev, before, prev.hi-1, b.enter))
}

// forward computes the states of a block, h_τ = s(W_xh x_τ + W_hh h_τ₋₁ + b_h), from the entering state in its strip.
func (s *sweep[F]) forward(b *block, h accel.Mat[F]) {
	s.fromInputs(b, s.w, inner(b, h))
	for t := b.lo; t < b.hi; t++ {
		n := s.shard.Active[t]
		a := step(b, h, t, n)
		s.s.MulPrepared(step(b, h, t-1, n), s.w.hhT, 1, a)
		s.s.Activate(s.Activation, a)
	}
}

// fromInputs sets a = X W_xhᵀ + b_h for the rows of a block, the weights being those of w: θ or v.
func (s *sweep[F]) fromInputs(b *block, w *operands[F], a accel.Mat[F]) {
	lo, hi := b.row[0], b.row[1]
	if s.shard.Sparse != nil {
		s.s.Fill(a, 0)
		s.s.GatherColumns(s.shard.Sparse.RowRange(lo, hi), w.xh, a)
	} else {
		s.s.MulPrepared(s.shard.X.RowRange(lo, hi), w.xhT, 0, a)
	}
	if w.bh.V != nil {
		s.s.AddRow(a, w.bh)
	}
}

// withOutput returns the rows of a strip that have an output: all, or those of last time-steps, gathered in buffer.
func (s *sweep[F]) withOutput(b *block, strip, buffer accel.Mat[F]) accel.Mat[F] {
	if s.shard.Form == nn.Each {
		return inner(b, strip)
	}
	for _, l := range b.lastRows {
		s.s.CopyMat(buffer.RowRange(l.to, l.to+l.n), strip.RowRange(l.from, l.from+l.n))
	}
	return buffer.RowRange(0, outputRows(b))
}

// outputs sets z = s_z(W_zh h + b_z) for the output rows of a block. A block may have none.
func (s *sweep[F]) outputs(b *block, h, z accel.Mat[F]) {
	if outputRows(b) == 0 {
		return
	}
	s.s.MulPrepared(s.withOutput(b, h, s.last), s.w.zhT, 0, z)
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
