package cpu

import "curvestream/accel"

// GatherColumns implements accel.Products. Columns of w lie scattered in memory: where x has about as many entries as w has
// columns, w is transposed first.
func (s *Stream[F]) GatherColumns(x accel.Sparse[F], w, c accel.Mat[F]) {
	checkSparse(x, w, c)
	vw, vc := look(w), look(c)
	if vc.rows == 0 || vc.cols == 0 {
		return
	}
	if isFew(x) {
		gatherStrided(x, vw, vc)
		return
	}
	columns := s.transposed(vw)
	for i := range vc.rows {
		ci := vc.row(i)
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			s.kern.axpy(value(x, k), columns.row(int(x.Col[k])), ci)
		}
	}
}

// ScatterColumns implements accel.Products. Rows are added in order; where x has about as many entries as dW has columns,
// they are added to dWᵀ, starting from 0, and that is added to dW.
func (s *Stream[F]) ScatterColumns(x accel.Sparse[F], d, dW accel.Mat[F]) {
	checkSparse(x, dW, d)
	vd, vw := look(d), look(dW)
	if vd.rows == 0 || vd.cols == 0 {
		return
	}
	if isFew(x) {
		scatterStrided(x, vd, vw)
		return
	}
	columns := view[F]{x: grow(&s.scratch.a, vw.rows*vw.cols), rows: vw.cols, cols: vw.rows, stride: vw.rows}
	clear(columns.x)
	for i := range vd.rows {
		di := vd.row(i)
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			s.kern.axpy(value(x, k), di, columns.row(int(x.Col[k])))
		}
	}
	sums := s.transposed(columns)
	for o := range vw.rows {
		s.kern.axpy(1, sums.row(o), vw.row(o))
	}
}

// isFew reports whether transposing would cost more than it saves. It depends on the shapes alone, as do the bits.
func isFew[F accel.Float](x accel.Sparse[F]) bool {
	return 2*int(x.Ptr[len(x.Ptr)-1]-x.Ptr[0]) < x.Cols
}

// transposed returns vᵀ in scratch memory.
func (s *Stream[F]) transposed(v view[F]) view[F] {
	t := view[F]{x: grow(&s.scratch.b, v.rows*v.cols), rows: v.cols, cols: v.rows, stride: v.rows}
	s.kern.transpose(t.x, t.stride, v.x, v.stride, v.rows, v.cols)
	return t
}

func gatherStrided[F accel.Float](x accel.Sparse[F], w, c view[F]) {
	for i := range c.rows {
		ci := c.row(i)
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			a := value(x, k)
			for o, at := 0, int(x.Col[k]); o < len(ci); o, at = o+1, at+w.stride {
				ci[o] += a * w.x[at]
			}
		}
	}
}

func scatterStrided[F accel.Float](x accel.Sparse[F], d, w view[F]) {
	for i := range d.rows {
		di := d.row(i)
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			a := value(x, k)
			for o, at := 0, int(x.Col[k]); o < len(di); o, at = o+1, at+w.stride {
				w.x[at] += a * di[o]
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
