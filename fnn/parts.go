package fnn

import (
	"cmp"
	"slices"

	"curvestream/accel"
)

// A part is rows lo to hi of W_l, and as many biases: what one worker adds up of a derivative, over all cases of a chunk.
//
// The derivatives of the weights are left until all shards have been swept over, and are then added up part by part, shard after
// shard, straight into the sum over chunks. In a feedforward net a shard has one row a column, so that sums of its own, n elements
// to be cleared, filled and added up, would count beside the 8·n flops of a row; they would also be most of the memory. Parts depend
// on the layer sizes alone, so the order of summation does too.
type part struct{ l, lo, hi int }

// partRows is how many rows a part has at least, where the layer has as many: y_l₋₁ is packed once a part, for so many rows.
const partRows = 192

// parts cuts all layers, the most costly part first, so that workers end at about the same time.
func (c Config) parts() []part {
	var parts []part
	for l := 1; l <= c.layers(); l++ {
		rows := c.Sizes[l]
		n := max(1, rows/partRows)
		for i := range n {
			parts = append(parts, part{l, i * rows / n, (i + 1) * rows / n})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(c.cost(b), c.cost(a)) })
	return parts
}

// cost returns the weights in a part.
func (c Config) cost(p part) int { return (p.hi - p.lo) * c.Sizes[p.l-1] }

// addPart adds dW_l = dx_l y_l₋₁ᵀ and db_l = dx_l of all cases (algorithm 1), for the rows of a part, to dst. dx holds dx_l of each
// layer, of each shard.
func (n *Net[F]) addPart(stream accel.Stream[F], p part, dst []layer[F], sweeps []*sweep[F], dx [][]accel.Mat[F]) {
	for i, s := range sweeps {
		d, w := dx[i][p.l].ColRange(p.lo, p.hi), dst[p.l].w.RowRange(p.lo, p.hi)
		if p.l == 1 && s.shard.Sparse != nil {
			stream.ScatterColumns(*s.shard.Sparse, d, w)
		} else {
			stream.GEMM(true, false, 1, d, s.y[p.l-1], 1, w)
		}
		if b := dst[p.l].b; b.V != nil {
			stream.AddSumOfRows(b.ColRange(p.lo, p.hi), d)
		}
	}
}
