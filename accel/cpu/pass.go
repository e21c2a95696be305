package cpu

import (
	"math"

	"curvestream/accel"
)

// A pass is one loop over the elements of vectors of equal length: what it does to a range of them, and with what. It is a value
// and not a closure, so that nothing is allocated.
type pass[F accel.Float] struct {
	op      operation
	v, w    []F
	r, q, b []F // of the fused ones
	a       float64
}

type operation int

const (
	opScale    operation = iota // v = a v
	opShift                     // v = v + a
	opPow                       // v = vᵃ
	opAdd                       // v = v + a w
	opMul                       // v = v w
	opDiv                       // v = v / w
	opDot                       // vᵀw
	opAddTwo                    // v = v + a w, r = r + a q; rᵀv, bᵀv
	opQuotient                  // v = r / w; rᵀv
	opScaleSub                  // v = a v − w
)

// run does the pass's work on elements lo to hi, a block or less, and returns its sums.
func (p *pass[F]) run(k *kernels[F], lo, hi int) (x, y float64) {
	v := p.v[lo:hi]
	switch p.op {
	case opScale:
		k.scale(F(p.a), v)
	case opShift:
		k.shift(F(p.a), v)
	case opPow:
		power(v, p.a)
	case opAdd:
		k.axpy(F(p.a), p.w[lo:hi], v)
	case opMul:
		k.mul(v, p.w[lo:hi])
	case opDiv:
		k.div(v, p.w[lo:hi])
	case opDot:
		return k.dot(v, p.w[lo:hi]), 0
	case opAddTwo:
		return k.addTwo(F(p.a), v, p.w[lo:hi], p.r[lo:hi], p.q[lo:hi], p.b[lo:hi])
	case opQuotient:
		return k.quotient(v, p.r[lo:hi], p.w[lo:hi]), 0
	case opScaleSub:
		k.scaleSub(F(p.a), v, p.w[lo:hi])
	}
	return 0, 0
}

// power sets xᵢ = xᵢᵖ. The exponents of the preconditioners of section 11, ½ and ¾, are square roots.
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
