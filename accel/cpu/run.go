package cpu

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"curvestream/accel"
)

// Run implements accel.Backend. Shards are taken in order by at most Threads goroutines, of which the caller is one; all
// shards run, whether or not one fails. A panic in f ends as the error of its shard.
func (b *Backend[F]) Run(n int, f func(shard int, s accel.Stream[F]) error) error {
	if n == 1 || b.threads == 1 {
		return b.runAlone(n, f)
	}
	c := b.takeCrew()
	defer b.putCrew(c)
	c.n, c.f = n, f
	c.next.Store(0)
	c.failed = firstError{shard: n}
	helpers := min(b.threads, n) - 1
	c.join.Add(max(0, helpers))
	for range helpers {
		go c.help()
	}
	c.work()
	c.join.Wait()
	return c.failed.err
}

// A crew is what the goroutines of one Run share. It is used again by later ones, so that they allocate nothing.
type crew[F accel.Float] struct {
	backend *Backend[F]
	n       int
	f       func(shard int, s accel.Stream[F]) error
	next    atomic.Int64 // the shard to be taken
	join    sync.WaitGroup
	failed  firstError
	help    func() // work, then leave: made once
}

func newCrew[F accel.Float](b *Backend[F]) *crew[F] {
	c := &crew[F]{backend: b}
	c.help = func() {
		defer c.join.Done()
		c.work()
	}
	return c
}

// work runs shards until all are taken.
func (c *crew[F]) work() {
	s := c.backend.takeStream()
	defer c.backend.putStream(s)
	for {
		shard := int(c.next.Add(1)) - 1
		if shard >= c.n {
			return
		}
		if err := runShard(shard, s, c.f); err != nil {
			c.failed.note(shard, err)
		}
	}
}

func (b *Backend[F]) runAlone(n int, f func(shard int, s accel.Stream[F]) error) error {
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
			err = fmt.Errorf("cpu: running shard %d: this is a bug in curvestream, please report it: %v\n%s", shard, r, debug.Stack())
		}
	}()
	if err := f(shard, s); err != nil {
		return err
	}
	return s.Sync()
}

// A firstError keeps the error of the lowest shard that failed.
type firstError struct {
	mu    sync.Mutex
	shard int
	err   error
}

func (e *firstError) note(shard int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if shard < e.shard {
		e.shard, e.err = shard, err
	}
}

func (b *Backend[F]) takeStream() *Stream[F] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := pop(&b.idle); s != nil {
		return s
	}
	return &Stream[F]{kern: b.kern}
}

func (b *Backend[F]) putStream(s *Stream[F]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = append(b.idle, s)
}

func (b *Backend[F]) takeCrew() *crew[F] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := pop(&b.crews); c != nil {
		return c
	}
	return newCrew(b)
}

func (b *Backend[F]) putCrew(c *crew[F]) {
	c.f, c.failed.err = nil, nil
	b.mu.Lock()
	defer b.mu.Unlock()
	b.crews = append(b.crews, c)
}

// pop removes and returns the last element, or nil where there is none.
func pop[T any](all *[]*T) *T {
	last := len(*all) - 1
	if last < 0 {
		return nil
	}
	x := (*all)[last]
	*all = (*all)[:last]
	return x
}
