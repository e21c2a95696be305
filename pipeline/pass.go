package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"curvestream/ingest"
	"curvestream/nn"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/sync/errgroup"
)

// A pass delivers one minibatch once:
//
//	admit ──jobs──▶ decode ──decoded──▶ encode ──job.done──▶ assemble ──ready──▶ consume
//	  └──────────────────────────windows───────────────────────▲
//
// admit walks over the plan's chunks and is the only one that takes from the budget: first for the chunks of a window, then
// for each unit they need, in order, before anything is allocated. Whatever waits for memory waits for what was admitted
// before it; all of that has the memory that it needs, is worked on in the same order, and ends in the consumer. So nothing
// that waits is waited for, and there is no deadlock.
type pass[F ingest.Float] struct {
	l       *Loader[F]
	mb      Minibatch
	keys    []Hash           // of the chunks
	seen    ledger           // what was consumed
	limit   int64            // bytes of chunks in a window
	windows chan *window[F]  // as many places as may ever be open
	jobs    chan *job[F]     // unbuffered: admission is what bounds memory
	decoded chan *job[F]     // one place a worker, so that a unit that is slow to encode does not idle the decoders
	ready   chan *pending[F] // one place: the next batch is packed while the consumer computes
	// How many pass at a time; they are resized, by the consumer, while the pass runs.
	open     *gate // windows that wait for assembly: how far admission may run ahead of the consumer
	decoding *gate
	encoding *gate
}

func newPass[F ingest.Float](l *Loader[F], mb Minibatch) (*pass[F], error) {
	if l.manifest.endless && mb.all {
		return nil, fmt.Errorf("pipeline: %s has no end: it cannot be read as a whole", l.src.Unit(0).File)
	}
	t := l.tuner
	now, _ := t.choice()
	p := &pass[F]{l: l, mb: mb, keys: make([]Hash, len(mb.Chunks)),
		windows: make(chan *window[F], t.mostPrefetch), jobs: make(chan *job[F]),
		decoded: make(chan *job[F], t.mostWorkers), ready: make(chan *pending[F], 1),
		open: newGate(now.prefetch, t.mostPrefetch), decoding: newGate(now.workers, t.mostWorkers), encoding: newGate(now.workers, t.mostWorkers)}
	for i, positions := range mb.Chunks {
		p.keys[i] = chunkKey(mb, positions)
	}
	if l.cache.hasChunks(p.keys) {
		return p, nil
	}
	var err error
	p.limit, err = p.windowLimit()
	return p, err
}

// start starts all stages but the consumer. Each closes what it sends to when it ends.
func (p *pass[F]) start(ctx context.Context, g *errgroup.Group) {
	workers := p.l.tuner.mostWorkers // of which a gate lets through as many as are chosen
	g.Go(func() error { return p.admit(ctx) })
	var decoding atomic.Int32
	decoding.Store(int32(workers))
	for range workers {
		g.Go(func() error {
			defer func() {
				if decoding.Add(-1) == 0 {
					close(p.decoded)
				}
			}()
			return p.decode(ctx)
		})
		g.Go(func() error { return p.encode(ctx) })
	}
	g.Go(func() error { return p.assemble(ctx) })
}

// admit takes memory for chunks and units, in the plan's order.
func (p *pass[F]) admit(ctx context.Context) error {
	defer close(p.windows)
	defer close(p.jobs)
	for next := 0; next < len(p.mb.Chunks); {
		w, err := p.nextWindow(ctx, &next)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := p.open.enter(ctx); err != nil {
			return err
		}
		add(&p.l.counters.held, start)
		if err := send(ctx, p.windows, w); err != nil {
			return err
		}
		add(&p.l.counters.admit.blocked, start)
		for _, j := range w.jobs {
			if err := p.admitUnit(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextWindow makes the window that begins with the next chunk.
func (p *pass[F]) nextWindow(ctx context.Context, next *int) (*window[F], error) {
	w := &window[F]{}
	for bytes := int64(0); *next < len(p.mb.Chunks); *next++ {
		positions := p.mb.Chunks[*next]
		k := &pending[F]{key: p.keys[*next], positions: positions, missing: len(positions)}
		if k.kept = p.l.cache.pinChunk(k.key); k.kept != nil {
			if len(w.chunks) > 0 {
				p.l.unpin(&k.kept.held) // it begins the next window
				break
			}
			*next++
			w.chunks = append(w.chunks, k)
			p.l.counters.replayed.Add(1)
			return w, nil
		}
		k.charged = p.l.chunkCost(p.mb, positions)
		if bytes += k.charged; bytes > p.limit && len(w.chunks) > 0 {
			break
		}
		start := time.Now()
		if err := p.l.memory.acquire(ctx, k.charged); err != nil {
			return nil, err
		}
		add(&p.l.counters.admit.blocked, start)
		p.l.layOut(p.mb, k)
		w.chunks = append(w.chunks, k)
	}
	p.l.prepareJobs(p.mb, w)
	return w, nil
}

func (p *pass[F]) admitUnit(ctx context.Context, j *job[F]) error {
	start := time.Now()
	if j.unit = p.l.cache.pinUnit(j.index); j.unit == nil {
		cost := p.l.unitCost(j.index)
		if err := p.l.memory.acquire(ctx, cost); err != nil {
			return err
		}
		j.unit, j.first = p.l.cache.addUnit(j.index, cost), true
		p.l.counters.admit.done(cost)
	}
	if err := send(ctx, p.jobs, j); err != nil {
		return err
	}
	add(&p.l.counters.admit.blocked, start)
	return nil
}

// decode reads units that are not in memory. It hands a unit over before it waits for room, so that an encoder that waits
// for a unit never waits for itself.
func (p *pass[F]) decode(ctx context.Context) error {
	return through(ctx, p.decoding, func() (more bool, err error) {
		l, count := p.l, &p.l.counters.decode
		start := time.Now()
		j, ok, err := receive(ctx, p.jobs)
		if err != nil || !ok {
			return false, err
		}
		start = add(&count.starved, start)
		if j.first {
			if err := l.read(ctx, j.unit); err != nil {
				return false, err
			}
			count.done(j.unit.bytes)
		}
		start = add(&count.busy, start)
		if err := send(ctx, p.decoded, j); err != nil {
			return false, err
		}
		add(&count.blocked, start)
		return true, nil
	})
}

// through does something again and again, each time inside a gate, until it says that there is no more.
func through(ctx context.Context, g *gate, do func() (more bool, err error)) error {
	for {
		if err := g.enter(ctx); err != nil {
			return err
		}
		more, err := do()
		g.leave()
		if err != nil || !more {
			return err
		}
	}
}

// encode encodes the sequences that lie in one piece.
func (p *pass[F]) encode(ctx context.Context) error {
	return through(ctx, p.encoding, func() (more bool, err error) {
		count := &p.l.counters.encode
		start := time.Now()
		j, ok, err := receive(ctx, p.decoded)
		if err != nil || !ok {
			return false, err
		}
		if _, _, err := receive(ctx, j.unit.ready); err != nil {
			return false, err
		}
		start = add(&count.starved, start)
		if err := p.l.encodeJob(j); err != nil {
			return false, err
		}
		add(&count.busy, start)
		j.done <- struct{}{}
		return true, nil
	})
}

// assemble takes the jobs of each window in order, joins the sequences that are split, packs chunks as they are complete,
// and hands them on in the plan's order.
func (p *pass[F]) assemble(ctx context.Context) error {
	defer close(p.ready)
	l, count := p.l, &p.l.counters.assemble
	for {
		start := time.Now()
		w, ok, err := receive(ctx, p.windows)
		if err != nil || !ok {
			return err
		}
		p.open.leave()
		add(&count.starved, start)
		next := 0
		for _, j := range w.jobs {
			start = time.Now()
			if _, _, err := receive(ctx, j.done); err != nil {
				return err
			}
			start = add(&count.starved, start)
			if err := l.finishJob(p.mb, j, l.keepChunk); err != nil {
				return err
			}
			l.unpin(&j.unit.held)
			add(&count.busy, start)
			if err := p.handOn(ctx, w, &next); err != nil {
				return err
			}
		}
		if err := p.handOn(ctx, w, &next); err != nil {
			return err
		}
		l.retire(w)
	}
}

// handOn sends the complete chunks that are next in the plan's order.
func (p *pass[F]) handOn(ctx context.Context, w *window[F], next *int) error {
	start := time.Now()
	for ; *next < len(w.chunks) && w.chunks[*next].kept != nil; *next++ {
		if err := send(ctx, p.ready, w.chunks[*next]); err != nil {
			return err
		}
	}
	add(&p.l.counters.assemble.blocked, start)
	return nil
}

// consume hands the chunks to the consumer. A chunk stays in memory after it, as long as nothing else needs the place.
func (p *pass[F]) consume(ctx context.Context, consume func(*nn.Batch[F]) error) error {
	c, t := &p.l.counters, p.l.tuner
	t.begin(c)
	for {
		start := time.Now()
		k, ok, err := receive(ctx, p.ready)
		add(&c.wait, start)
		if err != nil || !ok {
			return err
		}
		b := k.kept.batch
		p.seen.add(k.kept.ids)
		c.delivered(b.Columns(), b.Rows())
		if err := consume(b); err != nil {
			return err
		}
		p.l.unpin(&k.kept.held)
		if t.look(c) {
			p.resize()
		}
	}
}

// resize makes the gates as wide as is chosen.
func (p *pass[F]) resize() {
	now, _ := p.l.tuner.choice()
	p.open.resize(now.prefetch)
	p.decoding.resize(now.workers)
	p.encoding.resize(now.workers)
}

// unpin lets something be evicted, and wakes admission if it waits for that.
func (l *Loader[F]) unpin(h *held) {
	l.cache.unpin(h)
	l.memory.signal()
}

// read decodes a unit into its place in the cache.
func (l *Loader[F]) read(ctx context.Context, u *unit) error {
	rec, err := l.decodeUnit(ctx, u.index)
	if err == nil {
		l.memory.adjust(l.cache.setUnit(u, rec))
	}
	return err
}

// decodeUnit reads the encoder's columns of a unit, all of its rows.
func (l *Loader[F]) decodeUnit(ctx context.Context, i int) (arrow.Record, error) {
	at := l.src.Unit(i)
	return guard(at, func() (arrow.Record, error) {
		rec, err := l.src.Read(ctx, i, l.encoder.Columns())
		if err != nil {
			return nil, err
		}
		if rec.NumRows() != at.Rows {
			rec.Release()
			return nil, &ingest.Error{Code: "data.rows", File: at.File, RowGroup: at.RowGroup, Row: -1,
				Message: fmt.Sprintf("%d rows were read, %d were announced", rec.NumRows(), at.Rows), Hint: "write the file again"}
		}
		if err := l.copy.add(ctx, i, rec); err != nil {
			rec.Release()
			return nil, err
		}
		return rec, nil
	})
}

// keepChunk puts an assembled chunk into the cache.
func (l *Loader[F]) keepChunk(k *pending[F], b *nn.Batch[F], ids ledger) {
	kept, bytes := l.cache.addChunk(k.key, b, ids, batchBytes(b))
	k.kept = kept
	l.memory.adjust(bytes - k.charged)
}
