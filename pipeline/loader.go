package pipeline

import (
	"context"
	"errors"
	"sync"

	"curvestream/ingest"
	"curvestream/nn"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/sync/errgroup"
)

// An encoder turns rows into sequences: an ingest.Encoder. It is used by several goroutines at once, on different
// sequences.
type encoder[F ingest.Float] interface {
	// Columns returns the columns that Append wants in its records, as indices into the schema.
	Columns() []int
	// Append adds rows [lo, hi) of a unit to a sequence.
	Append(seq *ingest.Sequence[F], rec arrow.Record, lo, hi int, u ingest.Unit) error
	// Finish is called after the last rows of a sequence.
	Finish(seq *ingest.Sequence[F]) error
}

// An expecter is an encoder that wants to be told which row it will be given soon.
type expecter interface {
	Expect(rec arrow.Record, lo int)
}

// LoaderOptions say how a loader works. None of them changes what it delivers but Identify.
type LoaderOptions struct {
	Memory   int64 // budget in bytes for units being read, kept units and chunks; 0 means 1 GiB
	Workers  int   // units decoded at a time, and as many encoded; 0 means GOMAXPROCS, to begin with where Tune is set
	Prefetch int   // chunks (or windows of chunks that are read together) prepared ahead of the consumer; 0 means 2, to begin with where Tune is set
	Tune     bool  // raise those of Workers and Prefetch that are 0 where the consumer waits for data, as far as it helps
	Identify bool  // give batches the identifiers of their sequences
	Copy     CopyOptions
}

// A Loader delivers the chunks of minibatches. Between calls of Each it keeps decoded units and assembled chunks for
// reuse, as far as its budget goes: replaying a minibatch that fits costs nothing, and one that does not is read again, with
// the same bits.
type Loader[F ingest.Float] struct {
	src      ingest.Source
	manifest *Manifest
	encoding *ingest.Encoding
	encoder  encoder[F]
	expecter expecter // the encoder, or nil where it does not want to be told
	options  LoaderOptions
	costs    []int64 // bytes that reading each unit takes; of a source without end the first unit's, which all are like
	memory   *budget
	cache    *cache[F]
	counters counters
	tuner    *tuner
	// Memory that is used again.
	batches   batchPool[F]
	pieces    slicePool[piece[F]]
	columns   slicePool[delivered[F]]
	sequences slicePool[ingest.Sequence[F]]
	benches   pool[bench[F]]

	epoch   epochLedger
	copy    *copying // nil where none is kept
	running sync.Mutex
	ahead   *ahead // what is prepared for the next iteration; nil where nothing is. Guarded by running
}

// NewLoader returns a loader of the sequences that m lists, encoded by enc. It fails if the schema lacks columns that enc
// needs, and with a *TooLargeError if a unit needs more than the whole budget. The source stays the caller's to close,
// after Close.
func NewLoader[F ingest.Float](src ingest.Source, m *Manifest, enc *ingest.Encoding, o LoaderOptions) (*Loader[F], error) {
	e, err := ingest.NewEncoder[F](src.Schema(), enc)
	if err != nil {
		return nil, err
	}
	return newLoader(src, m, enc, e, o)
}

func newLoader[F ingest.Float](src ingest.Source, m *Manifest, enc *ingest.Encoding, e encoder[F], o LoaderOptions) (*Loader[F], error) {
	if o.Memory < 0 || o.Workers < 0 || o.Prefetch < 0 {
		return nil, errors.New("pipeline: memory, workers and prefetch must not be negative")
	}
	setDefault(&o.Memory, defaultMemory)
	l := &Loader[F]{src: src, manifest: m, encoding: enc, encoder: e, options: o, cache: newCache[F](), tuner: newTuner(o)}
	l.expecter, _ = e.(expecter)
	l.cache.unused = l.batches.give
	if o.Copy.Dir != "" && !m.endless {
		l.copy = &copying{options: o.Copy}
	}
	for i, u := range m.units {
		l.costs = append(l.costs, unitBytes(src, i, u, e.Columns()))
		if l.costs[i] > o.Memory {
			return nil, unitTooLarge(u, l.costs[i], o.Memory)
		}
	}
	l.memory = newBudget(o.Memory, l.cache.evict)
	return l, nil
}

// unitCost returns the memory that reading unit i takes.
func (l *Loader[F]) unitCost(i int) int64 { return l.costs[min(i, len(l.costs)-1)] }

// unitBytes bounds the memory of reading some columns of a unit.
func unitBytes(src ingest.Source, i int, u ingest.Unit, columns []int) int64 {
	if s, ok := src.(ingest.Sizer); ok {
		return s.Bytes(i, columns)
	}
	return u.Bytes
}

// Close forgets everything that is kept. It must not be called while Each runs; a loader may be used again after it.
func (l *Loader[F]) Close() {
	l.ahead.finish(true)
	l.ahead = nil
	l.copy.abort()
	l.cache.purge()
	l.memory.reset()
}

// ErrBusy is returned by Each where another call of Each on the same loader is under way, be it around it.
var ErrBusy = errors.New("pipeline: a loader delivers one minibatch at a time")

// ErrEnough is what consume returns to end a pass of Each that has seen enough. Each returns it; what was in memory stays there, if the
// whole minibatch was, and is gone otherwise, as after an error.
var ErrEnough = errors.New("pipeline: enough of a minibatch was seen")

// Each passes the chunks of a minibatch to consume, in the plan's order, and prepares the next ones meanwhile. It returns
// when all are consumed, or with the first error; no goroutine outlives it but that of Prepare. The memory of a batch is used again
// after consume has returned, unless consume set its Kept; then it is no longer counted. consume runs in the goroutine of the caller and must not call Each of the same loader.
//
// Each also proves that every sequence of the minibatch was delivered once, and every sequence of the manifest once an
// epoch: by their number and the sum of the hashes of their identifiers. After an error, other than ErrEnough, nothing is kept in memory.
func (l *Loader[F]) Each(ctx context.Context, mb Minibatch, consume func(*nn.Batch[F]) error) error {
	if !l.running.TryLock() {
		return ErrBusy
	}
	defer l.running.Unlock()
	l.settle(mb.Step)
	if err := l.useCopy(ctx); err != nil {
		return err
	}
	l.memory.release(l.cache.begin(mb.Step, l.manifest.endless))

	seen, err := l.deliver(ctx, mb, consume)
	if err != nil {
		return err
	}
	if err := seen.check(l.manifest, mb); err != nil {
		return err
	}
	l.prepareAhead()
	proven, err := l.epoch.add(l.manifest, mb, seen)
	if proven {
		l.counters.epochs.Add(1)
	}
	return err
}

// deliver runs the stages of one pass, consume being the last of them, and returns what was delivered.
func (l *Loader[F]) deliver(ctx context.Context, mb Minibatch, consume func(*nn.Batch[F]) error) (ledger, error) {
	p, err := newPass(l, mb)
	if err != nil {
		return ledger{}, err
	}
	if kept := l.cache.pinChunks(p.keys); kept != nil {
		return l.replay(ctx, kept, consume)
	}
	g, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	complete := false
	defer func() { // also where consume panics: no goroutine is left and nothing is held
		cancel()
		_ = g.Wait() // its first error has been returned
		if !complete {
			l.Close()
		}
	}()
	p.start(ctx, g)
	if err := p.consume(ctx, consume); err != nil {
		return ledger{}, err
	}
	if err := g.Wait(); err != nil {
		return ledger{}, err
	}
	complete = true
	return p.seen, nil
}
