// Package cuda computes on an NVIDIA GPU, from a plain Go build: it calls the driver (libcuda), which is opened when it is needed,
// and hands it the kernels as PTX, which is part of the program. Neither a C compiler nor the CUDA toolkit is needed, to build or to
// run. The device "emulate" runs the same kernels on the processor (package ptx), for tests and for tiny nets.
//
// A device has one stream that computes, on which operations take effect in the order in which they were asked for, one for copies to
// and from pinned host memory beside it, and one executor, a goroutine that is locked to its thread and makes all calls. Results depend
// on shapes alone: sums have a fixed order, and none is shared out by what device it is. So equal inputs give equal bits in each run.
// Products by cuBLAS, where it is found and not switched off, are chosen by that library: there the bits are those of one kind of GPU
// and one version of it.
package cuda

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"curvestream/accel"
)

// Emulated is the name of the device that runs the kernels on the processor.
const Emulated = "emulate"

// A Backend computes on one device. It is safe for concurrent use.
type Backend[F accel.Float] struct {
	d         *device
	name      string
	kernels   map[string]*function
	precision atomic.Int32  // an accel.Precision
	moves     atomic.Uint64 // batches of copies so far

	mu    sync.Mutex
	idle  []*Stream[F]
	plans map[string]*buffer // of sweeps, by what is in them
}

var (
	_ accel.Backend[float32] = (*Backend[float32])(nil)
	_ accel.Backend[float64] = (*Backend[float64])(nil)
)

// Open returns a backend on the device of that name: cuda, which is cuda:0, cuda:1 and so on, or emulate. Close gives it back.
func Open[F accel.Float](name string) (*Backend[F], error) {
	if name == Emulated {
		return openOn[F](newEmulator(), nil, 0, Emulated)
	}
	ordinal, err := ordinalOf(name)
	if err != nil {
		return nil, err
	}
	drv, err := installedDriver()
	if err != nil {
		return nil, err
	}
	lib, _, err := chosenBLAS()
	if err != nil {
		return nil, err
	}
	return openOn[F](drv, lib, ordinal, fmt.Sprintf("cuda:%d", ordinal))
}

func ordinalOf(name string) (int, error) {
	if name == "cuda" {
		return 0, nil
	}
	number, ok := strings.CutPrefix(name, "cuda:")
	ordinal, err := strconv.Atoi(number)
	if !ok || err != nil || ordinal < 0 {
		return 0, fmt.Errorf("cuda: %q is no device: they are called cuda, cuda:0, cuda:1 and so on, and %s", name, Emulated)
	}
	return ordinal, nil
}

func openOn[F accel.Float](drv driver, lib blasLibrary, ordinal int, name string) (*Backend[F], error) {
	if _, err := recurrenceSetting(); err != nil {
		return nil, err
	}
	d, err := start(drv, lib, ordinal)
	if err != nil {
		return nil, err
	}
	b := &Backend[F]{d: d, name: name}
	if b.kernels, err = d.loadKernels(precision[F]()); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return b, nil
}

// Close waits for the device and gives it back, with all memory. The backend and its vectors must not be used any more.
func (b *Backend[F]) Close() error { return b.d.close() }

// Name implements accel.Backend: the name of the device, its model where it is a real one, and cublas where products are by that.
func (b *Backend[F]) Name() string {
	name := b.name
	if name != Emulated {
		name += "/" + b.d.info.Model
	}
	if b.d.blas.product != nil {
		name += "/cublas"
	}
	return name
}

// Shards implements accel.Backend. A kernel has the whole device: more shards would be more launches of less work.
func (b *Backend[F]) Shards(int) int { return 1 }

// Run implements accel.Backend. Shards run one after the other: their operations are on one stream, and the device works while
// they are put there.
func (b *Backend[F]) Run(n int, f func(shard int, s accel.Stream[F]) error) error {
	s := b.takeStream()
	defer b.putStream(s)
	var first error
	for shard := range n {
		if err := runShard(shard, s, f); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// runShard calls f and turns a panic, which is a bug here or in f and never the user's, into an error.
func runShard[F accel.Float](shard int, s *Stream[F], f func(shard int, s accel.Stream[F]) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.abandon()
			err = fmt.Errorf("cuda: running shard %d: this is a bug in curvestream, please report it: %v\n%s", shard, r, debug.Stack())
		}
	}()
	err = f(shard, s)
	if e := s.Sync(); err == nil {
		err = e
	}
	return err
}

func (b *Backend[F]) takeStream() *Stream[F] {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.idle) - 1
	if last < 0 {
		return &Stream[F]{b: b}
	}
	s := b.idle[last]
	b.idle = b.idle[:last]
	return s
}

func (b *Backend[F]) putStream(s *Stream[F]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = append(b.idle, s)
}

// launch puts a kernel on the stream: with one thread for each of n elements, in blocks of 256.
func (b *Backend[F]) launch(kernel string, n int, args ...arg) {
	b.launchGrid(kernel, [3]uint32{uint32((n + blockLength - 1) / blockLength), 1, 1}, blockLength, args...)
}

// launchGrid puts a kernel on the stream. Nothing is launched where there is nothing to do.
func (b *Backend[F]) launchGrid(kernel string, grid [3]uint32, threads uint32, args ...arg) {
	b.launchShared(kernel, grid, threads, 0, args...)
}

// launchShared is launchGrid with so many bytes of shared memory beside what the kernel declares.
func (b *Backend[F]) launchShared(kernel string, grid [3]uint32, threads, shared uint32, args ...arg) {
	if grid[0] == 0 || grid[1] == 0 {
		return
	}
	l := launch{order: order{f: b.kernels[kernel], grid: grid, threads: threads, shared: shared}}
	if l.f == nil {
		panic("cuda: no kernel " + kernel)
	}
	if len(args) > mostParams {
		panic("cuda: too many arguments for " + kernel)
	}
	for i, a := range args {
		l.args[i], l.keep[i] = a.word, a.keep
	}
	b.d.requests <- request{launch: l}
}
