package cpu

import (
	"fmt"

	"curvestream/accel"
)

// A Stream runs each operation at once, on the goroutine that calls it. Its scratch memory grows to what the largest
// operation needs and is kept for later runs, so that nothing is allocated in the steady state.
type Stream[F accel.Float] struct {
	kern    *kernels[F]
	scratch scratch[F]
}

var (
	_ accel.Stream[float32] = (*Stream[float32])(nil)
	_ accel.Stream[float64] = (*Stream[float64])(nil)
)

// Sync implements accel.Stream. Operations have ended when they return, and memory does not fail.
func (s *Stream[F]) Sync() error { return nil }

// A view is a matrix as the kernels see it: x holds element (0, 0) first and ends with the last element.
type view[F accel.Float] struct {
	x                  []F
	rows, cols, stride int
}

// look returns what m shows of its vector's memory.
func look[F accel.Float](m accel.Mat[F]) view[F] {
	if m.Rows == 0 || m.Cols == 0 {
		return view[F]{rows: m.Rows, cols: m.Cols}
	}
	if m.Stride < m.Cols && m.Rows > 1 {
		panic("cpu: stride of a matrix below its columns")
	}
	return view[F]{x: memory(m.V)[m.Off : m.Off+(m.Rows-1)*m.Stride+m.Cols], rows: m.Rows, cols: m.Cols, stride: m.Stride}
}

// row returns row i.
func (v view[F]) row(i int) []F { return v.x[i*v.stride:][:v.cols:v.cols] }

// isDense reports whether rows follow each other without a gap.
func (v view[F]) isDense() bool { return v.stride == v.cols || v.rows <= 1 }

// lines returns how many runs of contiguous elements v has and how long each is: one run where v is dense.
func (v view[F]) lines(dense bool) (n, length int) {
	if dense {
		return min(v.rows, 1), v.rows * v.cols
	}
	return v.rows, v.cols
}

// line returns run i of the given length.
func (v view[F]) line(i, length int) []F { return v.x[i*v.stride:][:length:length] }

// lookTwo returns views of two matrices of one shape, and whether both are dense.
func lookTwo[F accel.Float](a, b accel.Mat[F]) (va, vb view[F], dense bool) {
	checkShape(a, b)
	va, vb = look(a), look(b)
	return va, vb, va.isDense() && vb.isDense()
}

func checkShape[F accel.Float](a, b accel.Mat[F]) {
	if a.Rows != b.Rows || a.Cols != b.Cols {
		panic(fmt.Sprintf("cpu: shapes differ: %d×%d and %d×%d", a.Rows, a.Cols, b.Rows, b.Cols))
	}
}
