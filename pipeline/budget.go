package pipeline

import (
	"context"
	"fmt"
	"sync"
)

// A budget is bytes that may be held at once. One goroutine at a time acquires, in plan order, before anything is
// allocated; any goroutine releases.
type budget struct {
	total int64
	// evict frees something that is held only because it may be of use later; false where there is no such thing. It is
	// called with the budget locked and returns what it freed.
	evict func() (int64, bool)

	mu    sync.Mutex
	used  int64
	peak  int64
	freed chan struct{} // of capacity 1: a release that nobody waits for leaves one signal, which costs one look
}

func newBudget(total int64, evict func() (int64, bool)) *budget {
	return &budget{total: total, evict: evict, freed: make(chan struct{}, 1)}
}

// acquire waits until n bytes are free, evicting what can be evicted, and takes them. n ≤ total.
func (b *budget) acquire(ctx context.Context, n int64) error {
	for {
		if b.take(n) {
			return nil
		}
		if _, _, err := receive(ctx, b.freed); err != nil {
			return err
		}
	}
}

func (b *budget) take(n int64) bool { return b.try(n, b.evict) }

// try takes n bytes if they are free, or become free by evict. Any goroutine may try.
func (b *budget) try(n int64, evict func() (int64, bool)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.used+n > b.total {
		freed, ok := evict()
		if !ok {
			return false
		}
		b.used -= freed
	}
	b.used += n
	b.peak = max(b.peak, b.used)
	return true
}

// adjust corrects what is held by the difference between a bound and what it turned out to be.
func (b *budget) adjust(difference int64) {
	if difference == 0 {
		return
	}
	b.mu.Lock()
	b.used += difference
	b.peak = max(b.peak, b.used)
	b.mu.Unlock()
	b.signal()
}

func (b *budget) release(n int64) { b.adjust(-n) }

// reset returns everything. Nobody acquires or holds.
func (b *budget) reset() {
	b.mu.Lock()
	b.used = 0
	b.mu.Unlock()
}

// signal wakes the acquiring goroutine: something was released, or may now be evicted.
func (b *budget) signal() {
	select {
	case b.freed <- struct{}{}:
	default:
	}
}

func (b *budget) state() (used, peak int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.peak
}

// A TooLargeError says that something can never be admitted, because it needs more than the whole budget.
type TooLargeError struct {
	What     string // what needs it: "reading it", or "reading it for a chunk of 1000 sequences"
	File     string // where the row group lies; for a chunk, the largest that the minibatch reads
	RowGroup int    // counted from 0
	Needs    int64  // a budget that would do, in bytes
	Memory   int64  // the budget
	Hint     string // what else would help
}

// Error names the file, the row group, the bytes that would do, and the fix.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: row group %d: %s needs %d bytes of memory at once, the budget is %d\n     fix: raise --memory to at least %d, or %s",
		e.File, e.RowGroup, e.What, e.Needs, e.Memory, e.Needs, e.Hint)
}
