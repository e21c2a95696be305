package cuda

import (
	"math"

	"curvestream/accel"
)

// Dot implements accel.Vector: chunks of 4096 elements, whatever the device, and then their sums, in a fixed order.
func (v *Vector[F]) Dot(w accel.Vector[F]) float64 {
	from := v.same(w)
	sums := v.reduce(1, func(partial arg, chunks uint32) {
		v.b.launchGrid("dot", [3]uint32{chunks, 1, 1}, blockLength, partial, v.at(0), from, integer(v.n))
	})
	return sums[0]
}

// AddTwo implements accel.FusedVector.
func (v *Vector[F]) AddTwo(a float64, p, r, q, b accel.Vector[F]) (rv, bv float64) {
	pa, ra, qa, ba := v.same(p), v.same(r), v.same(q), v.same(b)
	sums := v.reduce(2, func(partial arg, chunks uint32) {
		v.b.launchGrid("add_two", [3]uint32{chunks, 1, 1}, blockLength, partial, v.at(0), number(F(a)), pa, ra, qa, ba, integer(v.n), integer(chunks))
	})
	return sums[0], sums[1]
}

// Quotient implements accel.FusedVector.
func (v *Vector[F]) Quotient(r, d accel.Vector[F]) float64 {
	ra, da := v.same(r), v.same(d)
	sums := v.reduce(1, func(partial arg, chunks uint32) {
		v.b.launchGrid("quotient", [3]uint32{chunks, 1, 1}, blockLength, partial, v.at(0), ra, da, integer(v.n))
	})
	return sums[0]
}

// ScaleSub implements accel.FusedVector.
func (v *Vector[F]) ScaleSub(a float64, w accel.Vector[F]) {
	v.each("scale_sub", v.at(0), number(F(a)), v.same(w))
}

// reduce launches a kernel that leaves sums over chunks, adds them up, and returns the one or two sums: a wait for the device.
func (v *Vector[F]) reduce(n int, partialSums func(partial arg, chunks uint32)) [2]float64 {
	if v.n == 0 {
		return [2]float64{}
	}
	s := v.b.takeStream()
	defer v.b.putStream(s)
	chunks := uint32((v.n + chunkLength - 1) / chunkLength)
	partial, sums := s.scratch(int64(n)*int64(chunks)*8), s.scratch(int64(n)*8)
	partialSums(partial, chunks)
	v.b.launchGrid("total", [3]uint32{uint32(n), 1, 1}, blockLength, sums, partial, integer(chunks))
	host := s.download(sums, int64(n)*8)
	if s.Sync() != nil {
		return [2]float64{math.NaN(), math.NaN()}
	}
	var result [2]float64
	for i := range n {
		result[i] = host()[i]
	}
	return result
}
