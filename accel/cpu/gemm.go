package cpu

import "curvestream/accel"

// GEMM implements accel.Products.
func (s *Stream[F]) GEMM(transA, transB bool, alpha F, a, b accel.Mat[F], beta F, c accel.Mat[F]) {
	va, vb, vc := look(a), look(b), look(c)
	scaleMat(beta, vc)
	k := va.cols
	if transA {
		k = va.rows
	}
	for i := range vc.rows {
		ci := vc.row(i)
		for j := range ci {
			var sum F
			for p := range k {
				sum += at(va, transA, i, p) * at(vb, transB, p, j)
			}
			ci[j] += alpha * sum
		}
	}
}

func at[F accel.Float](v view[F], trans bool, i, j int) F {
	if trans {
		i, j = j, i
	}
	return v.x[i*v.stride+j]
}

func scaleMat[F accel.Float](beta F, c view[F]) {
	if beta == 1 {
		return
	}
	for i := range c.rows {
		if beta == 0 {
			clear(c.row(i))
			continue
		}
		scale(beta, c.row(i))
	}
}

type operand[F accel.Float] struct {
	w          []F
	rows, cols int
}

func (o *operand[F]) Size() (rows, cols int) { return o.rows, o.cols }

// Prepare implements accel.Backend.
func (b *Backend[F]) Prepare(w accel.Mat[F], trans bool, previous accel.Operand[F]) (accel.Operand[F], error) {
	v := look(w)
	o := &operand[F]{rows: w.Rows, cols: w.Cols}
	if trans {
		o.rows, o.cols = w.Cols, w.Rows
	}
	for i := range o.rows {
		for j := range o.cols {
			o.w = append(o.w, at(v, trans, i, j))
		}
	}
	return o, nil
}

// MulPrepared implements accel.Products.
func (s *Stream[F]) MulPrepared(a accel.Mat[F], w accel.Operand[F], beta F, c accel.Mat[F]) {
	o := w.(*operand[F])
	s.GEMM(false, false, 1, a, accel.NewMat[F](accel.Slice[F](o.w), 0, o.rows, o.cols), beta, c)
}
