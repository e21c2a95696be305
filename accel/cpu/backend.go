// Package cpu computes on the processor: plain Go everywhere, and packed, register-blocked kernels in assembly where the
// processor has AVX2 and FMA or AVX-512.
//
// Work is split by the caller into shards of a chunk's columns (a chunk is the report's computational minibatch, section
// 7.1); inside a shard everything is single-threaded, and shards are joined once a product. Which bits come out
// depends on the kernels in use, never on the number of threads.
package cpu

import (
	"fmt"
	"os"
	"runtime"
	"sync"

	"curvestream/accel"
)

// Options say how a backend uses the processor. The zero value uses all of it.
type Options struct {
	// Threads is how many goroutines work at once in Run and in operations on long vectors. Zero means GOMAXPROCS.
	Threads int
}

// A Backend computes in the memory of this process. It is safe for concurrent use.
type Backend[F accel.Float] struct {
	threads int
	kern    *kernels[F]

	mu      sync.Mutex
	idle    []*Stream[F] // streams whose scratch memory waits for the next Run
	crews   []*crew[F]   // waiting for the next Run
	spreads []*spread[F] // waiting for the next long pass
}

var (
	_ accel.Backend[float32] = (*Backend[float32])(nil)
	_ accel.Backend[float64] = (*Backend[float64])(nil)
)

// New returns a backend with the fastest kernels that this processor can run. The environment variable CURVESTREAM_CPU,
// portable, avx2 or avx512, asks for a slower path, for tests. New panics where it names none that the processor can run:
// a test that silently took another path would prove nothing.
func New[F accel.Float](o Options) *Backend[F] {
	p, err := choosePath(os.Getenv("CURVESTREAM_CPU"), bestPath())
	if err != nil {
		panic(err)
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return newBackend[F](p, threads)
}

func newBackend[F accel.Float](p path, threads int) *Backend[F] {
	return &Backend[F]{threads: threads, kern: kernelsFor[F](p)}
}

// Name implements accel.Backend: "cpu/" and the kernel path.
func (b *Backend[F]) Name() string { return "cpu/" + b.kern.name }

// Threads returns how many goroutines work at once.
func (b *Backend[F]) Threads() int { return b.threads }

// NewVector implements accel.Backend.
func (b *Backend[F]) NewVector(n int) (accel.Vector[F], error) {
	if n < 0 {
		return nil, fmt.Errorf("cpu: making a vector: length %d is negative", n)
	}
	return &Vector[F]{x: make([]F, n), b: b}, nil
}

// FromHost implements accel.Backend. The vector shares memory with src.
func (b *Backend[F]) FromHost(src []F) (accel.Vector[F], error) {
	return &Vector[F]{x: src, b: b}, nil
}

// Shards are wide enough for the kernels, whose tiles are up to 12 rows high, and not more than the cores of a usual
// machine, since each has sums of its own that are added in the end.
const (
	shardWidth = 64 // columns that a shard should have at least
	maxShards  = 8
	splitFrom  = 32 // columns from which there are at least two shards
)

// Shards implements accel.Backend: one shard for each 64 columns, at most 8, and at least 2 from 32 columns up.
func (b *Backend[F]) Shards(columns int) int {
	if columns < splitFrom {
		return 1
	}
	return min(max(columns/shardWidth, 2), maxShards)
}
