package acceltest

import (
	"fmt"
	"math/rand/v2"

	"curvestream/accel"
)

// sparseCases multiply by one-hot and multi-hot rows, with and without values, few and many of them, and by a range of rows
// whose first entry is not at 0.
func sparseCases[F accel.Float]() []Case[F] {
	var cases []Case[F]
	for _, p := range []struct{ rows, cols, out, perRow int }{
		{0, 5, 3, 1}, {1, 1, 1, 1}, {7, 20, 33, 1}, {200, 11, 50, 1}, {64, 88, 100, 4}, {3, 500, 17, 2}, {40, 6, 9, 0}, {90, 130, 65, 3},
	} {
		for _, valued := range []bool{false, true} {
			x := sparse[F](p.rows, p.cols, p.perRow, valued)
			name := fmt.Sprintf("/%dx%dx%d/%d a row/valued=%t", p.rows, p.cols, p.out, p.perRow, valued)
			flops := 2 * int64(p.rows) * int64(p.perRow) * int64(p.out)
			cases = append(cases, Case[F]{
				Name: "GatherColumns" + name, FLOPs: flops, Terms: float64(p.perRow) + 4,
				Mats: []Shape{{Rows: p.out, Cols: p.cols, Pad: 2}, {Rows: p.rows, Cols: p.out, Pad: 1}},
				Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
					s.GatherColumns(x, m[0], m[1])
					return nil
				},
			}, Case[F]{
				Name: "ScatterColumns" + name, FLOPs: flops, Terms: float64(p.perRow*p.rows) + 4,
				Mats: []Shape{{Rows: p.out, Cols: p.cols, Pad: 2}, {Rows: p.rows, Cols: p.out, Pad: 1}},
				Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
					s.ScatterColumns(x, m[1], m[0])
					return nil
				},
			})
		}
	}
	return cases
}

// sparse returns rows of a matrix that has two rows more before them. The values are the same in both precisions.
func sparse[F accel.Float](rows, cols, perRow int, valued bool) accel.Sparse[F] {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	x := accel.Sparse[F]{Cols: cols, Ptr: []int32{0}}
	for i := range rows + 2 {
		n := perRow
		if perRow > 1 {
			n = (i + 1) % (2 * perRow)
		}
		for range n {
			x.Col = append(x.Col, int32(r.IntN(cols)))
			if valued {
				x.Val = append(x.Val, F(r.IntN(64)-32)/16)
			}
		}
		x.Ptr = append(x.Ptr, int32(len(x.Col)))
	}
	if valued && x.Val == nil {
		x.Val = []F{}
	}
	return x.RowRange(2, rows+2)
}
