package ingest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A limitError is what a lease panics with instead of allocating more than its limit: the runtime's answer to a size that
// a malformed file made up would be to end the process.
type limitError struct {
	asked, used, limit int64
}

func (e *limitError) Error() string {
	return fmt.Sprintf("%d bytes asked for, %d in use, the limit is %d", e.asked, e.used, e.limit)
}

// A meter bounds the bytes that the leases of one Read hold together.
type meter struct {
	limit int64
	used  atomic.Int64
}

// take counts n more bytes; it panics with a *limitError, having counted nothing, if they are too many.
func (m *meter) take(n int64) {
	used := m.used.Add(n)
	if n > 0 && (used > m.limit || used < 0) {
		m.used.Add(-n)
		panic(&limitError{asked: n, used: used - n, limit: m.limit})
	}
}

// A lease is an allocator for one Read. It knows what is outstanding, so that after a failure, a panic in the middle of a
// decoder included, everything can be given back with abandon. It is safe for concurrent use, because the consumer of a
// record may release it anywhere.
type lease struct {
	parent memory.Allocator
	meter  *meter

	mu        sync.Mutex
	live      map[*byte][]byte
	abandoned bool
}

func newLease(parent memory.Allocator, m *meter) *lease {
	return &lease{parent: parent, meter: m, live: make(map[*byte][]byte)}
}

// Allocate returns size zeroed bytes. It panics with a *limitError over the limit.
func (l *lease) Allocate(size int) []byte {
	if size < 0 {
		panic(&limitError{asked: int64(size), limit: l.meter.limit})
	}
	l.meter.take(int64(size))
	b := l.parent.Allocate(size)
	l.hold(b)
	return b
}

// uncleared returns a buffer of size bytes that hold anything, for who writes all of them. It panics as Allocate does.
func (l *lease) uncleared(size int) *memory.Buffer {
	room := (size + 63) / 64 * 64
	if size < 0 || room < size {
		panic(&limitError{asked: int64(size), limit: l.meter.limit})
	}
	l.meter.take(int64(room))
	var b []byte
	if r, ok := l.parent.(*recycler); ok {
		b = r.dirty(room)
	} else {
		b = l.parent.Allocate(room)
	}
	l.hold(b)
	buffer := memory.NewBufferWithAllocator(b, l)
	buffer.ResizeNoShrink(size)
	return buffer
}

// Reallocate resizes b, which came from the lease. It panics with a *limitError over the limit.
func (l *lease) Reallocate(size int, b []byte) []byte {
	if cap(b) == 0 {
		return l.Allocate(size)
	}
	if size < 0 {
		panic(&limitError{asked: int64(size), limit: l.meter.limit})
	}
	l.meter.take(int64(size - len(b)))
	l.drop(b)
	b = l.parent.Reallocate(size, b)
	l.hold(b)
	return b
}

// Free gives b back. Memory that abandon has given back already is left alone.
func (l *lease) Free(b []byte) {
	if cap(b) == 0 || !l.drop(b) {
		return
	}
	l.meter.take(-int64(len(b)))
	l.parent.Free(b)
}

// abandon gives back everything outstanding. No array allocated from the lease may be used after it.
func (l *lease) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.live {
		l.parent.Free(b)
		l.meter.take(-int64(len(b)))
	}
	clear(l.live)
	l.abandoned = true
}

// keep gives back everything that the record's arrays do not refer to: what the library left lying about.
func (l *lease) keep(r arrow.Record) {
	used := make(map[*byte]bool)
	for _, c := range r.Columns() {
		collectBuffers(c.Data(), used)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, b := range l.live {
		if !used[at] {
			delete(l.live, at)
			l.parent.Free(b)
			l.meter.take(-int64(len(b)))
		}
	}
}

func collectBuffers(d arrow.ArrayData, used map[*byte]bool) {
	for _, b := range d.Buffers() {
		for ; b != nil; b = b.Parent() {
			used[unsafe.SliceData(b.Buf())] = true
		}
	}
	for _, c := range d.Children() {
		collectBuffers(c, used)
	}
}

func (l *lease) hold(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cap(b) > 0 && !l.abandoned {
		l.live[unsafe.SliceData(b)] = b
	}
}

func (l *lease) drop(b []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, held := l.live[unsafe.SliceData(b)]
	delete(l.live, unsafe.SliceData(b))
	return held
}

// workspace is the memory of one Read: what the record keeps, and what is given back when the record is complete.
type workspace struct {
	record, scratch *lease
}

func newWorkspace(parent memory.Allocator, limit int64) *workspace {
	m := &meter{limit: limit}
	return &workspace{record: newLease(parent, m), scratch: newLease(parent, m)}
}

// growingAllocator doubles the capacity of what it enlarges, where the Go allocator copies everything for every few bytes.
// Memory beyond the old length is zero, which Arrow's list decoding relies on.
type growingAllocator struct{ memory.GoAllocator }

// Reallocate resizes b, within its capacity where that suffices.
func (g *growingAllocator) Reallocate(size int, b []byte) []byte {
	if cap(b) >= size {
		return b[:size]
	}
	grown := g.Allocate(max(size, 2*cap(b)))[:size]
	copy(grown, b)
	return grown
}

// UseGrowingAllocator installs, for the whole process, an Arrow allocator under which writing lists to Parquet takes linear
// time; with the one that Arrow installs it is quadratic (a row group of 4,000 sequences takes seconds instead of
// milliseconds). Call it once, first thing in main and in TestMain: the Parquet writer keeps the allocator that it finds when
// the first writer is made. It is not safe to call while Arrow is in use.
func UseGrowingAllocator() { memory.DefaultAllocator = &growingAllocator{} }
