package cuda

import (
	"slices"

	"curvestream/accel"
)

// GatherColumns implements accel.Products.
func (s *Stream[F]) GatherColumns(x accel.Sparse[F], w, c accel.Mat[F]) {
	if c.Rows == 0 || c.Cols == 0 || len(x.Col) == 0 {
		return
	}
	vw, vc := s.look(w), s.look(c)
	ptr, col, val := s.entries(x)
	s.each("gather_columns", c, ptr, col, val, vw.address, vw.stride, vc.address, vc.stride)
}

// entries copies those entries of x that its rows have.
func (s *Stream[F]) entries(x accel.Sparse[F]) (ptr, col, val arg) {
	rows := x.Rows()
	lo, hi := x.Ptr[0], x.Ptr[rows]
	moved := make([]int32, rows+1)
	for i := range moved {
		moved[i] = x.Ptr[i] - lo
	}
	if x.Val != nil {
		val = upload(s, x.Val[lo:hi])
	}
	return upload(s, moved), upload(s, x.Col[lo:hi]), val
}

// ScatterColumns implements accel.Products. Entries are sorted by column on the host, so that each element of dW is added to by one
// thread, in the order of rows.
func (s *Stream[F]) ScatterColumns(x accel.Sparse[F], d, dW accel.Mat[F]) {
	rows := x.Rows()
	if rows == 0 || d.Cols == 0 || x.Ptr[0] == x.Ptr[rows] {
		return
	}
	t := byColumn(x)
	vd, vw := s.look(d), s.look(dW)
	s.b.launch("scatter_columns", len(t.column)*d.Cols, upload(s, t.column), upload(s, t.ptr), upload(s, t.row), upload(s, t.val),
		vd.address, vd.stride, vw.address, vw.stride, integer(len(t.column)), integer(d.Cols))
}

// columns are the entries of a sparse matrix by column: entries ptr[g] to ptr[g+1] are in column[g].
type columns[F accel.Float] struct {
	column, ptr, row []int32
	val              []F
}

// byColumn sorts entries by column; those of a column stay in the order of rows.
func byColumn[F accel.Float](x accel.Sparse[F]) columns[F] {
	type entry struct{ col, row, at int32 }
	var all []entry
	for i := range x.Rows() {
		for k := x.Ptr[i]; k < x.Ptr[i+1]; k++ {
			all = append(all, entry{x.Col[k], int32(i), k})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return int(a.col) - int(b.col) })
	var t columns[F]
	for i, e := range all {
		if i == 0 || e.col != all[i-1].col {
			t.column, t.ptr = append(t.column, e.col), append(t.ptr, int32(i))
		}
		t.row = append(t.row, e.row)
		if x.Val != nil {
			t.val = append(t.val, x.Val[e.at])
		}
	}
	t.ptr = append(t.ptr, int32(len(all)))
	return t
}
