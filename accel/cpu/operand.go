package cpu

import (
	"fmt"

	"curvestream/accel"
)

// An operand is op(W) as packed panels: for each block of k, all panels, each with the rows of that block.
type operand[F accel.Float] struct {
	panels     []F
	rows, cols int
}

// Size implements accel.Operand.
func (o *operand[F]) Size() (rows, cols int) { return o.rows, o.cols }

// Prepare implements accel.Backend: it packs panels. A previous operand of the same size is overwritten.
func (b *Backend[F]) Prepare(w accel.Mat[F], trans bool, previous accel.Operand[F]) (accel.Operand[F], error) {
	k, n := sides(w, trans)
	t := b.kern.tiles
	o, reuse := previous.(*operand[F])
	if !reuse || o.rows != k || o.cols != n {
		o = &operand[F]{panels: make([]F, k*t.padded(n)), rows: k, cols: n}
	}
	if k == 0 || n == 0 {
		return o, nil
	}
	v, depth := look(w), t.depth(k)
	for p0 := 0; p0 < k; p0 += depth {
		b.kern.pack(o.panels[p0*t.padded(n):], v, trans, p0, min(depth, k-p0), 0, n)
	}
	return o, nil
}

// MulPrepared implements accel.Products.
func (s *Stream[F]) MulPrepared(a accel.Mat[F], w accel.Operand[F], beta F, c accel.Mat[F]) {
	o, ours := w.(*operand[F])
	if !ours {
		panic("cpu: operand of another backend")
	}
	if a.Cols != o.rows || a.Rows != c.Rows || o.cols != c.Cols {
		panic(fmt.Sprintf("cpu: product of %d×%d and a prepared %d×%d into %d×%d", a.Rows, a.Cols, o.rows, o.cols, c.Rows, c.Cols))
	}
	vc := look(c)
	s.prescale(beta, o.rows, vc)
	if c.Rows == 0 || c.Cols == 0 || o.rows == 0 {
		return
	}
	g := product[F]{s: s, a: look(a), c: vc, m: c.Rows, n: c.Cols, k: o.rows, alpha: 1, add: beta != 0}
	g.prepared(o)
}
