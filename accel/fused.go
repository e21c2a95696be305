package accel

// A FusedVector is a Vector that does the vector work of CG (algorithm 2) in fewer passes over memory. It is optional: a caller
// asks for it by a type assertion on one vector, and all vectors of that memory are such vectors or none is. Each method
// leaves the bits that the methods of Vector named in its documentation leave, one after the other, and panics where they do.
type FusedVector[F Float] interface {
	Vector[F]
	// AddTwo sets v = v + a p and r = r + a q, and returns rᵀv and bᵀv: Add, Add, Dot and Dot. In CG, v is the iterate, r the
	// residual, p the direction and q = Ap. v and r differ from each other and from the rest.
	AddTwo(a float64, p, r, q, b Vector[F]) (rv, bv float64)
	// Quotient sets v = r / d, element by element, and returns rᵀv: Copy, Div and Dot. v is neither r nor d.
	Quotient(r, d Vector[F]) float64
	// ScaleSub sets v = a v − w: Scale by a, Add of −w. v is not w.
	ScaleSub(a float64, w Vector[F])
}
