package accel

import "math"

// A Slice is a Vector in the memory of this process. It is single-threaded and defines what the vectors of a backend
// compute.
type Slice[F Float] []F

var (
	_ Vector[float32] = Slice[float32](nil)
	_ Vector[float64] = Slice[float64](nil)
)

// Len implements Vector.
func (v Slice[F]) Len() int { return len(v) }

// New implements Vector.
func (v Slice[F]) New() Vector[F] { return make(Slice[F], len(v)) }

// View implements Vector.
func (v Slice[F]) View(lo, hi int) Vector[F] { return v[lo:hi:hi] }

// Zero implements Vector.
func (v Slice[F]) Zero() { clear(v) }

// Copy implements Vector.
func (v Slice[F]) Copy(w Vector[F]) { copy(v, w.(Slice[F])) }

// Scale implements Vector.
func (v Slice[F]) Scale(a float64) {
	for i := range v {
		v[i] *= F(a)
	}
}

// Add implements Vector.
func (v Slice[F]) Add(a float64, w Vector[F]) {
	for i, wi := range w.(Slice[F]) {
		v[i] += F(a) * wi
	}
}

// Mul implements Vector.
func (v Slice[F]) Mul(w Vector[F]) {
	for i, wi := range w.(Slice[F]) {
		v[i] *= wi
	}
}

// Div implements Vector.
func (v Slice[F]) Div(w Vector[F]) {
	for i, wi := range w.(Slice[F]) {
		v[i] /= wi
	}
}

// Shift implements Vector.
func (v Slice[F]) Shift(a float64) {
	for i := range v {
		v[i] += F(a)
	}
}

// Pow implements Vector.
func (v Slice[F]) Pow(p float64) {
	for i := range v {
		v[i] = F(math.Pow(float64(v[i]), p))
	}
}

// Dot implements Vector.
func (v Slice[F]) Dot(w Vector[F]) float64 {
	var sum float64
	for i, wi := range w.(Slice[F]) {
		sum += float64(v[i]) * float64(wi)
	}
	return sum
}

// Read implements Vector.
func (v Slice[F]) Read(dst []F) { copy(dst, v) }

// Write implements Vector.
func (v Slice[F]) Write(src []F) { copy(v, src) }
