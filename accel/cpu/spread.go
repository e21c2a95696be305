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

// pass runs a pass over all elements, block by block, and returns its sums: those of the blocks, added up in order. Where there
// are enough elements, blocks are spread over threads.
func (b *Backend[F]) pass(p pass[F]) (x, y float64) {
	n, long := len(p.v), longLoop
	if p.op == opPow {
		long = longPow
	}
	if n >= long && b.threads > 1 {
		return b.spread(p)
	}
	for lo := 0; lo < n; lo += block {
		bx, by := p.run(b.kern, lo, min(lo+block, n))
		x, y = x+bx, y+by
	}
	return x, y
}

// spread runs a pass on several goroutines.
func (b *Backend[F]) spread(p pass[F]) (x, y float64) {
	n := len(p.v)
	sums := make([][2]float64, (n+block-1)/block)
	var (
		next atomic.Int64
		join sync.WaitGroup
	)
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(sums) {
				return
			}
			sums[i][0], sums[i][1] = p.run(b.kern, i*block, min((i+1)*block, n))
		}
	}
	for range min(b.threads, len(sums)) - 1 {
		join.Go(work)
	}
	work()
	join.Wait()
	for _, s := range sums {
		x, y = x+s[0], y+s[1]
	}
	return x, y
}
