// Package simd has the three loops over values that reading spends its time in, in assembly where the processor has AVX2 and in plain Go
// elsewhere: are all values finite, fetch what is read next, and turn eight sequences into the columns of a time-major batch. Both
// paths give the same bits.
package simd

// Finite tells whether no value is infinite or NaN.
func Finite(x []float32) bool {
	const few = 32 // fewer are not worth the call, and the loop of the assembly wants them
	if !fast || len(x) < few {
		return finite(x)
	}
	whole := len(x) &^ (few - 1)
	return finiteFast(x[:whole]) && finite(x[whole:])
}

// Fetch asks for values to be brought into the cache, for a caller that goes on to other work before it reads them. It reads nothing: x may
// be of memory that is no longer there.
func Fetch(x []float32) {
	if fast && len(x) > 0 {
		fetchFast(x)
	}
}

// Columns writes eight sequences beside each other: for each t < len(offsets), rows[c][t] becomes to[offsets[t]+c]. It panics where a row is
// shorter than offsets, or to ends before one of the places. offsets must ascend.
func Columns(to []float32, offsets []int, rows *[8][]float32) {
	n := len(offsets)
	if n == 0 {
		return
	}
	for _, row := range rows {
		_ = row[:n]
	}
	_, _ = to[offsets[0]], to[offsets[n-1]+7]
	whole := 0
	if fast {
		if whole = n &^ 7; whole > 0 {
			columnsFast(to, offsets[:whole], rows)
		}
	}
	columns(to, offsets, rows, whole)
}
