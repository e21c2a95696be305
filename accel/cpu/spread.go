package cpu

import (
	"sync"
	"sync/atomic"
)

// Waking a goroutine on a parked core and waiting for it costs about as much as adding a hundred thousand elements, so
// vectors are shared out only where they are much longer.
const (
	block    = 1 << 14 // elements that are summed by themselves, on whatever thread: they decide the bits of a dot product
	longLoop = 1 << 18 // elements from which additions, products and sums are spread over threads
	longPow  = 1 << 15 // elements from which powers are
)

// spread calls f with ranges that cover 0 to n: with blocks, from several goroutines, where n reaches long, and with one
// range where it does not.
func (b *Backend[F]) spread(n, long int, f func(lo, hi int)) {
	if n < long || b.threads == 1 {
		if n > 0 {
			f(0, n)
		}
		return
	}
	blocks := (n + block - 1) / block
	var (
		next atomic.Int64
		join sync.WaitGroup
	)
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= blocks {
				return
			}
			f(i*block, min((i+1)*block, n))
		}
	}
	for range min(b.threads, blocks) - 1 {
		join.Go(work)
	}
	work()
	join.Wait()
}
