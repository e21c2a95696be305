package ingest

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A recycler is an allocator that keeps what is freed for what is allocated next: records of one unit after the other are about the same
// size. What it keeps is garbage to the collector, so that it is bounded as garbage is. It is safe for concurrent use.
type recycler struct {
	memory.GoAllocator
	sizes [8 * 64]sync.Pool // of *byte, the begin of memory of the size of the class
}

// recycledFrom is the size from which memory is worth keeping.
const recycledFrom = 4 << 10

// recycled is what all sources allocate from.
var recycled recycler

// sizeClass rounds a size up to a number with four binary digits before zeros, and numbers these.
func sizeClass(size int) (class, rounded int) {
	digits := bits.Len(uint(size))
	unit := 1 << max(0, digits-4)
	rounded = (size + unit - 1) / unit * unit
	digits = bits.Len(uint(rounded))
	return 8*digits + rounded>>max(0, digits-4)&7, rounded
}

// Allocate returns zeroed memory, as Arrow's list decoding wants it.
func (r *recycler) Allocate(size int) []byte {
	b, used := r.take(size)
	if used {
		clear(b)
	}
	return b
}

// dirty returns memory that may hold anything, for who writes all of it.
func (r *recycler) dirty(size int) []byte {
	b, _ := r.take(size)
	return b
}

func (r *recycler) take(size int) (b []byte, used bool) {
	if size < recycledFrom {
		return r.GoAllocator.Allocate(size), false
	}
	class, rounded := sizeClass(size)
	if p, ok := r.sizes[class].Get().(*byte); ok {
		return unsafe.Slice(p, rounded)[:size], true
	}
	return r.GoAllocator.Allocate(rounded)[:size], false
}

// Reallocate resizes b. What is new is zero.
func (r *recycler) Reallocate(size int, b []byte) []byte {
	if cap(b) >= size {
		clear(b[:size][min(len(b), size):])
		return b[:size]
	}
	grown := r.Allocate(size)
	copy(grown, b)
	r.Free(b)
	return grown
}

// Free keeps b, which must not be used any more.
func (r *recycler) Free(b []byte) {
	if cap(b) < recycledFrom {
		return
	}
	class, rounded := sizeClass(cap(b))
	if rounded != cap(b) {
		return // it came from elsewhere
	}
	if scribble {
		b = b[:cap(b)]
		for i := range b {
			b[i] = 0xA5
		}
	}
	r.sizes[class].Put(unsafe.SliceData(b))
}
