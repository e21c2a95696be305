package cpu

import (
	"unsafe"

	"curvestream/accel"
)

// AddRow implements accel.Pointwise: as the product of a column of ones and r, whose microkernels take many rows at once.
func (s *Stream[F]) AddRow(c, r accel.Mat[F]) {
	vc, x := look(c), oneRow(r, c.Cols)
	if vc.rows == 0 {
		return
	}
	n := s.byPanels(vc.cols, func(j int, p panel[F]) {
		p.b = &x[j]
		s.kern.tiles.run(vc.rows, 1, s.ones(), p, vc.x[j:], vc.stride, true)
	})
	for i := 0; n < vc.cols && i < vc.rows; i++ {
		s.kern.axpy(1, x[n:], vc.row(i)[n:])
	}
}

// AddSumOfRows implements accel.Pointwise: as the product of a row of ones and c. Rows are added in order.
func (s *Stream[F]) AddSumOfRows(r, c accel.Mat[F]) {
	vc, x := look(c), oneRow(r, c.Cols)
	if vc.rows == 0 {
		return
	}
	n := s.byPanels(vc.cols, func(j int, p panel[F]) {
		p.b, p.bK = &vc.x[j], vc.stride*int(unsafe.Sizeof(x[0]))
		s.kern.tiles.run(1, vc.rows, s.ones(), p, x[j:], 0, true)
	})
	for i := 0; n < vc.cols && i < vc.rows; i++ {
		s.kern.axpy(1, vc.row(i)[n:], x[n:])
	}
}

// byPanels calls f for each panel of n columns that microkernels can read where they lie, and returns how many columns those are.
func (s *Stream[F]) byPanels(n int, f func(j int, p panel[F])) int {
	t := s.kern.tiles
	if !t.masked {
		n -= n % t.widths[0]
	}
	for j := 0; j < n; {
		width := t.widths[t.width(n-j)]
		f(j, panel[F]{cols: min(width, n-j)})
		j += width
	}
	return n
}

// ones returns a matrix of ones, of any size.
func (s *Stream[F]) ones() strip[F] {
	one := grow(&s.scratch.one, 1)
	one[0] = 1
	return strip[F]{x: one}
}

// oneRow returns r, a row vector of the given length.
func oneRow[F accel.Float](r accel.Mat[F], cols int) []F {
	if r.Rows != 1 || r.Cols != cols {
		panic("cpu: not a row vector of the matrix's columns")
	}
	return look(r).x
}
