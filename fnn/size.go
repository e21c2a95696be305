package fnn

import (
	"unsafe"

	"curvestream/accel"
	"curvestream/nn"
)

// Flops returns how many floating point operations the matrix products of one product G v on b are, a multiplication and an
// addition being two: 8 for each weight and case, but 4 in the first layer, where R{x} = 0 and dx is not needed, and there only for
// inputs that are not zero.
func (n *Net[F]) Flops(b *nn.Batch[F]) float64 {
	inputs := float64(b.Rows() * n.Sizes[0])
	if b.Sparse != nil {
		inputs = float64(len(b.Sparse.Col))
	}
	flops := 4 * inputs * float64(n.Sizes[1])
	for l := 2; l <= n.layers(); l++ {
		flops += 8 * float64(n.Sizes[l]) * float64(n.Sizes[l-1]) * float64(b.Rows())
	}
	return flops
}

// Bytes returns how many bytes a linearization on b needs: the packed batch, activations, derivatives and prepared weights.
// Structural damping needs no more. It looks at how many sequences and inputs b holds; so b may be a batch that has lengths and
// no data.
func (n *Net[F]) Bytes(b *nn.Batch[F], _ bool) int64 {
	return n.bytes(b, n.prepared(true)+n.prepared(false), func(s *sweep[F], a *nn.Arena[F]) { s.carveLinearized(a, &linearized[F]{}) })
}

// GradientBytes returns how many bytes Gradient needs on b, with the diagonal of the empirical Fisher matrix if asked, on top of
// θ and the results; b is as for Bytes.
func (n *Net[F]) GradientBytes(b *nn.Batch[F], fisher bool) int64 {
	return n.bytes(b, n.prepared(true), func(s *sweep[F], a *nn.Arena[F]) { s.carveGradient(a, fisher) })
}

// prepared returns how many elements prepared weights have, with those of a backward sweep if asked.
func (n *Net[F]) prepared(backward bool) int {
	elements := 0
	for l := 1; l <= n.layers(); l++ {
		weights := n.Sizes[l] * n.Sizes[l-1]
		elements += weights
		if backward && l > 1 {
			elements += weights
		}
	}
	return elements
}

// bytes counts the packed batch, what carve carves for each shard, and so many elements of prepared weights.
func (n *Net[F]) bytes(b *nn.Batch[F], prepared int, carve func(s *sweep[F], a *nn.Arena[F])) int64 {
	if len(b.Lengths) == 0 {
		return 0
	}
	elements := len(b.Dense) + len(b.Lengths)*n.Sizes[n.layers()] + prepared
	for _, shard := range nn.Shapes(n.backend, b.Lengths, b.Form) {
		if b.Sparse != nil {
			shard.Sparse = &accel.Sparse[F]{}
		}
		var a nn.Arena[F]
		carve(&sweep[F]{Net: n, shard: shard}, &a)
		elements += a.Used
	}
	if b.Sparse != nil {
		elements += 2*len(b.Sparse.Col) + len(b.Sparse.Ptr)
	}
	return int64(elements) * int64(unsafe.Sizeof(F(0)))
}
