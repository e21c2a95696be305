package cuda

import "curvestream/accel"

// Tensor cores multiply in tiles of tensor.cu.
const (
	tensorSide    = 64
	tensorThreads = 128
)

var tensorTiles = map[accel.Precision][]tile{
	accel.TF32:   {{"tf32", tensorSide, tensorThreads}},
	accel.TF32x3: {{"tf32x3", tensorSide, tensorThreads}},
}

var (
	_ accel.Precise = (*Backend[float32])(nil)
	_ accel.Reducer = (*Stream[float32])(nil)
)

// SetPrecision implements accel.Precise: tensor cores are for float32.
func (b *Backend[F]) SetPrecision(p accel.Precision) bool {
	if size[F]() == 8 {
		return p == accel.Full
	}
	b.precision.Store(int32(p))
	return true
}

// Reduce implements accel.Reducer.
func (s *Stream[F]) Reduce(may bool) (before bool) {
	before, s.reduced = s.reduced, may
	return before
}

// byTensorCores has the tensor cores make a product, where that is allowed and chosen.
func (s *Stream[F]) byTensorCores(form string, alpha F, a, b view, beta F, c view, m, n, k int) bool {
	tiles := tensorTiles[accel.Precision(s.b.precision.Load())]
	if !s.reduced || tiles == nil {
		return false
	}
	s.tiled(splitOf(tiles, m, n, k), form, alpha, a, b, beta, c, m, n, k)
	return true
}
