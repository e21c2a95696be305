package cpu

import "curvestream/accel"

// scratch is the memory that a stream keeps between operations.
type scratch[F accel.Float] struct {
	a, b []F // blocks of a product's operands
	row  []F // one row of an output matrix
	one  []F // a single 1
}

// grow returns n elements of *buf, making it longer where needed. Their values are arbitrary.
func grow[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	return (*buf)[:n]
}
