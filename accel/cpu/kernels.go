package cpu

import "curvestream/accel"

// kernels are the loops that cost, in the form that the chosen path gives them. Each works on contiguous elements of equal
// number and allocates nothing; the plain Go loops in portable.go say what each computes.
type kernels[F accel.Float] struct {
	name  string
	tiles *tiles[F]
	// copyPanel copies a matrix of rows × cols; cols ≤ dstStride, and what it leaves right of the columns is arbitrary.
	copyPanel func(dst []F, dstStride int, src []F, srcStride, rows, cols int)
	// transpose sets dst, cols × rows, to the transpose of src, rows × cols.
	transpose func(dst []F, dstStride int, src []F, srcStride, rows, cols int)

	axpy       func(a F, x, y []F)    // y = y + a x
	scale      func(a F, x []F)       // x = a x
	scaleSub   func(a F, x, y []F)    // x = a x − y
	shift      func(a F, x []F)       // x = x + a
	mul        func(x, y []F)         // x = x y
	div        func(x, y []F)         // x = x / y
	addSquares func(a F, x, y []F)    // y = y + a x²
	setProduct func(a F, x, y, z []F) // z = a x y
	addProduct func(a F, x, y, z []F) // z = z + a x y
	dot        func(x, y []F) float64 // xᵀy, summed in float64

	addTwo   func(a F, x, p, r, q, b []F) (rx, bx float64) // x = x + a p, r = r + a q; rᵀx and bᵀx as by dot
	quotient func(y, r, d []F) float64                     // y = r / d; rᵀy as by dot

	sum          func(x []F) float64 // Σ x, in float64
	expShifted   func(a F, x []F)    // x = exp(x − a)
	crossEntropy func(y, z, t []F)   // y = max(z, 0) − z t + log(1+exp(−|z|)), the cross-entropy of σ(z) with t

	// Indexed by accel.Activation; nothing at Linear, which needs no loop.
	activate      [4]func(h []F)
	mulDerivative [4]func(d, h []F)
	addSecond     [4]func(rd, d, h, ra []F)
	addScaled     [4]func(b []F, alpha F, a, h []F)
}
