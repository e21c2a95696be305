package cuda

import (
	"fmt"

	"curvestream/accel"
)

// A Stream puts operations on the stream of its device. What they need of host memory is copied when they are asked for.
type Stream[F accel.Float] struct {
	b                *Backend[F]
	onDevice, onHost []*slab
	reduced          bool     // products may be by the backend's precision
	atSync           []func() // what is to be done with sums once they are on the host
}

var (
	_ accel.Stream[float32] = (*Stream[float32])(nil)
	_ accel.Stream[float64] = (*Stream[float64])(nil)
)

// Sync implements accel.Stream.
func (s *Stream[F]) Sync() error {
	err := s.b.d.sync()
	if err == nil {
		for _, f := range s.atSync {
			f()
		}
	}
	s.atSync = s.atSync[:0]
	s.release()
	return err
}

// abandon ends what was asked for without its sums.
func (s *Stream[F]) abandon() {
	s.atSync = s.atSync[:0]
	if s.b.d.sync() == nil {
		s.release()
	}
}

// A view is a matrix as kernels see it.
type view struct{ address, stride arg }

// look returns where m is. Matrices without elements are nowhere.
func (s *Stream[F]) look(m accel.Mat[F]) view {
	if m.Rows == 0 || m.Cols == 0 {
		return view{}
	}
	v, ours := m.V.(*Vector[F])
	if !ours || v.b.d != s.b.d {
		panic("cuda: matrix in a vector of another backend")
	}
	if m.Off < 0 || (m.Stride < m.Cols && m.Rows > 1) || m.Off+(m.Rows-1)*m.Stride+m.Cols > v.n {
		panic(fmt.Sprintf("cuda: a matrix of %d×%d with stride %d from %d in a vector of %d", m.Rows, m.Cols, m.Stride, m.Off, v.n))
	}
	return view{v.at(m.Off), integer(m.Stride)}
}

// each launches a kernel with one thread for each element of matrices of one shape: args, rows, columns.
func (s *Stream[F]) each(kernel string, m accel.Mat[F], args ...arg) {
	s.b.launch(kernel, m.Rows*m.Cols, append(args, integer(m.Rows), integer(m.Cols))...)
}

// like returns where a is, which has the shape of m.
func (s *Stream[F]) like(m, a accel.Mat[F]) view {
	if a.Rows != m.Rows || a.Cols != m.Cols {
		panic(fmt.Sprintf("cuda: shapes differ: %d×%d and %d×%d", m.Rows, m.Cols, a.Rows, a.Cols))
	}
	return s.look(a)
}
