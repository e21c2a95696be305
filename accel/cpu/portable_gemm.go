package cpu

import (
	"unsafe"

	"curvestream/accel"
)

// portableTiles returns microkernels in plain Go, of up to 4 rows and 4 columns, whose accumulators the compiler keeps in
// registers.
func portableTiles[F accel.Float]() *tiles[F] {
	return &tiles[F]{
		heights: []int{4, 1}, widths: []int{4}, kc: 256, mc: 64, nc: 512, masked: true,
		micro: [][]micro[F]{{micro4[F]}, {micro1[F]}},
	}
}

// micro4 has 4 rows. It computes all 4 columns where there are 4 to read.
func micro4[F accel.Float](k int, a *F, aRow, aK int, b *F, bK int, c *F, cRow int, alpha F, add bool, cols int) {
	for i := range 4 {
		micro1(k, at(a, i*aRow), aRow, aK, b, bK, at(c, i*cRow), cRow, alpha, add, cols)
	}
}

// micro1 has one row.
func micro1[F accel.Float](k int, a *F, _, aK int, b *F, bK int, c *F, _ int, alpha F, add bool, cols int) {
	var sum [4]F
	for p := range k {
		x := *at(a, p*aK)
		row := unsafe.Slice(at(b, p*bK), cols)
		for j, y := range row {
			sum[j&3] += x * y
		}
	}
	for j := range cols {
		if add {
			*at(c, j*int(unsafe.Sizeof(alpha))) += alpha * sum[j]
		} else {
			*at(c, j*int(unsafe.Sizeof(alpha))) = alpha * sum[j]
		}
	}
}

// at returns the element so many bytes after p, which lies in the same slice.
func at[F accel.Float](p *F, bytes int) *F { return (*F)(unsafe.Add(unsafe.Pointer(p), bytes)) }
