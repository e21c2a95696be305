package cuda

import "curvestream/accel"

// Fill implements accel.Pointwise.
func (s *Stream[F]) Fill(a accel.Mat[F], x F) {
	va := s.look(a)
	s.each("fill", a, va.address, va.stride, number(x))
}

// CopyMat implements accel.Pointwise.
func (s *Stream[F]) CopyMat(b, a accel.Mat[F]) {
	vb, va := s.look(b), s.like(b, a)
	s.each("copy_mat", b, vb.address, vb.stride, va.address, va.stride)
}

// AddMat implements accel.Pointwise.
func (s *Stream[F]) AddMat(b accel.Mat[F], alpha F, a accel.Mat[F]) {
	vb, va := s.look(b), s.like(b, a)
	s.each("add_mat", b, vb.address, vb.stride, number(alpha), va.address, va.stride)
}

// AddRow implements accel.Pointwise.
func (s *Stream[F]) AddRow(c, r accel.Mat[F]) {
	vc, vr := s.look(c), s.like(c.RowRange(0, min(1, c.Rows)), r.RowRange(0, min(1, c.Rows)))
	s.each("add_row", c, vc.address, vc.stride, vr.address)
}

// Of sum_of_rows in pointwise.cu.
const (
	sumColumns = 32
	sumDepth   = 512
)

// AddSumOfRows implements accel.Pointwise: the sums of each 512 rows, in float64, and then theirs, in order.
func (s *Stream[F]) AddSumOfRows(r, c accel.Mat[F]) {
	if c.Rows == 0 || c.Cols == 0 {
		return
	}
	vc, vr := s.look(c), s.like(c.RowRange(0, 1), r)
	parts := (c.Rows + sumDepth - 1) / sumDepth
	partial := s.scratch(int64(parts) * int64(c.Cols) * 8)
	for lo := 0; lo < parts; lo += mostInGrid {
		n := min(parts-lo, mostInGrid)
		rows := min(c.Rows-lo*sumDepth, n*sumDepth)
		s.b.launchGrid("sum_of_rows", [3]uint32{uint32((c.Cols + sumColumns - 1) / sumColumns), uint32(n), 1}, blockLength,
			partial.plus(int64(lo)*int64(c.Cols)*8), vc.address.plus(int64(lo)*sumDepth*int64(c.Stride)*size[F]()), vc.stride, integer(rows), integer(c.Cols))
	}
	s.b.launch("add_partial", c.Cols, vr.address, partial, integer(parts), integer(c.Cols))
}

// mostInGrid is the most blocks in y and in z on any device.
const mostInGrid = 65535

// AddSquares implements accel.Pointwise.
func (s *Stream[F]) AddSquares(b accel.Mat[F], alpha F, a accel.Mat[F]) {
	vb, va := s.look(b), s.like(b, a)
	s.each("add_squares", b, vb.address, vb.stride, number(alpha), va.address, va.stride)
}

// MulMat implements accel.Pointwise.
func (s *Stream[F]) MulMat(b, a accel.Mat[F]) {
	vb, va := s.look(b), s.like(b, a)
	s.each("mul_mat", b, vb.address, vb.stride, va.address, va.stride)
}

// Hadamard implements accel.Pointwise.
func (s *Stream[F]) Hadamard(alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	vc, va, vb := s.look(c), s.like(c, a), s.like(c, b)
	s.each("hadamard", c, number(alpha), va.address, va.stride, vb.address, vb.stride, number(beta), vc.address, vc.stride)
}

// Activate implements accel.Pointwise.
func (s *Stream[F]) Activate(act accel.Activation, h accel.Mat[F]) {
	if act == accel.Linear {
		return
	}
	vh := s.look(h)
	s.each("activate", h, integer(int(act)), vh.address, vh.stride)
}

// MulDerivative implements accel.Pointwise.
func (s *Stream[F]) MulDerivative(act accel.Activation, d, h accel.Mat[F]) {
	vd, vh := s.look(d), s.like(d, h)
	s.each("mul_derivative", d, integer(int(act)), vd.address, vd.stride, vh.address, vh.stride)
}

// AddSecondDerivative implements accel.Pointwise.
func (s *Stream[F]) AddSecondDerivative(act accel.Activation, rd, d, h, ra accel.Mat[F]) {
	vrd, vd, vh, vra := s.look(rd), s.like(rd, d), s.like(rd, h), s.like(rd, ra)
	s.each("add_second_derivative", rd, integer(int(act)), vrd.address, vrd.stride, vd.address, vd.stride, vh.address, vh.stride, vra.address, vra.stride)
}

// AddScaledDerivative implements accel.Pointwise.
func (s *Stream[F]) AddScaledDerivative(act accel.Activation, b accel.Mat[F], alpha F, a, h accel.Mat[F]) {
	vb, va, vh := s.look(b), s.like(b, a), s.like(b, h)
	s.each("add_scaled_derivative", b, integer(int(act)), vb.address, vb.stride, number(alpha), va.address, va.stride, vh.address, vh.stride)
}
