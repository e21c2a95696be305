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
	var (
		next   atomic.Int64
		join   sync.WaitGroup
		failed = firstError{shard: n}
	)
	work := func() {
		s := b.takeStream()
		defer b.putStream(s)
		for {
			shard := int(next.Add(1)) - 1
			if shard >= n {
				return
			}
			if err := runShard(shard, s, f); err != nil {
				failed.note(shard, err)
			}
		}
	}
	for range min(b.threads, n) - 1 {
		join.Go(work)
	}
	work()
	join.Wait()
	return failed.err
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
	if n := len(b.idle); n > 0 {
		s := b.idle[n-1]
		b.idle = b.idle[:n-1]
		return s
	}
	return &Stream[F]{kern: b.kern}
}

func (b *Backend[F]) putStream(s *Stream[F]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = append(b.idle, s)
}
