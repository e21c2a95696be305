package cpu

import "curvestream/accel"

// GatherColumns implements accel.Products.
func (s *Stream[F]) GatherColumns(x accel.Sparse[F], w, c accel.Mat[F]) {
	checkSparse(x, w, c)
	vw, vc := look(w), look(c)
	for i := range vc.rows {
		ci := vc.row(i)
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			a := value(x, k)
			for o, at := 0, int(x.Col[k]); o < len(ci); o, at = o+1, at+vw.stride {
				ci[o] += a * vw.x[at]
			}
		}
	}
}

// ScatterColumns implements accel.Products. Rows are added in order.
func (s *Stream[F]) ScatterColumns(x accel.Sparse[F], d, dW accel.Mat[F]) {
	checkSparse(x, dW, d)
	vd, vw := look(d), look(dW)
	for i := range vd.rows {
		di := vd.row(i)
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			a := value(x, k)
			for o, at := 0, int(x.Col[k]); o < len(di); o, at = o+1, at+vw.stride {
				vw.x[at] += a * di[o]
			}
		}
	}
}

// value returns entry k of x.
func value[F accel.Float](x accel.Sparse[F], k int32) F {
	if x.Val == nil {
		return 1
	}
	return x.Val[k]
}

// checkSparse panics unless x·wᵀ has the shape of c.
func checkSparse[F accel.Float](x accel.Sparse[F], w, c accel.Mat[F]) {
	if x.Rows() != c.Rows || x.Cols != w.Cols || w.Rows != c.Cols {
		panic("cpu: shapes of a sparse product do not fit")
	}
}
