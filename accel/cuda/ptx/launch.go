package ptx

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// A Launch is a kernel with its grid and its arguments.
type Launch struct {
	Kernel  *Kernel
	Grid    [3]uint32 // blocks in x, y and z, each ≥ 1
	Threads int       // of a block, all in x
	Args    []uint64  // one a parameter: addresses, integers, or the bits of a float, in the low bytes
	Shared  int       // bytes of shared memory beside what the kernel declares, where it declares an array without a length
	Races   bool      // look for accesses to shared memory that no barrier orders
}

const (
	mostThreads = 1024      // of a block, on all devices
	mostShared  = 227 << 10 // bytes of shared memory that a block can ask for on any device that there is
)

func (l *Launch) check() error {
	k := l.Kernel
	switch {
	case len(l.Args) != len(k.params):
		return fmt.Errorf("ptx: launching %s: %d arguments for %d parameters", k.name, len(l.Args), len(k.params))
	case l.Grid[0] == 0 || l.Grid[1] == 0 || l.Grid[2] == 0 || l.Grid[1] > 65535 || l.Grid[2] > 65535 || l.Grid[0] > 1<<31-1:
		return fmt.Errorf("ptx: launching %s: no device has a grid of %v blocks", k.name, l.Grid)
	case l.Threads < 1 || l.Threads > mostThreads || (k.maxThreads > 0 && l.Threads > k.maxThreads):
		return fmt.Errorf("ptx: launching %s: a block of %d threads; it has at most %d", k.name, l.Threads, k.maxThreads)
	case l.Shared < 0 || l.Shared > mostShared || (l.Shared > 0 && !k.dynamic):
		return fmt.Errorf("ptx: launching %s: %d bytes of shared memory, of which the most is %d, for kernels that ask for it", k.name, l.Shared, mostShared)
	}
	return nil
}

// Run runs a launch to its end, several blocks at once. Where blocks fail it returns the error of the first of them.
func (l *Launch) Run(m *Memory) error {
	if err := l.check(); err != nil {
		return err
	}
	params := make([]byte, l.Kernel.paramBytes)
	for i, p := range l.Kernel.params {
		store(params[p.place:], p.length, l.Args[i])
	}
	memory := m.snapshot()
	blocks := int64(l.Grid[0]) * int64(l.Grid[1]) * int64(l.Grid[2])
	var (
		next   atomic.Int64
		failed atomic.Bool
		mu     sync.Mutex
		first  = blocks
		err    error
		join   sync.WaitGroup
	)
	work := func() {
		b := newBlock(l, memory, params)
		for !failed.Load() {
			i := next.Add(1) - 1
			if i >= blocks {
				return
			}
			if e := b.run(l.place(i), l.Threads); e != nil {
				failed.Store(true)
				mu.Lock()
				if i < first {
					first, err = i, e
				}
				mu.Unlock()
			}
		}
	}
	for range min(int64(runtime.GOMAXPROCS(0)), blocks) - 1 {
		join.Go(work)
	}
	work()
	join.Wait()
	return err
}

// place returns where block i of the grid is.
func (l *Launch) place(i int64) [3]uint32 {
	x, y := int64(l.Grid[0]), int64(l.Grid[1])
	return [3]uint32{uint32(i % x), uint32(i / x % y), uint32(i / (x * y))}
}
