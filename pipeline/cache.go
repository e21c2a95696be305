package pipeline

import (
	"cmp"
	"sync"

	"curvestream/ingest"
	"curvestream/nn"

	"github.com/apache/arrow/go/v15/arrow"
)

// A cache keeps decoded units and assembled chunks that may be asked for again, as long as nothing else needs their
// memory. What it holds is part of the budget; what is pinned cannot be evicted.
//
// HF replays the same minibatches many times an iteration, always in the same order, so that evicting the least recently
// used would evict just what comes next whenever not all fits. Therefore what the current pass has used goes last, and
// the most recently used first among that.
type cache[F ingest.Float] struct {
	mu     sync.Mutex
	units  map[int]*unit
	chunks map[Hash]*chunk[F]
	step   int                // of HF; a new one makes old chunks stale
	tick   int64              // counts steps
	pass   int64              // counts replays
	turn   int64              // counts uses
	unused func(*nn.Batch[F]) // is given the batches of chunks that are dropped
}

// A held item is what units and chunks have in common.
type held struct {
	bytes            int64
	pins             int
	tick, pass, turn int64 // of its last use
}

// A unit is decoded once and may be used by several jobs.
type unit struct {
	held
	index int
	rec   arrow.Record  // set before ready is closed
	ready chan struct{} // closed when rec is there
}

// A chunk is an assembled batch.
type chunk[F ingest.Float] struct {
	held
	key   Hash
	batch *nn.Batch[F]
	ids   ledger // of the sequences in it
}

func newCache[F ingest.Float]() *cache[F] {
	return &cache[F]{units: map[int]*unit{}, chunks: map[Hash]*chunk[F]{}, unused: func(*nn.Batch[F]) {}}
}

// begin starts a pass over a minibatch of an HF iteration. Chunks that were not used since the iteration before the last
// are dropped: other iterations have other minibatches. So are such units of a source without end, which nobody reads
// twice. It returns the bytes that became free.
func (c *cache[F]) begin(step int, endless bool) (freed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pass++
	if step == 0 || step == c.step {
		return 0
	}
	c.step = step
	c.tick++
	for _, k := range c.chunks {
		if k.tick < c.tick-1 {
			freed += c.dropChunk(k)
		}
	}
	for _, u := range c.units {
		if endless && u.tick < c.tick-1 {
			freed += c.dropUnit(u)
		}
	}
	return freed
}

func (c *cache[F]) use(h *held, pins int) {
	c.turn++
	h.pins += pins
	h.tick, h.pass, h.turn = c.tick, c.pass, c.turn
}

// pinUnit returns unit i, pinned, or nil if it is not here.
func (c *cache[F]) pinUnit(i int) *unit {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.units[i]
	if u != nil {
		c.use(&u.held, 1)
	}
	return u
}

// addUnit makes a unit that is still to be decoded, pinned.
func (c *cache[F]) addUnit(i int, bytes int64) *unit {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := &unit{index: i, held: held{bytes: bytes}, ready: make(chan struct{})}
	c.use(&u.held, 1)
	c.units[i] = u
	return u
}

// setUnit stores what unit u was decoded to, and returns by how much its size differs from what was asked for.
func (c *cache[F]) setUnit(u *unit, rec arrow.Record) (difference int64) {
	bytes := recordBytes(rec)
	c.mu.Lock()
	defer c.mu.Unlock()
	difference = bytes - u.bytes
	u.rec, u.bytes = rec, bytes
	close(u.ready)
	return difference
}

// pinChunk returns the chunk with a key, pinned, or nil if it is not here.
func (c *cache[F]) pinChunk(key Hash) *chunk[F] {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.chunks[key]
	if k != nil {
		c.use(&k.held, 1)
	}
	return k
}

// pinChunks returns the chunks with the given keys, pinned, or nil if not all of them are here.
func (c *cache[F]) pinChunks(keys []Hash) []*chunk[F] {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make([]*chunk[F], len(keys))
	for i, key := range keys {
		if kept[i] = c.chunks[key]; kept[i] == nil {
			return nil
		}
	}
	for _, k := range kept {
		c.use(&k.held, 1)
	}
	return kept
}

// hasChunks reports whether all chunks with the given keys are here.
func (c *cache[F]) hasChunks(keys []Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		if c.chunks[key] == nil {
			return false
		}
	}
	return true
}

// addChunk stores a chunk, pinned, and returns it and the bytes that it adds: none where a chunk with the key is here by now.
func (c *cache[F]) addChunk(key Hash, b *nn.Batch[F], ids ledger, bytes int64) (*chunk[F], int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.chunks[key]; k != nil {
		c.use(&k.held, 1)
		c.unused(b)
		return k, 0
	}
	k := &chunk[F]{key: key, batch: b, ids: ids, held: held{bytes: bytes}}
	c.use(&k.held, 1)
	c.chunks[key] = k
	return k, bytes
}

// offerChunk stores a chunk for the next iteration, and returns the bytes that it adds. It is evicted before what this iteration uses.
func (c *cache[F]) offerChunk(key Hash, b *nn.Batch[F], ids ledger, bytes int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chunks[key] != nil {
		c.unused(b)
		return 0
	}
	c.chunks[key] = &chunk[F]{key: key, batch: b, ids: ids, held: held{bytes: bytes, tick: c.tick + 1}}
	return bytes
}

// isNew tells whether a pass at a step of HF begins a new iteration.
func (c *cache[F]) isNew(step int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return step != 0 && step != c.step
}

// evictStale drops a chunk that belongs to earlier iterations and returns its size; false where there is none.
func (c *cache[F]) evictStale() (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.chunks {
		if k.pins == 0 && k.tick < c.tick {
			return c.dropChunk(k), true
		}
	}
	return 0, false
}

func (c *cache[F]) unpin(h *held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.pins--
}

// evict drops what is worth least and returns its size; false where everything is pinned or nothing is here. In order of
// worth: chunks of the next iteration and of earlier ones, units of earlier passes, units of this pass, chunks.
func (c *cache[F]) evict() (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var worstUnit *unit
	for _, u := range c.units {
		if u.pins == 0 && (worstUnit == nil || c.compareWorth(&u.held, &worstUnit.held) < 0) {
			worstUnit = u
		}
	}
	var worstChunk *chunk[F]
	for _, k := range c.chunks {
		if k.pins == 0 && (worstChunk == nil || c.compareWorth(&k.held, &worstChunk.held) < 0) {
			worstChunk = k
		}
	}
	switch {
	case worstChunk != nil && (worstUnit == nil || worstChunk.tick != c.tick):
		return c.dropChunk(worstChunk), true
	case worstUnit != nil:
		return c.dropUnit(worstUnit), true
	}
	return 0, false
}

// compareWorth is negative where a goes before b: least recently used first, but what this pass has used comes last, and
// most recently used first.
func (c *cache[F]) compareWorth(a, b *held) int {
	if a.pass == c.pass && b.pass == c.pass {
		return cmp.Compare(b.turn, a.turn)
	}
	return cmp.Compare(a.turn, b.turn)
}

func (c *cache[F]) dropUnit(u *unit) int64 {
	delete(c.units, u.index)
	if u.rec != nil {
		u.rec.Release()
	}
	return u.bytes
}

func (c *cache[F]) dropChunk(k *chunk[F]) int64 {
	delete(c.chunks, k.key)
	c.unused(k.batch)
	return k.bytes
}

// dropUnits drops all units, none of which is in use, and returns the bytes that became free.
func (c *cache[F]) dropUnits() (freed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.units {
		freed += c.dropUnit(u)
	}
	return freed
}

// purge drops everything, pinned or not. No other goroutine uses the cache any more.
func (c *cache[F]) purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.units {
		c.dropUnit(u)
	}
	for _, k := range c.chunks {
		c.dropChunk(k)
	}
}

// recordBytes returns the memory that a record's buffers take.
func recordBytes(rec arrow.Record) (n int64) {
	for _, column := range rec.Columns() {
		n += dataBytes(column.Data())
	}
	return n
}

func dataBytes(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Cap())
		}
	}
	for _, child := range d.Children() {
		n += dataBytes(child)
	}
	if d.DataType().ID() == arrow.DICTIONARY {
		n += dataBytes(d.Dictionary())
	}
	return n
}
