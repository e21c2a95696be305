package cpu

import (
	"fmt"
	"unsafe"

	"curvestream/accel"
)

// GEMM implements accel.Products.
func (s *Stream[F]) GEMM(transA, transB bool, alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	m, k := sides(a, transA)
	k2, n := sides(b, transB)
	if k != k2 || m != c.Rows || n != c.Cols {
		panic(fmt.Sprintf("cpu: product of %d×%d and %d×%d into %d×%d", m, k, k2, n, c.Rows, c.Cols))
	}
	vc := look(c)
	s.prescale(beta, k, vc)
	if m == 0 || n == 0 || k == 0 {
		return
	}
	g := product[F]{s: s, a: look(a), transA: transA, c: vc, m: m, n: n, k: k, alpha: alpha, add: beta != 0}
	if transA && !transB && g.isTall() {
		g.tall(look(b))
		return
	}
	g.general(look(b), transB)
}

// sides returns the rows and columns of op(m).
func sides[F accel.Float](m accel.Mat[F], trans bool) (rows, cols int) {
	if trans {
		return m.Cols, m.Rows
	}
	return m.Rows, m.Cols
}

// prescale does what the microkernels, which set C or add to it, leave of c = beta·c + …
func (s *Stream[F]) prescale(beta F, k int, c view[F]) {
	if beta == 1 || beta == 0 && k > 0 {
		return
	}
	for i := range c.rows {
		if beta == 0 {
			clear(c.row(i))
		} else {
			s.kern.scale(beta, c.row(i))
		}
	}
}

// A product is C = alpha·op(A)·B, or that added to C, as it is cut into blocks:
//
//	columns of C by nc (B packed, in the second-level cache)
//	    k by kc
//	        rows of C by mc (A in the second-level cache)
//	            panels of B (in the first-level cache)
//	                tiles (in registers)
//
// How k is cut is a function of k alone, and the order of summation follows from it.
type product[F accel.Float] struct {
	s       *Stream[F]
	a       view[F]
	transA  bool
	c       view[F]
	m, n, k int
	alpha   F
	add     bool
}

// direct reports whether it costs less to read n columns of a row-major B where they lie than to pack them: for few rows of
// C, and for more where rows of B do not drive each other out of the cache, until so many tiles read a panel that packing hardly
// counts. Panels of a single line of the cache, which unmasked kernels have, would spread over too many pages where B is wide.
func (g *product[F]) direct(stride, n int) bool {
	t := g.s.kern.tiles
	switch {
	case !t.masked && n%t.widths[0] != 0:
		return false
	case g.m <= 24:
		return true
	case aliases(stride * int(unsafe.Sizeof(g.alpha))):
		return false
	case t.masked:
		return g.m <= 512
	}
	return g.m <= 128 && n <= 128
}

// general multiplies by a matrix that is used once.
func (g *product[F]) general(b view[F], trans bool) {
	t := g.s.kern.tiles
	depth := t.depth(g.k)
	for j0 := 0; j0 < g.n; j0 += t.columns(g.n - j0) {
		n := t.columns(g.n - j0)
		for p0 := 0; p0 < g.k; p0 += depth {
			k := min(depth, g.k-p0)
			if !trans && g.direct(b.stride, n) {
				g.block(p0, k, j0, n, b.x[p0*b.stride+j0:], b.stride)
				continue
			}
			packed := grow(&g.s.scratch.b, k*t.padded(n))
			g.s.kern.pack(packed, b, trans, p0, k, j0, n)
			g.block(p0, k, j0, n, packed, 0)
		}
	}
}

// prepared multiplies by an operand whose panels are packed.
func (g *product[F]) prepared(w *operand[F]) {
	t := g.s.kern.tiles
	depth, padded := t.depth(g.k), t.padded(g.n)
	for j0 := 0; j0 < g.n; j0 += t.columns(g.n - j0) {
		n := t.columns(g.n - j0)
		for p0 := 0; p0 < g.k; p0 += depth {
			k := min(depth, g.k-p0)
			g.block(p0, k, j0, n, w.panels[p0*padded+j0*k:], 0)
		}
	}
}

// block multiplies all rows of op(A), values p0 to p0+k of k, by n columns of B: packed panels or, with a stride, rows of a
// matrix.
func (g *product[F]) block(p0, k, j0, n int, b []F, bStride int) {
	t := g.s.kern.tiles
	add := g.add || p0 > 0
	size := int(unsafe.Sizeof(g.alpha))
	for i0 := 0; i0 < g.m; i0 += t.mc {
		m := min(t.mc, g.m-i0)
		a := g.strip(i0, m, p0, k, n)
		for j := 0; j < n; {
			width := t.widths[t.width(n-j)]
			p := panel[F]{cols: min(width, n-j)}
			if bStride > 0 {
				p.b, p.bK = &b[j], bStride*size
			} else {
				p.b, p.bK = &b[j*k], width*size
			}
			t.run(m, k, a, p, g.c.x[i0*g.c.stride+j0+j:], g.c.stride, add)
			j += width
		}
	}
}

// strip returns rows i0 to i0+m and columns p0 to p0+k of alpha·op(A): where they lie or, where that would keep falling out of
// the cache, a copy. With a factor it is always a copy, which no product of a net has.
func (g *product[F]) strip(i0, m, p0, k, n int) strip[F] {
	if g.transA {
		x := g.a.x[p0*g.a.stride+i0:]
		if g.alpha == 1 && g.readsColumns(k, n) {
			return strip[F]{x: x, row: 1, k: g.a.stride}
		}
		packed := grow(&g.s.scratch.a, m*k)
		g.s.kern.packTransposed(packed, x, g.a.stride, m, k)
		g.multiply(packed)
		return strip[F]{x: packed, packed: true}
	}
	x := g.a.x[i0*g.a.stride+p0:]
	if g.alpha == 1 && (!aliases(g.a.stride*int(unsafe.Sizeof(g.alpha))) || n <= 2*g.s.kern.tiles.widths[0]) {
		return strip[F]{x: x, row: g.a.stride, k: 1}
	}
	packed := grow(&g.s.scratch.a, m*(k+skew))
	copyRows(packed, k+skew, x, g.a.stride, m, k)
	for i := range m {
		g.multiply(packed[i*(k+skew):][:k])
	}
	return strip[F]{x: packed, row: k + skew, k: 1}
}

// multiply multiplies a copy of elements of A by alpha.
func (g *product[F]) multiply(copied []F) {
	if g.alpha != 1 {
		g.s.kern.scale(g.alpha, copied)
	}
}

// readsColumns reports whether it costs less to read the columns of A where they lie, a row of A for each value of k, than to pack
// them: for one narrow panel of B, and for four where a row of A is a few lines of the cache.
func (g *product[F]) readsColumns(k, n int) bool {
	const fewLines = 512 // bytes
	t := g.s.kern.tiles
	narrow := n <= 4*t.full && g.a.stride*int(unsafe.Sizeof(g.alpha)) <= fewLines
	return n <= t.widths[0] || k < 8 || narrow
}

const skew = 16 // elements added to a row's length, so that rows fall into different sets of the cache

// aliases reports whether rows so many bytes apart fall into so few sets of the first-level cache that the rows of one tile
// drive each other out.
func aliases(stride int) bool { return stride%2048 == 0 }
