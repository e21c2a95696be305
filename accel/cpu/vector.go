package cpu

import (
	"math"

	"curvestream/accel"
)

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
func (v *Vector[F]) Scale(a float64) {
	v.b.spread(len(v.x), longLoop, func(lo, hi int) { v.b.kern.scale(F(a), v.x[lo:hi]) })
}

// Add implements accel.Vector.
func (v *Vector[F]) Add(a float64, w accel.Vector[F]) {
	y := v.same(w)
	v.b.spread(len(v.x), longLoop, func(lo, hi int) { v.b.kern.axpy(F(a), y[lo:hi], v.x[lo:hi]) })
}

// Mul implements accel.Vector.
func (v *Vector[F]) Mul(w accel.Vector[F]) {
	y := v.same(w)
	v.b.spread(len(v.x), longLoop, func(lo, hi int) { v.b.kern.mul(v.x[lo:hi], y[lo:hi]) })
}

// Div implements accel.Vector.
func (v *Vector[F]) Div(w accel.Vector[F]) {
	y := v.same(w)
	v.b.spread(len(v.x), longLoop, func(lo, hi int) { v.b.kern.div(v.x[lo:hi], y[lo:hi]) })
}

// Shift implements accel.Vector.
func (v *Vector[F]) Shift(a float64) {
	v.b.spread(len(v.x), longLoop, func(lo, hi int) { v.b.kern.shift(F(a), v.x[lo:hi]) })
}

// Pow implements accel.Vector. The exponents of the preconditioners of section 11, ½ and ¾, are square roots.
func (v *Vector[F]) Pow(p float64) {
	v.b.spread(len(v.x), longPow, func(lo, hi int) { power(v.x[lo:hi], p) })
}

// power sets xᵢ = xᵢᵖ.
func power[F accel.Float](x []F, p float64) {
	switch p {
	case 0.5:
		for i, xi := range x {
			x[i] = F(math.Sqrt(float64(xi)))
		}
	case 0.75:
		for i, xi := range x {
			root := math.Sqrt(float64(xi))
			x[i] = F(root * math.Sqrt(root))
		}
	default:
		for i, xi := range x {
			x[i] = F(math.Pow(float64(xi), p))
		}
	}
}

// Dot implements accel.Vector. Blocks are summed by themselves, in lanes of float64, and their sums in order.
func (v *Vector[F]) Dot(w accel.Vector[F]) float64 {
	y := v.same(w)
	var sum float64
	if len(v.x) < longLoop || v.b.threads == 1 {
		for lo := 0; lo < len(v.x); lo += block {
			hi := min(lo+block, len(v.x))
			sum += v.b.kern.dot(v.x[lo:hi], y[lo:hi])
		}
		return sum
	}
	sums := make([]float64, (len(v.x)+block-1)/block)
	v.b.spread(len(v.x), longLoop, func(lo, hi int) { sums[lo/block] = v.b.kern.dot(v.x[lo:hi], y[lo:hi]) })
	for _, s := range sums {
		sum += s
	}
	return sum
}

// Read implements accel.Vector.
func (v *Vector[F]) Read(dst []F) { copy(dst, v.x) }

// Write implements accel.Vector.
func (v *Vector[F]) Write(src []F) { copy(v.x, src) }
