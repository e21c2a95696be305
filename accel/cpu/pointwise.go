package cpu

import "curvestream/accel"

// Fill implements accel.Pointwise.
func (s *Stream[F]) Fill(a accel.Mat[F], x F) {
	v := look(a)
	n, length := v.lines(v.isDense())
	for i := range n {
		line := v.line(i, length)
		if x == 0 {
			clear(line)
			continue
		}
		for j := range line {
			line[j] = x
		}
	}
}

// CopyMat implements accel.Pointwise.
func (s *Stream[F]) CopyMat(b, a accel.Mat[F]) {
	vb, va, dense := lookTwo(b, a)
	n, length := vb.lines(dense)
	for i := range n {
		copy(vb.line(i, length), va.line(i, length))
	}
}

// AddMat implements accel.Pointwise.
func (s *Stream[F]) AddMat(b accel.Mat[F], alpha F, a accel.Mat[F]) {
	vb, va, dense := lookTwo(b, a)
	n, length := vb.lines(dense)
	for i := range n {
		s.kern.axpy(alpha, va.line(i, length), vb.line(i, length))
	}
}

// AddSquares implements accel.Pointwise.
func (s *Stream[F]) AddSquares(b accel.Mat[F], alpha F, a accel.Mat[F]) {
	vb, va, dense := lookTwo(b, a)
	n, length := vb.lines(dense)
	for i := range n {
		s.kern.addSquares(alpha, va.line(i, length), vb.line(i, length))
	}
}

// MulMat implements accel.Pointwise.
func (s *Stream[F]) MulMat(b, a accel.Mat[F]) {
	vb, va, dense := lookTwo(b, a)
	n, length := vb.lines(dense)
	for i := range n {
		s.kern.mul(vb.line(i, length), va.line(i, length))
	}
}

// Hadamard implements accel.Pointwise.
func (s *Stream[F]) Hadamard(alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	va, vb, dense := lookTwo(a, b)
	checkShape(a, c)
	vc := look(c)
	n, length := vc.lines(dense && vc.isDense())
	for i := range n {
		line := vc.line(i, length)
		if beta == 0 {
			s.kern.setProduct(alpha, va.line(i, length), vb.line(i, length), line)
			continue
		}
		if beta != 1 {
			s.kern.scale(beta, line)
		}
		s.kern.addProduct(alpha, va.line(i, length), vb.line(i, length), line)
	}
}

// Activate implements accel.Pointwise.
func (s *Stream[F]) Activate(act accel.Activation, h accel.Mat[F]) {
	if act == accel.Linear {
		return
	}
	f := s.kern.activate[act]
	v := look(h)
	n, length := v.lines(v.isDense())
	for i := range n {
		f(v.line(i, length))
	}
}

// MulDerivative implements accel.Pointwise.
func (s *Stream[F]) MulDerivative(act accel.Activation, d, h accel.Mat[F]) {
	vd, vh, dense := lookTwo(d, h)
	if act == accel.Linear {
		return
	}
	f := s.kern.mulDerivative[act]
	n, length := vd.lines(dense)
	for i := range n {
		f(vd.line(i, length), vh.line(i, length))
	}
}

// AddSecondDerivative implements accel.Pointwise.
func (s *Stream[F]) AddSecondDerivative(act accel.Activation, rd, d, h, ra accel.Mat[F]) {
	vrd, vd, dense := lookTwo(rd, d)
	vh, vra, dense2 := lookTwo(h, ra)
	checkShape(rd, h)
	if act == accel.Linear || act == accel.ReLU {
		return
	}
	f := s.kern.addSecond[act]
	n, length := vrd.lines(dense && dense2)
	for i := range n {
		f(vrd.line(i, length), vd.line(i, length), vh.line(i, length), vra.line(i, length))
	}
}

// AddScaledDerivative implements accel.Pointwise.
func (s *Stream[F]) AddScaledDerivative(act accel.Activation, b accel.Mat[F], alpha F, a, h accel.Mat[F]) {
	vb, va, dense := lookTwo(b, a)
	checkShape(b, h)
	vh := look(h)
	n, length := vb.lines(dense && vh.isDense())
	for i := range n {
		if act == accel.Linear {
			s.kern.axpy(alpha, va.line(i, length), vb.line(i, length))
			continue
		}
		s.kern.addScaled[act](vb.line(i, length), alpha, va.line(i, length), vh.line(i, length))
	}
}
