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
	da  []strip[F]   // dL/da of all rows, by block, of the nodes that parameters go into
	sum accel.Mat[F] // 1 × n
	g   accel.Mat[F] // ∇fᵢ, 1 × n
	in  strip[F]     // of a sequence, h and what else products read; the initial value first, where a node is carried
	d   strip[F]     // its dL/da
	dz  accel.Mat[F] // its dL/dz
	x   accel.Mat[F] // its inputs, where they are dense
}

func (s *sweep[F]) carveFisher(a *nn.Arena[F]) fisher[F] {
	f := fisher[F]{da: make([]strip[F], len(s.blocks))}
	for k := range s.blocks {
		f.da[k] = s.carveSome(a, func(i int) bool { return s.cell.nodes[i].learned() }, s.blocks[k].rows(), 0)
	}
	steps := s.shard.Steps()
	f.sum, f.g = a.Mat(1, s.layout.Len()), a.Mat(1, s.layout.Len())
	f.in = s.carveSome(a, func(i int) bool { return i == s.cell.top || s.cell.read(i) }, steps, 1)
	f.d = s.carveSome(a, func(i int) bool { return s.cell.nodes[i].learned() }, steps, 0)
	f.dz = a.Mat(steps, s.Out)
	if s.shard.Sparse == nil {
		f.x = a.Mat(steps, s.In)
	}
	return f
}

// carveSome carves a matrix of the given rows for each node that is wanted, with more of them where it is carried.
func (s *sweep[F]) carveSome(a *nn.Arena[F], wanted func(i int) bool, rows, more int) strip[F] {
	st := make(strip[F], len(s.cell.nodes))
	for i := range st {
		switch {
		case !wanted(i):
		case s.cell.nodes[i].carried():
			st[i] = a.Mat(rows+more, s.cell.nodes[i].width)
		default:
			st[i] = a.Mat(rows, s.cell.nodes[i].width)
		}
	}
	return st
}

// keepDerivatives keeps dL/da of block b after its backward sweep.
func (g *gradientSweep[F]) keepDerivatives(k int, b *block) {
	for i := range g.cell.nodes {
		if g.cell.nodes[i].learned() {
			g.s.CopyMat(g.fisher.da[k][i], g.ofNode(b, g.d, i))
		}
	}
}

// addFisher adds (∇fᵢ)² of each sequence of the shard to g.fisher.sum, after a backward sweep.
func (g *gradientSweep[F]) addFisher(ctx context.Context) error {
	f := &g.fisher
	if !g.continues {
		g.s.Fill(f.sum, 0)
	}
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
	for i := range g.cell.nodes {
		if f.in[i].V != nil && g.cell.nodes[i].carried() {
			g.s.CopyMat(f.in[i].RowRange(0, 1), g.in(g.h, 0)[i].RowRange(j, j+1))
		}
	}
	for k := range g.blocks {
		b := &g.blocks[k]
		for t := b.lo; t < min(b.hi, g.shard.Lengths[j]); {
			end := g.sameWidth(t, min(b.hi, g.shard.Lengths[j]))
			g.gatherRun(k, j, t, end)
			t = end
		}
	}
	if g.shard.Form == nn.Last {
		g.s.CopyMat(f.dz.RowRange(0, 1), g.kept.p.RowRange(j, j+1))
	}
}

// gatherRun copies the rows of column j at time-steps t to end, at which equally many columns are alive.
func (g *gradientSweep[F]) gatherRun(k, j, t, end int) {
	f, b := &g.fisher, &g.blocks[k]
	n, from, width := end-t, g.shard.Offset[t]-b.row[0]+j, g.shard.Active[t]
	for i := range g.cell.nodes {
		if f.d[i].V != nil {
			g.s.CopyMat(f.d[i].RowRange(t, end), strided(f.da[k][i], from, n, width))
		}
		if f.in[i].V == nil {
			continue
		}
		to, shown := f.in[i].RowRange(t, end), g.inside(b, g.in(g.h, k), i)
		if g.cell.nodes[i].carried() {
			to = f.in[i].RowRange(t+1, end+1)
		}
		g.s.CopyMat(to, strided(shown, from, n, width))
	}
	if g.shard.Sparse == nil {
		g.s.CopyMat(f.x.RowRange(t, end), strided(g.shard.X, g.shard.Offset[t]+j, n, width))
	}
	if g.shard.Form == nn.Each {
		g.s.CopyMat(f.dz.RowRange(t, end), strided(g.kept.p, g.shard.Offset[t]+j, n, width))
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
	for i := range g.cell.nodes {
		g.sequenceNode(i, j, sum)
	}
	dz, h := f.dz.RowRange(0, steps), f.in[g.cell.top].RowRange(0, steps)
	if g.cell.nodes[g.cell.top].carried() {
		h = f.in[g.cell.top].RowRange(1, steps+1)
	}
	if g.shard.Form == nn.Last {
		dz, h = f.dz.RowRange(0, 1), h.RowRange(steps-1, steps)
	}
	g.s.GEMM(true, false, 1, dz, h, 1, sum.zh)
	if sum.bz.V != nil {
		g.s.AddSumOfRows(sum.bz, dz)
	}
}

// sequenceNode adds what belongs to the parameters of node i.
func (g *gradientSweep[F]) sequenceNode(i, j int, sum params[F]) {
	f, node, steps := &g.fisher, &g.cell.nodes[i], g.shard.Lengths[j]
	if node.carried() {
		g.s.AddMat(sum.initial[i], 1, g.carry[i].RowRange(j, j+1))
	}
	if !node.learned() {
		return
	}
	d := f.d[i].RowRange(0, steps)
	for _, p := range node.products {
		switch {
		case !p.in.isInput():
			in := f.in[p.in.node].RowRange(0, steps)
			if !p.in.before && g.cell.nodes[p.in.node].carried() {
				in = f.in[p.in.node].RowRange(1, steps+1)
			}
			g.s.GEMM(true, false, 1, d, columns(in, p.in.lo, p.in.hi), 1, sum.w[p.index])
		case g.shard.Sparse == nil:
			g.s.GEMM(true, false, 1, d, f.x.RowRange(0, steps), 1, sum.w[p.index])
		default:
			for t := range steps {
				r := g.shard.Offset[t] + j
				g.s.ScatterColumns(g.shard.Sparse.RowRange(r, r+1), d.RowRange(t, t+1), sum.w[p.index])
			}
		}
	}
	for _, b := range node.biases {
		g.s.AddSumOfRows(sum.b[b.index], d)
	}
}
