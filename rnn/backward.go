package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// derivatives are the buffers of a backward sweep: those of the block it is at, and what it carries to the block before.
type derivatives[F accel.Float] struct {
	d     accel.Mat[F] // dL/da of the rows of a block
	carry accel.Mat[F] // the same at the first time-step of the block after
}

func (s *sweep[F]) carveDerivatives(a *nn.Arena[F]) derivatives[F] {
	return derivatives[F]{
		d:     a.Mat(s.largest((*block).rows), s.Hidden),
		carry: a.Mat(s.shard.Active[0], s.Hidden),
	}
}

// damping is the structural damping that a backward sweep folds in (section 8.4).
type damping[F accel.Float] struct {
	mu F
	rh accel.Mat[F] // the strip of R{h} of the block, each row scaled by the weight of its sequence
}

// backward turns dz, the derivatives with respect to W_zh h + b_z of a block's output rows, into d.d = dL/da of the block's
// rows, and adds the block's share of dW to g:
//
//	dh_τ = W_zhᵀ dz_τ + W_hhᵀ da_τ₊₁,   da_τ = s′(a_τ) dh_τ
//
// With structural damping, dh_τ gains mu R{h_τ} (squared distance) or da_τ gains mu R{h_τ}: for the cross-entropy
// distance, whose curvature with respect to a is s′, that is mu s′ R{a_τ}.
func (s *sweep[F]) backward(k int, h, dz accel.Mat[F], d *derivatives[F], damp damping[F], g params[F]) {
	b := &s.blocks[k]
	da := d.d.RowRange(0, b.rows())
	s.fromOutputs(b, dz, da, damp)
	for t := b.hi - 1; t >= b.lo; t-- {
		dt := s.at(b, da, t)
		if n := activeAt(s.shard.Active, t+1); n > 0 {
			next := d.carry
			if t+1 < b.hi {
				next = s.at(b, da, t+1)
			}
			s.s.MulPrepared(next.RowRange(0, n), s.w.hh, 1, dt.RowRange(0, n))
		}
		s.s.MulDerivative(s.Activation, dt, step(b, h, t, dt.Rows))
		if damp.mu != 0 && s.Distance == nn.CrossEntropyDistance {
			s.s.AddMat(dt, damp.mu, step(b, damp.rh, t, dt.Rows))
		}
	}
	s.s.CopyMat(d.carry.RowRange(0, b.enter), s.at(b, da, b.lo))
	s.accumulate(b, h, da, dz, g)
	if k == 0 {
		s.toInitialState(d.carry, da.RowRange(0, b.enter), s.w, g.h0)
	}
}

// at returns the rows of time-step t in a matrix of a block's rows without the entering state.
func (s *sweep[F]) at(b *block, m accel.Mat[F], t int) accel.Mat[F] {
	return m.RowRange(s.shard.Offset[t]-b.row[0], s.shard.Offset[t+1]-b.row[0])
}

// fromOutputs sets dh of a block to what comes from its outputs and from structural damping.
func (s *sweep[F]) fromOutputs(b *block, dz, dh accel.Mat[F], damp damping[F]) {
	damped := damp.mu != 0 && s.Distance == nn.SquaredDistance
	if damped || s.shard.Form == nn.Last {
		s.s.Fill(dh, 0)
	}
	if damped {
		s.s.AddMat(dh, damp.mu, inner(b, damp.rh))
	}
	var beta F
	if damped {
		beta = 1
	}
	s.addOutputs(b, dz, s.w.zh, beta, dh)
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

// accumulate adds what a block gives to dW and db.
func (s *sweep[F]) accumulate(b *block, h, da, dz accel.Mat[F], g params[F]) {
	s.accumulateRecurrent(b, h, da, g)
	s.accumulateInputs(b, da, g)
	s.accumulateOutputs(b, h, dz, g)
}

func (s *sweep[F]) accumulateRecurrent(b *block, h, da accel.Mat[F], g params[F]) {
	for _, l := range b.links {
		d := da.RowRange(l.to-b.enter, l.to-b.enter+l.n)
		s.s.GEMM(true, false, 1, d, h.RowRange(l.from, l.from+l.n), 1, g.hh)
	}
}

func (s *sweep[F]) accumulateInputs(b *block, da accel.Mat[F], g params[F]) {
	lo, hi := b.row[0], b.row[1]
	if s.shard.Sparse != nil {
		s.s.ScatterColumns(s.shard.Sparse.RowRange(lo, hi), da, g.xh)
	} else {
		s.s.GEMM(true, false, 1, da, s.shard.X.RowRange(lo, hi), 1, g.xh)
	}
	if g.bh.V != nil {
		s.s.AddSumOfRows(g.bh, da)
	}
}

func (s *sweep[F]) accumulateOutputs(b *block, h, dz accel.Mat[F], g params[F]) {
	if outputRows(b) == 0 {
		return
	}
	s.s.GEMM(true, false, 1, dz, s.withOutput(b, h, s.last), 1, g.zh)
	if g.bz.V != nil {
		s.s.AddSumOfRows(g.bz, dz)
	}
}

// toInitialState adds Σ W_hhᵀ da₁ over the columns to g, using buffer, which has as many rows as da.
func (s *sweep[F]) toInitialState(buffer, da accel.Mat[F], w *operands[F], g accel.Mat[F]) {
	buffer = buffer.RowRange(0, da.Rows)
	s.s.MulPrepared(da, w.hh, 0, buffer)
	s.s.AddSumOfRows(g, buffer)
}
