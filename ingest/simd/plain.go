package simd

import (
	"math"
	"unsafe"
)

// finite is Finite: adding one to an exponent that is all ones carries into the place of the sign. Two values at a time are looked at.
func finite(x []float32) bool {
	const exponents, ones, carries = 0x7f800000_7f800000, 0x00800000_00800000, 0x80000000_80000000
	carried := uint64(0)
	for len(x) >= 8 {
		pairs := (*[4]uint64)(unsafe.Pointer(&x[0]))
		carried |= (pairs[0]&exponents + ones) | (pairs[1]&exponents + ones) | (pairs[2]&exponents + ones) | (pairs[3]&exponents + ones)
		x = x[8:]
	}
	for _, v := range x {
		carried |= uint64(math.Float32bits(v))&exponents + ones
	}
	return carried&carries == 0
}

// columns is Columns from a time-step on.
func columns(to []float32, offsets []int, rows *[8][]float32, from int) {
	n := len(offsets)
	r0, r1, r2, r3 := rows[0][:n], rows[1][:n], rows[2][:n], rows[3][:n]
	r4, r5, r6, r7 := rows[4][:n], rows[5][:n], rows[6][:n], rows[7][:n]
	for t := from; t < n; t++ {
		d := (*[8]float32)(to[offsets[t]:])
		d[0], d[1], d[2], d[3] = r0[t], r1[t], r2[t], r3[t]
		d[4], d[5], d[6], d[7] = r4[t], r5[t], r6[t], r7[t]
	}
}
