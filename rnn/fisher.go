package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// fisher is what a shard needs for the diagonal of the empirical Fisher matrix, Σᵢ (∇fᵢ)² (section 11.3). The gradient of a
// sequence is a sum over its time-steps and must be whole before it is squared, so the derivatives of all time-steps are
// kept, and each sequence's rows are then gathered for one product of its own: the work of dW once more.
type fisher[F accel.Float] struct {
	da  []accel.Mat[F] // dL/da of all rows, by block
	sum accel.Mat[F]   // 1 × n
	g   accel.Mat[F]   // ∇fᵢ, 1 × n
	h   accel.Mat[F]   // h_0, h_1 … of a sequence
	d   accel.Mat[F]   // its dL/da
	dz  accel.Mat[F]   // its dL/dz
	x   accel.Mat[F]   // its inputs, where they are dense
}

func (s *sweep[F]) carveFisher(a *nn.Arena[F]) fisher[F] {
	f := fisher[F]{da: make([]accel.Mat[F], len(s.blocks))}
	for k := range s.blocks {
		f.da[k] = a.Mat(s.blocks[k].rows(), s.Hidden)
	}
	steps := s.shard.Steps()
	f.sum, f.g = a.Mat(1, s.layout.Len()), a.Mat(1, s.layout.Len())
	f.h, f.d, f.dz = a.Mat(steps+1, s.Hidden), a.Mat(steps, s.Hidden), a.Mat(steps, s.Out)
	if s.shard.Sparse == nil {
		f.x = a.Mat(steps, s.In)
	}
	return f
}

// addFisher adds (∇fᵢ)² of each sequence of the shard to g.fisher.sum, after a backward sweep.
func (g *gradientSweep[F]) addFisher(ctx context.Context) error {
	f := &g.fisher
	g.s.Fill(f.sum, 0)
	of := g.params(rowVector(f.g))
	for j := range g.shard.Column {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		g.s.Fill(f.g, 0)
		g.gatherSequence(j)
		g.sequenceGradient(j, of)
		g.s.AddSquares(f.sum, 1, f.g)
	}
	return nil
}

// gatherSequence copies the rows of column j, which lie apart by as many rows as columns are alive, one below the other.
func (g *gradientSweep[F]) gatherSequence(j int) {
	f := &g.fisher
	g.s.CopyMat(f.h.RowRange(0, 1), g.in(g.h, 0).RowRange(j, j+1))
	for k := range g.blocks {
		b := &g.blocks[k]
		for t := b.lo; t < min(b.hi, g.shard.Lengths[j]); {
			end := g.sameWidth(t, min(b.hi, g.shard.Lengths[j]))
			n, from := end-t, g.shard.Offset[t]-b.row[0]+j
			width := g.shard.Active[t]
			g.s.CopyMat(f.d.RowRange(t, end), strided(f.da[k], from, n, width))
			g.s.CopyMat(f.h.RowRange(t+1, end+1), strided(g.in(g.h, k), from+b.enter, n, width))
			if g.shard.Sparse == nil {
				g.s.CopyMat(f.x.RowRange(t, end), strided(g.shard.X, g.shard.Offset[t]+j, n, width))
			}
			if g.shard.Form == nn.Each {
				g.s.CopyMat(f.dz.RowRange(t, end), strided(g.kept.p, g.shard.Offset[t]+j, n, width))
			}
			t = end
		}
	}
	if g.shard.Form == nn.Last {
		g.s.CopyMat(f.dz.RowRange(0, 1), g.kept.p.RowRange(j, j+1))
	}
}

// sameWidth returns the end of the run of time-steps from t on, at most end, at which as many columns are alive as at t.
func (s *sweep[F]) sameWidth(t, end int) int {
	for e := t + 1; e < end; e++ {
		if s.shard.Active[e] != s.shard.Active[t] {
			return e
		}
	}
	return end
}

// strided returns n rows of a dense m: row from and every apart-th after it.
func strided[F accel.Float](m accel.Mat[F], from, n, apart int) accel.Mat[F] {
	return accel.Mat[F]{V: m.V, Off: m.Off + from*m.Stride, Rows: n, Cols: m.Cols, Stride: apart * m.Stride}
}

// sequenceGradient adds ∇fⱼ of the gathered sequence to sum.
func (g *gradientSweep[F]) sequenceGradient(j int, sum params[F]) {
	f, steps := &g.fisher, g.shard.Lengths[j]
	d := f.d.RowRange(0, steps)
	g.s.GEMM(true, false, 1, d, f.h.RowRange(0, steps), 1, sum.hh)
	if g.shard.Sparse == nil {
		g.s.GEMM(true, false, 1, d, f.x.RowRange(0, steps), 1, sum.xh)
	} else {
		for t := range steps {
			r := g.shard.Offset[t] + j
			g.s.ScatterColumns(g.shard.Sparse.RowRange(r, r+1), d.RowRange(t, t+1), sum.xh)
		}
	}
	if sum.bh.V != nil {
		g.s.AddSumOfRows(sum.bh, d)
	}
	g.s.MulPrepared(d.RowRange(0, 1), g.w.hh, 1, sum.h0)
	dz, h := f.dz.RowRange(0, steps), f.h.RowRange(1, steps+1)
	if g.shard.Form == nn.Last {
		dz, h = f.dz.RowRange(0, 1), f.h.RowRange(steps, steps+1)
	}
	g.s.GEMM(true, false, 1, dz, h, 1, sum.zh)
	if sum.bz.V != nil {
		g.s.AddSumOfRows(sum.bz, dz)
	}
}
