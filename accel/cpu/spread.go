package cpu

import (
	"sync"
	"sync/atomic"

	"curvestream/accel"
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
	s := b.takeSpread()
	defer b.putSpread(s)
	s.p = p
	sums := grow(&s.sums, (len(p.v)+block-1)/block)
	s.next.Store(0)
	helpers := min(b.threads, len(sums)) - 1
	s.join.Add(helpers)
	for range helpers {
		go s.help()
	}
	s.work()
	s.join.Wait()
	for _, of := range sums {
		x, y = x+of[0], y+of[1]
	}
	return x, y
}

// A spread is what the goroutines of one long pass share. It is used again by later ones, so that they allocate nothing.
type spread[F accel.Float] struct {
	kern *kernels[F]
	p    pass[F]
	sums [][2]float64 // of each block; as long as the longest pass needed
	next atomic.Int64 // the block to be taken
	join sync.WaitGroup
	help func() // work, then leave: made once
}

func newSpread[F accel.Float](b *Backend[F]) *spread[F] {
	s := &spread[F]{kern: b.kern}
	s.help = func() {
		defer s.join.Done()
		s.work()
	}
	return s
}

// work runs the pass on blocks until all are taken.
func (s *spread[F]) work() {
	n := len(s.p.v)
	for {
		i := int(s.next.Add(1)) - 1
		if i*block >= n {
			return
		}
		s.sums[i][0], s.sums[i][1] = s.p.run(s.kern, i*block, min((i+1)*block, n))
	}
}

func (b *Backend[F]) takeSpread() *spread[F] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := pop(&b.spreads); s != nil {
		return s
	}
	return newSpread(b)
}

func (b *Backend[F]) putSpread(s *spread[F]) {
	s.p = pass[F]{} // keeps no vector alive
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spreads = append(b.spreads, s)
}
