package remote

import (
	"container/list"
	"context"
	"fmt"
	"sync"
)

const (
	blockSize = 256 << 10 // what is cached and evicted at once
	maxRun    = 8 << 20   // what is asked for at once: a request's round trip is then small beside its transfer
	minCache  = 4 * blockSize
)

// A cache holds blocks of objects, the least recently read going first, never more than capacity bytes of them. A block counts from
// before it is allocated. Blocks are copied out under the lock, so that none is in use when it is evicted.
type cache struct {
	capacity int64

	mu     sync.Mutex
	used   int64 // bytes of blocks, whole ones: those in use and those on their way
	blocks map[place]*block
	recent *list.List    // of blocks that are there, the latest in front
	spare  [][]byte      // of evicted blocks, to be used again; at most a run
	room   chan struct{} // closed when blocks have come or failed: then there is something to evict
}

// A place is that of a block.
type place struct {
	object *Object
	index  int64
}

// A block is a part of an object, there or on its way.
type block struct {
	place
	data []byte        // its bytes, once done is closed and the block is in recent
	done chan struct{} // closed when it has come or failed
	at   *list.Element // in recent; nil while it is on its way
}

func newCache(capacity int64) *cache {
	return &cache{capacity: max(capacity, minCache), blocks: make(map[place]*block), recent: list.New(), room: make(chan struct{})}
}

// read copies bytes from off on, at least one and at most a run, and fetches what is not there.
func (c *cache) read(ctx context.Context, o *Object, p []byte, off, until int64) (int, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		c.mu.Lock()
		b, known := c.blocks[place{o, off / blockSize}]
		switch {
		case known && b.at != nil:
			n := c.copy(p, b, off)
			c.mu.Unlock()
			return n, nil
		case known: // another read fetches it; if that fails, this one tries
			c.mu.Unlock()
			if err := wait(ctx, b.done); err != nil {
				return 0, err
			}
			continue
		}
		run := c.claim(o, off/blockSize, until)
		room := c.room
		c.mu.Unlock()
		if run == nil {
			if err := wait(ctx, room); err != nil {
				return 0, err
			}
			continue
		}
		return c.fetch(ctx, o, run, p, off)
	}
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// copy copies what a block has from off on, and makes it the latest.
func (c *cache) copy(p []byte, b *block, off int64) int {
	c.recent.MoveToFront(b.at)
	return copy(p, b.data[off-b.index*blockSize:])
}

// claim makes room for the blocks from first on that are not there, up to until, and marks them as on their way. It takes fewer where there
// is no room, and none (nil) where all of the cache is on its way.
func (c *cache) claim(o *Object, first, until int64) (run []*block) {
	most := min(maxRun, c.capacity/4) / blockSize
	for i := first; i < first+most; i++ {
		at := place{o, i}
		if _, known := c.blocks[at]; known || i > first && i*blockSize >= min(until, o.Size) || !c.evict() {
			break
		}
		b := &block{place: at, done: make(chan struct{}), data: c.buffer()[:min(blockSize, o.Size-i*blockSize)]}
		c.used += blockSize
		c.blocks[at] = b
		run = append(run, b)
	}
	return run
}

// evict makes room for one block, if it can.
func (c *cache) evict() bool {
	for c.used+blockSize > c.capacity {
		last := c.recent.Back()
		if last == nil {
			return false
		}
		c.remove(last.Value.(*block))
	}
	return true
}

// remove forgets a block. Its memory is used again.
func (c *cache) remove(b *block) {
	delete(c.blocks, b.place)
	c.used -= blockSize
	if b.at != nil {
		c.recent.Remove(b.at)
	}
	if len(c.spare) < maxRun/blockSize {
		c.spare = append(c.spare, b.data[:blockSize:blockSize])
	}
}

func (c *cache) buffer() []byte {
	if last := len(c.spare) - 1; last >= 0 {
		b := c.spare[last]
		c.spare = c.spare[:last]
		return b
	}
	return make([]byte, blockSize)
}

// fetch fills the blocks of a run, which lie one behind the other, and copies what was asked for.
func (c *cache) fetch(ctx context.Context, o *Object, run []*block, p []byte, off int64) (n int, err error) {
	finished := false
	defer func() { // also after a panic of a client's library: nobody may wait for ever
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, b := range run {
			if finished && err == nil {
				b.at = c.recent.PushFront(b)
			} else {
				c.remove(b)
			}
			close(b.done)
		}
		close(c.room)
		c.room = make(chan struct{})
		for _, b := range run {
			if at := off + int64(n); b.at != nil && n < len(p) && at/blockSize == b.index {
				n += c.copy(p[n:], b, at)
			}
		}
		if !finished {
			n, err = 0, fmt.Errorf("the request ended in a panic: %v", recover())
		}
	}()
	into := make([][]byte, len(run))
	for i, b := range run {
		into[i] = b.data
	}
	err = o.client.fetch(ctx, o, run[0].index*blockSize, into)
	finished = true
	return 0, err
}

func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks, c.spare, c.used = make(map[place]*block), nil, 0
	c.recent.Init()
}
