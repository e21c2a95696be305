package cpu

import (
	"unsafe"

	"curvestream/accel"
)

// A micro is a microkernel: for each of some tiles below each other, all of its own height, it sets a block of C to A·B, or adds
// that to it. It reads k columns of A, which has any strides, and k rows of B, whose elements are contiguous; k is at least 1. Strides are
// in bytes.
type micro[F accel.Float] func(tiles, k int, a *F, aRow, aK, aTile int, b *F, bK int, c *F, cRow int, add bool, cols int)

// tiles are the microkernels of one path. Any of them adds the products of an element in the order of k, so that which tile
// an element falls into does not show in its bits.
type tiles[F accel.Float] struct {
	heights []int        // rows of the kernels, decreasing to 1
	widths  []int        // columns that the kernels have at most, increasing
	full    int          // the width of all panels but the last; wider ones have fewer heights and take what is left at the end
	micro   [][]micro[F] // [height][width]; nil where that would be too large

	kc int // products are added in registers over at most kc values of k, then in C
	mc int // rows of A that stay in the second-level cache while a panel of B is in the first
	nc int // columns of B that are packed at once, a multiple of full, unless few would be left

	// masked says that kernels read no more of a row of B than the columns they are asked for; if not, they read registers of
	// widths[0].
	masked bool
}

// width returns the index of the width of the panel that begins n columns before the end: all columns that are left, where a panel
// has so many.
func (t *tiles[F]) width(n int) int {
	at := 0
	for w, cols := range t.widths {
		if n <= cols {
			return w
		}
		if cols == t.full {
			at = w
		}
	}
	return at
}

// widest returns the width of the widest panel.
func (t *tiles[F]) widest() int { return t.widths[len(t.widths)-1] }

// columns returns how many of n columns are packed at once. What is left is not narrower than a panel might take besides.
func (t *tiles[F]) columns(n int) int {
	if n <= t.nc+t.widest()-t.full {
		return n
	}
	return t.nc
}

// height returns the index of the tallest kernel for the last m rows.
func (t *tiles[F]) height(m int) int {
	h := 0
	for t.heights[h] > m {
		h++
	}
	return h
}

// padded returns how many columns the panels of a matrix of n columns have together.
func (t *tiles[F]) padded(n int) int {
	if n == 0 {
		return 0
	}
	before := max(0, (n-t.widest()+t.full-1)/t.full) * t.full
	return before + t.widths[t.width(n-before)]
}

// depth returns how many values of k each block has, the last one excepted: blocks are about equal.
func (t *tiles[F]) depth(k int) int {
	blocks := max(1, (k+t.kc-1)/t.kc)
	return (k + blocks - 1) / blocks
}

// A panel is a block of columns of B: packed, with bK bytes from row to row, or as it lies in a row-major matrix.
type panel[F accel.Float] struct {
	b    *F
	bK   int
	cols int
}

// A strip is a block of rows of A: with its strides in elements or, packed, tile after tile, each with its rows beside each
// other for each k.
type strip[F accel.Float] struct {
	x      []F
	row, k int
	packed bool
}

// run multiplies a strip of m rows by a panel. The tiles of a packed strip are too high for wide panels, which it takes in two.
func (t *tiles[F]) run(m, k int, a strip[F], p panel[F], c []F, cStride int, add bool) {
	if a.packed && p.cols > t.full {
		right := panel[F]{b: at(p.b, t.full*int(unsafe.Sizeof(c[0]))), bK: p.bK, cols: p.cols - t.full}
		p.cols = t.full
		t.run(m, k, a, right, c[t.full:], cStride, add)
	}
	size := int(unsafe.Sizeof(c[0]))
	w := t.width(p.cols)
	for i := 0; i < m; {
		height := t.height(m - i)
		for t.micro[height][w] == nil {
			height++
		}
		rows := t.heights[height]
		n := (m - i) / rows
		x, row, step, tile := i*a.row, a.row, a.k, rows*a.row
		if a.packed {
			x, row, step, tile = i*k, 1, rows, rows*k
		}
		t.micro[height][w](n, k, &a.x[x], row*size, step*size, tile*size, p.b, p.bK, &c[i*cStride], cStride*size, add, p.cols)
		i += n * rows
	}
}
