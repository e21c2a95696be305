package cpu

import "curvestream/accel"

var (
	_ accel.FusedVector[float32] = (*Vector[float32])(nil)
	_ accel.FusedVector[float64] = (*Vector[float64])(nil)
)

// AddTwo implements accel.FusedVector.
func (v *Vector[F]) AddTwo(a float64, p, r, q, b accel.Vector[F]) (rv, bv float64) {
	return v.b.pass(pass[F]{op: opAddTwo, a: a, v: v.x, w: v.same(p), r: v.same(r), q: v.same(q), b: v.same(b)})
}

// Quotient implements accel.FusedVector.
func (v *Vector[F]) Quotient(r, d accel.Vector[F]) float64 {
	sum, _ := v.b.pass(pass[F]{op: opQuotient, v: v.x, r: v.same(r), w: v.same(d)})
	return sum
}

// ScaleSub implements accel.FusedVector.
func (v *Vector[F]) ScaleSub(a float64, w accel.Vector[F]) {
	v.b.pass(pass[F]{op: opScaleSub, a: a, v: v.x, w: v.same(w)})
}
