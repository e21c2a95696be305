package pipeline

import (
	"context"
	"sync/atomic"
	"time"

	"curvestream/nn"
)

// An ahead prepares the minibatches of the next HF iteration in a goroutine of its own while the consumer computes on the present one.
//
// It cannot hold up a pass: it takes only memory that is free, or held by chunks that the present iteration has not used, and never
// waits for any; what it makes is not pinned, so that admission may evict it. It reads units one at a time into memory that it took
// before, and leaves the cache's units alone but for reading them. An error ends it without a word: the pass that needs the chunk
// meets the same error, and reports it.
type ahead struct {
	minibatches []Minibatch
	ctx         context.Context // of Prepare: its end ends the goroutine
	cancel      context.CancelFunc
	enough      atomic.Bool   // end after the window at hand
	done        chan struct{} // closed at the end; nil before the start
}

// windowAhead is how many chunks are prepared together, each of their units being read once: as many as a window of the plan has, so
// that a loader that is asked for the next iteration before it is prepared waits for one window at most.
const windowAhead = chunksPerWindow

// Prepare makes the loader assemble the given minibatches, those of the next HF iteration, while the present one is computed on: from
// the end of its first pass until they are complete, as far as memory is free. It returns at once, but for waiting for what it still
// prepares since the call before. It changes nothing of what Each delivers, only how long Each waits. The goroutine ends with ctx,
// with Close, or when it is through.
//
// It returns [ErrBusy] while Each runs.
func (l *Loader[F]) Prepare(ctx context.Context, minibatches ...Minibatch) error {
	if !l.running.TryLock() {
		return ErrBusy
	}
	defer l.running.Unlock()
	start := time.Now()
	l.ahead.finish(false)
	add(&l.counters.wait, start)
	l.ahead = &ahead{minibatches: minibatches}
	l.ahead.ctx, l.ahead.cancel = context.WithCancel(ctx)
	return nil
}

// prepareAhead starts the goroutine after the first pass of an iteration, if there is something to prepare.
func (l *Loader[F]) prepareAhead() {
	a := l.ahead
	if a == nil || a.done != nil {
		return
	}
	a.done = make(chan struct{})
	go func() {
		defer close(a.done)
		for _, mb := range a.minibatches {
			for chunks := mb.Chunks; len(chunks) > 0 && !a.enough.Load() && a.ctx.Err() == nil; {
				n := min(windowAhead, len(chunks))
				if !l.prepareWindow(a.ctx, mb, chunks[:n]) {
					return
				}
				chunks = chunks[n:]
			}
		}
	}()
}

// settle lets the goroutine finish its window before a pass begins another iteration.
func (l *Loader[F]) settle(step int) {
	if l.ahead == nil || l.ahead.done == nil || !l.cache.isNew(step) {
		return
	}
	start := time.Now()
	l.ahead.finish(false)
	add(&l.counters.wait, start)
}

// finish ends the goroutine: after the window at hand or, at once, after the unit at hand. It may be called on nil.
func (a *ahead) finish(atOnce bool) {
	if a == nil {
		return
	}
	if atOnce {
		a.cancel()
	}
	a.enough.Store(true)
	if a.done != nil {
		<-a.done
	}
	a.cancel()
}

// prepareWindow assembles chunks that are not in memory and adds them to the cache. It returns false where there is no memory for all,
// or anything goes wrong.
func (l *Loader[F]) prepareWindow(ctx context.Context, mb Minibatch, chunks [][]int32) (complete bool) {
	w, taken, complete := l.takeWindow(mb, chunks)
	defer func() { l.memory.release(taken) }()
	if len(w.chunks) == 0 {
		return complete
	}
	l.prepareJobs(mb, &w)
	var largest int64
	for _, j := range w.jobs {
		largest = max(largest, l.unitCost(j.index))
	}
	if !l.memory.try(largest, l.cache.evictStale) {
		return false
	}
	defer l.memory.release(largest)
	for _, j := range w.jobs {
		if l.prepareUnit(ctx, mb, j, &taken) != nil {
			return false
		}
	}
	l.retire(&w)
	return complete
}

// takeWindow takes memory for those of the chunks that are not in memory, as many as there is room for.
func (l *Loader[F]) takeWindow(mb Minibatch, chunks [][]int32) (w window[F], taken int64, complete bool) {
	for _, positions := range chunks {
		key := chunkKey(mb, positions)
		if l.cache.hasChunks([]Hash{key}) {
			continue
		}
		cost := l.chunkCost(mb, positions)
		if !l.memory.try(cost, l.cache.evictStale) {
			return w, taken, false
		}
		taken += cost
		k := &pending[F]{key: key, positions: positions, missing: len(positions), charged: cost}
		l.layOut(mb, k)
		w.chunks = append(w.chunks, k)
	}
	return w, taken, true
}

// prepareUnit adds what a unit has for the chunks, and packs those that are complete with it; their memory is then the cache's, and no
// longer among what was taken.
func (l *Loader[F]) prepareUnit(ctx context.Context, mb Minibatch, j *job[F], taken *int64) error {
	u := l.cache.pinUnit(j.index)
	if u != nil {
		defer l.unpin(&u.held)
		if _, _, err := receive(ctx, u.ready); err != nil {
			return err
		}
	} else {
		rec, err := l.decodeUnit(ctx, j.index)
		if err != nil {
			return err
		}
		defer rec.Release()
		l.counters.decode.done(recordBytes(rec))
		l.counters.ahead.done(recordBytes(rec))
		u = &unit{index: j.index, rec: rec}
	}
	j.unit = u
	if err := l.encodeJob(j); err != nil {
		return err
	}
	return l.finishJob(mb, j, func(k *pending[F], b *nn.Batch[F], ids ledger) {
		*taken -= k.charged
		l.memory.adjust(l.cache.offerChunk(k.key, b, ids, batchBytes(b)) - k.charged)
	})
}
