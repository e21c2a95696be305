package cpu

import (
	"unsafe"

	"curvestream/accel"
)

// portableTiles returns microkernels in plain Go. Their 8 accumulators are variables, which the compiler keeps in registers.
func portableTiles[F accel.Float]() *tiles[F] {
	return &tiles[F]{
		heights: []int{2, 1}, widths: []int{4}, full: 4, kc: 256, mc: 64, nc: 512,
		micro: [][]micro[F]{{tilewise(2, micro2[F])}, {tilewise(1, micro1[F])}},
	}
}

// tilewise returns the microkernel that runs one for a single tile of so many rows on one tile after the other.
func tilewise[F accel.Float](rows int, one func(k int, a *F, aRow, aK int, b *F, bK int, c *F, cRow int, add bool, cols int)) micro[F] {
	return func(tiles, k int, a *F, aRow, aK, aTile int, b *F, bK int, c *F, cRow int, add bool, cols int) {
		for i := range tiles {
			if i > 0 {
				a, c = at(a, aTile), at(c, rows*cRow)
			}
			one(k, a, aRow, aK, b, bK, c, cRow, add, cols)
		}
	}
}

// micro2 has 2 rows. It reads 4 columns, whether or not all are inside C.
func micro2[F accel.Float](k int, a *F, aRow, aK int, b *F, bK int, c *F, cRow int, add bool, cols int) {
	var s00, s01, s02, s03, s10, s11, s12, s13 F
	x0, x1, row := a, at(a, aRow), b
	for p := range k {
		if p > 0 {
			x0, x1, row = at(x0, aK), at(x1, aK), at(row, bK)
		}
		y := (*[4]F)(unsafe.Pointer(row))
		s00 += *x0 * y[0]
		s01 += *x0 * y[1]
		s02 += *x0 * y[2]
		s03 += *x0 * y[3]
		s10 += *x1 * y[0]
		s11 += *x1 * y[1]
		s12 += *x1 * y[2]
		s13 += *x1 * y[3]
	}
	store(c, [4]F{s00, s01, s02, s03}, add, cols)
	store(at(c, cRow), [4]F{s10, s11, s12, s13}, add, cols)
}

// micro1 has one row.
func micro1[F accel.Float](k int, a *F, _, aK int, b *F, bK int, c *F, _ int, add bool, cols int) {
	var s0, s1, s2, s3 F
	x, row := a, b
	for p := range k {
		if p > 0 {
			x, row = at(x, aK), at(row, bK)
		}
		y := (*[4]F)(unsafe.Pointer(row))
		s0 += *x * y[0]
		s1 += *x * y[1]
		s2 += *x * y[2]
		s3 += *x * y[3]
	}
	store(c, [4]F{s0, s1, s2, s3}, add, cols)
}

// store sets a row of C, or adds to it.
func store[F accel.Float](c *F, sum [4]F, add bool, cols int) {
	row := unsafe.Slice(c, cols)
	for j := range row {
		if add {
			row[j] += sum[j]
		} else {
			row[j] = sum[j]
		}
	}
}

// at returns the element so many bytes after p, which lies in the same slice.
func at[F accel.Float](p *F, bytes int) *F { return (*F)(unsafe.Add(unsafe.Pointer(p), bytes)) }
