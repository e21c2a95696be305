package pipeline

import (
	"math/bits"
	"sync"

	"curvestream/ingest"
	"curvestream/nn"
)

// A pool keeps memory that will be needed again, of values of one kind. What lies in it is garbage to the collector, so that it is
// bounded as garbage is.
type pool[T any] struct{ pool sync.Pool }

func (p *pool[T]) take() *T {
	if v, ok := p.pool.Get().(*T); ok {
		return v
	}
	return new(T)
}

func (p *pool[T]) give(v *T) { p.pool.Put(v) }

// A slicePool is a pool of slices.
type slicePool[T any] struct{ pool[[]T] }

// take returns n values, whatever they are.
func (p *slicePool[T]) take(n int) []T { return resized(*p.pool.take(), n) }

func (p *slicePool[T]) give(s []T) {
	if cap(s) > 0 {
		p.pool.give(&s)
	}
}

// resized returns n values, whatever they are, in the memory of s if there is room. New memory has up to an eighth more than asked for, so
// that it serves the next of about the same size.
func resized[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n, roomy(n))
}

// roomy rounds n up to a number with four binary digits before zeros.
func roomy(n int) int {
	unit := 1 << max(0, bits.Len(uint(n))-4)
	return (n + unit - 1) / unit * unit
}

// A batchPool keeps the memory of batches by the size of their inputs.
type batchPool[F ingest.Float] struct{ sizes [8 * 64]pool[nn.Batch[F]] }

func class(n int) int {
	n = roomy(n)
	digits := bits.Len(uint(n))
	return 8*digits + n>>max(0, digits-4)&7
}

// take returns a batch that is no longer used, with room for so many inputs if there is one, else an empty one.
func (p *batchPool[F]) take(inputs int) *nn.Batch[F] { return p.sizes[class(inputs)].take() }

// give takes a batch that is no longer used, unless a consumer kept it.
func (p *batchPool[F]) give(b *nn.Batch[F]) {
	if !b.Kept {
		p.sizes[class(b.Rows()*b.In)].give(b)
	}
}
