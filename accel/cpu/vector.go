package cpu

import "curvestream/accel"

// A Vector lies in the memory of this process. Methods that take another vector take an accel.Slice as well.
type Vector[F accel.Float] struct {
	x []F
	b *Backend[F]
}

var (
	_ accel.Vector[float32] = (*Vector[float32])(nil)
	_ accel.Vector[float64] = (*Vector[float64])(nil)
)

// memory returns the elements of v.
func memory[F accel.Float](v accel.Vector[F]) []F {
	switch v := v.(type) {
	case *Vector[F]:
		return v.x
	case accel.Slice[F]:
		return v
	}
	panic("cpu: vector of another backend")
}

// same returns the elements of w, which has the length of v.
func (v *Vector[F]) same(w accel.Vector[F]) []F {
	x := memory(w)
	if len(x) != len(v.x) {
		panic("cpu: lengths of vectors differ")
	}
	return x
}

// Len implements accel.Vector.
func (v *Vector[F]) Len() int { return len(v.x) }

// New implements accel.Vector.
func (v *Vector[F]) New() accel.Vector[F] { return &Vector[F]{x: make([]F, len(v.x)), b: v.b} }

// View implements accel.Vector.
func (v *Vector[F]) View(lo, hi int) accel.Vector[F] { return &Vector[F]{x: v.x[lo:hi:hi], b: v.b} }

// Zero implements accel.Vector.
func (v *Vector[F]) Zero() { clear(v.x) }

// Copy implements accel.Vector.
func (v *Vector[F]) Copy(w accel.Vector[F]) { copy(v.x, v.same(w)) }

// Scale implements accel.Vector.
func (v *Vector[F]) Scale(a float64) { v.b.pass(pass[F]{op: opScale, a: a, v: v.x}) }

// Add implements accel.Vector.
func (v *Vector[F]) Add(a float64, w accel.Vector[F]) {
	v.b.pass(pass[F]{op: opAdd, a: a, v: v.x, w: v.same(w)})
}

// Mul implements accel.Vector.
func (v *Vector[F]) Mul(w accel.Vector[F]) { v.b.pass(pass[F]{op: opMul, v: v.x, w: v.same(w)}) }

// Div implements accel.Vector.
func (v *Vector[F]) Div(w accel.Vector[F]) { v.b.pass(pass[F]{op: opDiv, v: v.x, w: v.same(w)}) }

// Shift implements accel.Vector.
func (v *Vector[F]) Shift(a float64) { v.b.pass(pass[F]{op: opShift, a: a, v: v.x}) }

// Pow implements accel.Vector.
func (v *Vector[F]) Pow(p float64) { v.b.pass(pass[F]{op: opPow, a: p, v: v.x}) }

// Dot implements accel.Vector. Blocks are summed by themselves, in lanes of float64, and their sums in order.
func (v *Vector[F]) Dot(w accel.Vector[F]) float64 {
	sum, _ := v.b.pass(pass[F]{op: opDot, v: v.x, w: v.same(w)})
	return sum
}

// Read implements accel.Vector.
func (v *Vector[F]) Read(dst []F) { copy(dst, v.x) }

// Write implements accel.Vector.
func (v *Vector[F]) Write(src []F) { copy(v.x, src) }
