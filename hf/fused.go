package hf

import "curvestream/accel"

// The vector work of a CG iteration, in as few passes over memory as the vectors allow: the bits are the same either way.

// descend sets x = x + alpha p and r = r + alpha Ap, and returns rᵀx and bᵀx.
func descend[F accel.Float](alpha float64, x, p, r, Ap, b accel.Vector[F]) (rx, bx float64) {
	if f, ok := x.(accel.FusedVector[F]); ok {
		return f.AddTwo(alpha, p, r, Ap, b)
	}
	x.Add(alpha, p)
	r.Add(alpha, Ap)
	return r.Dot(x), b.Dot(x)
}

// turn sets p = beta p − y.
func turn[F accel.Float](p accel.Vector[F], beta float64, y accel.Vector[F]) {
	if f, ok := p.(accel.FusedVector[F]); ok {
		f.ScaleSub(beta, y)
		return
	}
	p.Scale(beta)
	p.Add(-1, y)
}

// solve solves P y = r, where there is a P, and returns rᵀy. y is r where there is none.
func (cg CG[F]) solve(y, r accel.Vector[F]) float64 {
	switch P := cg.Precondition.(type) {
	case nil:
	case Diagonal[F]:
		if f, ok := y.(accel.FusedVector[F]); ok {
			return f.Quotient(r, P.D)
		}
		P.Solve(y, r)
	default:
		P.Solve(y, r)
	}
	return r.Dot(y)
}
