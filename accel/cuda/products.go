package cuda

import (
	"fmt"

	"curvestream/accel"
)

// A tile is what one block of a kernel of gemm.cu has of c: side × side elements.
type tile struct {
	name    string
	side    int
	threads uint32
}

// tiles go from large to small. Large ones read less; small ones make more blocks of a small c.
var (
	tiles32 = []tile{{"large", 128, 256}, {"medium", 64, 256}, {"small", 16, 64}}
	tiles64 = tiles32[1:]
)

const (
	leastBlocks = 66  // a tile that makes fewer blocks leaves most of a device idle
	wantBlocks  = 264 // k is divided until there are so many
	leastPart   = 512 // elements of k that a block has at least where k is divided
	mostParts   = 128
)

// A split says how a product is computed. It depends on the shape alone.
type split struct {
	tile
	down, across int // blocks
	part, parts  int // of k
}

func splitOf(tiles []tile, m, n, k int) split {
	s := split{}
	for _, t := range tiles {
		s.tile, s.down, s.across = t, (m+t.side-1)/t.side, (n+t.side-1)/t.side
		s.parts = max(1, min(k/leastPart, mostParts))
		if s.down*s.across*s.parts >= leastBlocks {
			break
		}
	}
	s.parts = max(1, min(s.parts, (wantBlocks+s.down*s.across-1)/max(1, s.down*s.across)))
	s.part = max(1, (k+s.parts-1)/s.parts)
	s.parts = max(1, (k+s.part-1)/s.part)
	return s
}

// GEMM implements accel.Products.
func (s *Stream[F]) GEMM(transA, transB bool, alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	m, k := sides(a, transA)
	k2, n := sides(b, transB)
	if k != k2 || c.Rows != m || c.Cols != n {
		panic(fmt.Sprintf("cuda: product of %d×%d and %d×%d into %d×%d", m, k, k2, n, c.Rows, c.Cols))
	}
	if m == 0 || n == 0 {
		return
	}
	form := "_" + string("nt"[number01(transA)]) + string("nt"[number01(transB)])
	s.product(form, alpha, s.look(a), s.look(b), beta, s.look(c), m, n, k)
}

func number01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sides returns the rows and columns of op(m).
func sides[F accel.Float](m accel.Mat[F], trans bool) (rows, cols int) {
	if trans {
		return m.Cols, m.Rows
	}
	return m.Rows, m.Cols
}

func (s *Stream[F]) product(form string, alpha F, a, b view, beta F, c view, m, n, k int) {
	if s.byTensorCores(form, alpha, a, b, beta, c, m, n, k) || s.byBLAS(form, alpha, a, b, beta, c, m, n, k) {
		return
	}
	tiles := tiles32
	if size[F]() == 8 {
		tiles = tiles64
	}
	s.tiled(splitOf(tiles, m, n, k), form, alpha, a, b, beta, c, m, n, k)
}

// tiled launches the kernels of a product.
func (s *Stream[F]) tiled(p split, form string, alpha F, a, b view, beta F, c view, m, n, k int) {
	if p.across > mostInGrid {
		panic(fmt.Sprintf("cuda: a product with %d columns", n))
	}
	grid := [3]uint32{uint32(p.down), uint32(p.across), uint32(p.parts)}
	if p.parts == 1 {
		s.b.launchGrid(p.name+form, grid, p.threads, number(alpha), a.address, a.stride, b.address, b.stride, number(beta), c.address, c.stride,
			integer(m), integer(n), integer(k), integer(p.part), arg{})
		return
	}
	partial := s.scratch(int64(p.parts) * int64(m) * int64(n) * size[F]())
	s.b.launchGrid(p.name+form, grid, p.threads, number(F(1)), a.address, a.stride, b.address, b.stride, number(F(0)), partial, integer(n),
		integer(m), integer(n), integer(k), integer(p.part), integer(m*n))
	s.b.launch("split_sum", m*n, number(alpha), partial, integer(p.parts), number(beta), c.address, c.stride, integer(m), integer(n))
}

// An operand is a dense copy of op(W).
type operand[F accel.Float] struct {
	v          *Vector[F]
	rows, cols int
}

// Size implements accel.Operand.
func (o *operand[F]) Size() (rows, cols int) { return o.rows, o.cols }

// Prepare implements accel.Backend: it copies, and transposes where asked. A previous operand of the same size is overwritten.
func (b *Backend[F]) Prepare(w accel.Mat[F], trans bool, previous accel.Operand[F]) (accel.Operand[F], error) {
	rows, cols := sides(w, trans)
	o, reuse := previous.(*operand[F])
	if !reuse || o.rows != rows || o.cols != cols {
		v, err := b.newVector(rows * cols)
		if err != nil {
			return nil, fmt.Errorf("cuda: preparing a matrix of %d×%d: %w", rows, cols, err)
		}
		o = &operand[F]{v, rows, cols}
	}
	s := Stream[F]{b: b}
	to, from := accel.NewMat[F](o.v, 0, rows, cols), s.look(w)
	if trans {
		s.each("transpose", to, o.v.at(0), from.address, from.stride)
	} else {
		s.each("copy_mat", to, o.v.at(0), integer(cols), from.address, from.stride)
	}
	return o, b.d.err()
}

// MulPrepared implements accel.Products.
func (s *Stream[F]) MulPrepared(a accel.Mat[F], w accel.Operand[F], beta F, c accel.Mat[F]) {
	o, ours := w.(*operand[F])
	if !ours {
		panic("cuda: operand of another backend")
	}
	s.GEMM(false, false, 1, a, accel.NewMat[F](o.v, 0, o.rows, o.cols), beta, c)
}
