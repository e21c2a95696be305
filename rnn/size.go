package rnn

import (
	"unsafe"

	"curvestream/accel"
	"curvestream/nn"
)

// Flops returns how many floating point operations the matrix products of one product G v on b are, a multiplication and an
// addition being two: for each time-step 8 for each recurrent weight, itself and its like in v, forward and backward; 4 for each
// input that is not zero and each unit that it goes to; and 8 m times what outputs read for each output row.
func (n *Net[F]) Flops(b *nn.Batch[F]) float64 {
	inputs := float64(b.Rows() * n.In)
	if b.Sparse != nil {
		inputs = float64(len(b.Sparse.Col))
	}
	sum := 8 * float64(n.cell.shownWidth()) * float64(n.Out) * float64(b.OutputRows())
	for i := range n.cell.nodes {
		for _, p := range n.cell.nodes[i].products {
			if p.in.isInput() {
				sum += 4 * float64(p.hi-p.lo) * inputs
			} else {
				sum += 8 * float64(p.hi-p.lo) * float64(p.in.hi-p.in.lo) * float64(b.Rows())
			}
		}
	}
	return sum
}

// Bytes returns how many bytes a linearization on b needs: the packed batch, states, scratch, sums and prepared weights; with
// structural set, those of products with structural damping too. It looks at b's lengths and form only, and at how many inputs
// b holds; so b may be a batch that has lengths and no data. Lengths are sorted, longest first.
func (n *Net[F]) Bytes(b *nn.Batch[F], structural bool) int64 {
	if len(b.Lengths) == 0 {
		return 0
	}
	elements := 0
	for _, s := range n.shapes(b) {
		var a nn.Arena[F]
		s.carveLinearized(&a, &linearized[F]{})
		if structural {
			s.carveSlots(&a)
		}
		elements += a.Used + len(s.shard.Owner)*n.Out + s.shelfElements()
		if structural {
			elements += s.shelfElements()
		}
	}
	elements += len(b.Dense)
	if b.Sparse != nil {
		elements += 2*len(b.Sparse.Col) + len(b.Sparse.Ptr)
	}
	return int64(elements+n.prepared(true)+n.prepared(false)) * int64(unsafe.Sizeof(F(0))) // of θ and of v
}

// GradientBytes returns how many bytes Gradient needs on b, with the diagonal of the empirical Fisher matrix if asked, on top of
// θ and the results; b is as for Bytes.
func (n *Net[F]) GradientBytes(b *nn.Batch[F], fisher bool) int64 {
	if len(b.Lengths) == 0 {
		return 0
	}
	elements, way := len(b.Dense)+n.prepared(true), n.fisherWay(b, fisher)
	if way == fisherApart {
		way = fisherKept
	}
	for _, s := range n.shapes(b) {
		var a nn.Arena[F]
		s.carveGradient(&a, way)
		elements += a.Used + len(s.shard.Owner)*n.Out + s.shelfElements()
	}
	if b.Sparse != nil {
		elements += 2*len(b.Sparse.Col) + len(b.Sparse.Ptr)
	}
	return int64(elements) * int64(unsafe.Sizeof(F(0)))
}

// shapes returns sweeps without data, their states planned as a linearization plans them; where the state budget is too small,
// with what is needed.
func (n *Net[F]) shapes(b *nn.Batch[F]) []*sweep[F] {
	sweeps := n.cutShapes(b)
	if _, err := n.planStates(sweeps); err != nil {
		panic(err) // never: no shard is given fewer slots than it needs
	}
	return sweeps
}

// cutShapes returns sweeps without data, and without plans.
func (n *Net[F]) cutShapes(b *nn.Batch[F]) []*sweep[F] {
	var sweeps []*sweep[F]
	for _, shard := range nn.Shapes(n.backend, b.Lengths, b.Form) {
		if b.Sparse != nil {
			shard.Sparse = &accel.Sparse[F]{}
		}
		sweeps = append(sweeps, &sweep[F]{Net: n, shard: shard, blocks: n.cut(shard)})
	}
	return sweeps
}

// prepared returns how many elements prepared weights have, with those of a backward sweep if asked.
func (n *Net[F]) prepared(backward bool) int {
	times := 1
	if backward {
		times = 2
	}
	elements := times * n.Out * n.cell.shownWidth()
	for i := range n.cell.nodes {
		for _, p := range n.cell.nodes[i].products {
			if p.in.isInput() {
				elements += (p.hi - p.lo) * n.In
			} else {
				elements += times * (p.hi - p.lo) * (p.in.hi - p.in.lo)
			}
		}
	}
	return elements
}
