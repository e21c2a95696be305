package rnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// fisher is what a shard needs for the diagonal of the empirical Fisher matrix, Σᵢ (∇fᵢ)² (section 11.3). The gradient of a
// sequence is a sum over its time-steps and must be whole before it is squared, so its rows are gathered for products of its own:
// the work of dW once more. Where the derivatives of all time-steps are kept, one sequence comes after the other. Where they are not, a
// backward sweep gathers those of some columns as it passes. Both add up the same spans in the same order, and so give the same bits.
type fisher[F accel.Float] struct {
	da      []strip[F]   // dL/da of all rows, by block, of the nodes that parameters go into; nil where they are not kept
	sum     accel.Mat[F] // 1 × n
	columns []sequence[F]
	first   int // the column of the shard that columns are from
	used    int // how many of columns are at work
}

// A sequence is the gradient of one sequence in the making, its last time-steps first.
type sequence[F accel.Float] struct {
	in  strip[F]     // of a span, h and what else products read; the value before it first, where a node is carried
	d   strip[F]     // its dL/da
	dz  accel.Mat[F] // its dL/dz
	x   accel.Mat[F] // its inputs, where they are dense
	g   accel.Mat[F] // ∇fᵢ so far, 1 × n
	sum params[F]    // the parameters inside it
}

// spanSteps is how many time-steps of a sequence are gathered for one product: enough rows for a fast one.
const spanSteps = 256

// carveFisher carves what keeps the derivatives of all time-steps, and gathers one sequence at a time.
func (s *sweep[F]) carveFisher(a *nn.Arena[F]) fisher[F] {
	f := s.carveGathering(a, 1)
	f.da = make([]strip[F], len(s.blocks))
	for k := range s.blocks {
		f.da[k] = s.carveSome(a, func(i int) bool { return s.cell.nodes[i].learned() }, s.blocks[k].rows(), 0)
	}
	return f
}

// carveGathering carves what gathers so many sequences in a backward sweep.
func (s *sweep[F]) carveGathering(a *nn.Arena[F], columns int) fisher[F] {
	f := fisher[F]{sum: a.Mat(1, s.layout.Len()), columns: make([]sequence[F], columns)}
	for c := range f.columns {
		f.columns[c] = s.carveSequence(a)
	}
	return f
}

func (s *sweep[F]) carveSequence(a *nn.Arena[F]) sequence[F] {
	rows := min(spanSteps, s.shard.Steps())
	q := sequence[F]{g: a.Mat(1, s.layout.Len()), dz: a.Mat(rows, s.Out)}
	q.in = s.carveSome(a, func(i int) bool { return i == s.cell.top || s.cell.read(i) }, rows, 1)
	q.d = s.carveSome(a, func(i int) bool { return s.cell.nodes[i].learned() }, rows, 0)
	if s.shard.Sparse == nil {
		q.x = a.Mat(rows, s.In)
	}
	if q.g.V != nil {
		q.sum = s.params(rowVector(q.g))
	}
	return q
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

// beginFisher prepares a backward sweep for the sum of squares.
func (g *gradientSweep[F]) beginFisher() {
	f := &g.fisher
	if len(f.columns) == 0 {
		return
	}
	if !g.continues {
		g.s.Fill(f.sum, 0)
	}
	if f.da == nil {
		g.begin(f.first)
	}
}

// passFisher keeps dL/da of block k after its backward sweep, or gathers it.
func (g *gradientSweep[F]) passFisher(k int, b *block) {
	switch f := &g.fisher; {
	case f.da != nil:
		for i := range g.cell.nodes {
			if g.cell.nodes[i].learned() {
				g.s.CopyMat(f.da[k][i], g.ofNode(b, g.d, i))
			}
		}
	case len(f.columns) > 0:
		g.gather(k, g.d)
	}
}

// endFisher adds (∇fᵢ)² of each sequence of the shard to g.fisher.sum, or of those that were gathered.
func (g *gradientSweep[F]) endFisher(ctx context.Context) error {
	f := &g.fisher
	if f.da == nil {
		g.square()
		return nil
	}
	for j := range g.shard.Column {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		g.begin(j)
		for k := len(g.blocks) - 1; k >= 0; k-- {
			g.gather(k, f.da[k])
		}
		g.square()
	}
	return nil
}

// begin begins with the gradients of the sequences from column first on, as many as are gathered at once.
func (g *gradientSweep[F]) begin(first int) {
	f := &g.fisher
	f.first, f.used = first, min(len(f.columns), len(g.shard.Column)-first)
	for c := range f.used {
		g.s.Fill(f.columns[c].g, 0)
	}
}

// gather adds block k to the gradients that have begun. Its states are kept, and d is dL/da of its rows.
func (g *gradientSweep[F]) gather(k int, d strip[F]) {
	b := &g.blocks[k]
	for c := range g.fisher.used {
		q, j := &g.fisher.columns[c], g.fisher.first+c
		for end := min(b.hi, g.shard.Lengths[j]); end > b.lo; {
			lo := max(b.lo, (end-1)/spanSteps*spanSteps)
			for t := lo; t < end; {
				to := g.sameWidth(t, end)
				g.gatherRun(k, j, q, d, t, to)
				t = to
			}
			if lo%spanSteps == 0 {
				g.addSpan(k, j, q, lo)
			}
			end = lo
		}
		if k == 0 {
			for i := range g.cell.nodes {
				if g.cell.nodes[i].carried() {
					g.s.AddMat(q.sum.initial[i], 1, g.carry[i].RowRange(j, j+1))
				}
			}
		}
	}
}

// square adds the squares of the gradients, which are whole, to the sum.
func (g *gradientSweep[F]) square() {
	for c := range g.fisher.used {
		g.s.AddSquares(g.fisher.sum, 1, g.fisher.columns[c].g)
	}
}

// gatherRun copies the rows of column j at time-steps t to end, at which equally many columns are alive and which lie apart by as many
// rows as these, one below the other.
func (g *gradientSweep[F]) gatherRun(k, j int, q *sequence[F], d strip[F], t, end int) {
	b := &g.blocks[k]
	n, from, width, at := end-t, g.shard.Offset[t]-b.row[0]+j, g.shard.Active[t], t%spanSteps
	for i := range g.cell.nodes {
		if q.d[i].V != nil {
			g.s.CopyMat(q.d[i].RowRange(at, at+n), strided(d[i], from, n, width))
		}
		if q.in[i].V == nil {
			continue
		}
		to, shown := q.in[i].RowRange(at, at+n), g.inside(b, g.in(g.h, k), i)
		if g.cell.nodes[i].carried() {
			to = q.in[i].RowRange(at+1, at+n+1)
		}
		g.s.CopyMat(to, strided(shown, from, n, width))
	}
	if g.shard.Sparse == nil {
		g.s.CopyMat(q.x.RowRange(at, at+n), strided(g.shard.X, g.shard.Offset[t]+j, n, width))
	}
	if g.shard.Form == nn.Each {
		g.s.CopyMat(q.dz.RowRange(at, at+n), strided(g.kept.p, g.shard.Offset[t]+j, n, width))
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

// addSpan adds the gathered span that begins at time-step lo, which is of block k, to the gradient of column j.
func (g *gradientSweep[F]) addSpan(k, j int, q *sequence[F], lo int) {
	b, steps := &g.blocks[k], min(spanSteps, g.shard.Lengths[j]-lo)
	for i := range g.cell.nodes {
		if q.in[i].V != nil && g.cell.nodes[i].carried() {
			g.s.CopyMat(q.in[i].RowRange(0, 1), step(b, g.in(g.h, k)[i], lo-1, j+1).RowRange(j, j+1))
		}
	}
	for i := range g.cell.nodes {
		if g.cell.nodes[i].learned() {
			g.addNode(i, j, q, lo, steps)
		}
	}
	dz, h := q.dz.RowRange(0, steps), g.gathered(q, g.cell.top, false, steps)
	if g.shard.Form == nn.Last {
		if lo+steps < g.shard.Lengths[j] {
			return
		}
		dz, h = q.dz.RowRange(0, 1), h.RowRange(steps-1, steps)
		g.s.CopyMat(dz, g.kept.p.RowRange(j, j+1))
	}
	g.s.GEMM(true, false, 1, dz, h, 1, q.sum.zh)
	if q.sum.bz.V != nil {
		g.s.AddSumOfRows(q.sum.bz, dz)
	}
}

// gathered returns the gathered values of node i, or those of the time-step before each.
func (g *gradientSweep[F]) gathered(q *sequence[F], i int, before bool, steps int) accel.Mat[F] {
	if g.cell.nodes[i].carried() && !before {
		return q.in[i].RowRange(1, steps+1)
	}
	return q.in[i].RowRange(0, steps)
}

// addNode adds what belongs to the parameters of node i.
func (g *gradientSweep[F]) addNode(i, j int, q *sequence[F], lo, steps int) {
	node, d := &g.cell.nodes[i], q.d[i].RowRange(0, steps)
	for _, p := range node.products {
		switch {
		case !p.in.isInput():
			in := g.gathered(q, p.in.node, p.in.before, steps)
			g.s.GEMM(true, false, 1, d, columns(in, p.in.lo, p.in.hi), 1, q.sum.w[p.index])
		case g.shard.Sparse == nil:
			g.s.GEMM(true, false, 1, d, q.x.RowRange(0, steps), 1, q.sum.w[p.index])
		default:
			for t := range steps {
				r := g.shard.Offset[lo+t] + j
				g.s.ScatterColumns(g.shard.Sparse.RowRange(r, r+1), d.RowRange(t, t+1), q.sum.w[p.index])
			}
		}
	}
	for _, b := range node.biases {
		g.s.AddSumOfRows(q.sum.b[b.index], d)
	}
}
