package pipeline

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"curvestream/ingest"
	"curvestream/nn"
)

// With the least budget that the error of a smaller one names, every pass ends (synctest finds a deadlock at once), the
// budget is kept, and the bits are those of a budget without limit. Layouts, units, chunks, workers and timing are random.
func TestHardByteBudget(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			rows, layout := nestedRows(5+rng.IntN(80)), ingest.Nested
			n := len(rows)
			if seed%2 == 1 {
				rows, layout = longRows(rows, rng.IntN(2) == 0), ingest.Long
			}
			src := newFakeSource(rows, 1+rng.IntN(30))
			src.onRead = func(int) error { time.Sleep(rand.N(5 * time.Nanosecond)); return nil }
			f := newFixture(t, src, layout, encodings[[]string{"dense last", "dense each", "sparse each"}[seed%3]])
			gradient := 1 + rng.IntN(n)
			held := min(n/3, n-gradient)
			p := f.plan(t, PlanOptions{Seed: seed, GradientSize: gradient, HeldOutSize: held, ChunkSequences: 1 + rng.IntN(20)})
			minibatches := []Minibatch{p.Everything(), p.Minibatch(Gradient, 1), p.Minibatch(HeldOut, 1), p.Minibatch(Gradient, 1), p.Minibatch(Gradient, 2), p.Everything()}
			least := leastBudget(t, f, minibatches)
			tight := f.loader(t, LoaderOptions{Memory: least, Workers: 1 + rng.IntN(4), Prefetch: 1 + rng.IntN(4)})
			ample := f.loader(t, LoaderOptions{})
			for i, mb := range minibatches {
				if deliverAll(t, tight, mb) != deliverAll(t, ample, mb) {
					t.Fatalf("seed %d: minibatch %d has other bits", seed, i)
				}
				for _, l := range []*Loader[float32]{tight, ample} {
					if got, want := l.Stats().Held, kept(l.cache); got != want {
						t.Fatalf("seed %d: %d bytes are counted after minibatch %d, %d are kept", seed, got, i, want)
					}
				}
			}
			if s := tight.Stats(); s.Peak > least {
				t.Errorf("seed %d: %d bytes held at once, the budget is %d", seed, s.Peak, least)
			}
			tight.Close()
			ample.Close()
			src.memory.AssertSize(t, 0)
		})
	}
}

// kept returns the bytes of all that a cache holds, none of which may be pinned between passes.
func kept(c *cache[float32]) (bytes int64) {
	for _, u := range c.units {
		bytes += u.bytes + 1e9*int64(u.pins)
	}
	for _, k := range c.chunks {
		bytes += k.bytes + 1e9*int64(k.pins)
	}
	return bytes
}

// leastBudget raises a budget of a byte to what the errors say, until all minibatches pass.
func leastBudget(t *testing.T, f *fixture, minibatches []Minibatch) int64 {
	t.Helper()
	memory := int64(1)
	for range 20 {
		err := func() error {
			l, err := newLoader[float32](f.src, f.manifest, f.encoding, f.encoder, LoaderOptions{Memory: memory})
			if err != nil {
				return err
			}
			defer l.Close()
			for _, mb := range minibatches {
				if err := l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return nil }); err != nil {
					return err
				}
			}
			return nil
		}()
		if err == nil {
			return memory
		}
		large, ok := errors.AsType[*TooLargeError](err)
		if !ok || large.Needs <= memory {
			t.Fatalf("with %d bytes: %v", memory, err)
		}
		memory = large.Needs
	}
	t.Fatal("no budget is enough")
	return 0
}

// What the current pass has used goes last, and most recently used first; pinned things stay.
func TestEvictionOrder(t *testing.T) {
	c := newCache[float32]()
	var order []string
	drain := func() {
		for {
			units, chunks := len(c.units), len(c.chunks)
			freed, ok := c.evict()
			if !ok {
				return
			}
			order = append(order, fmt.Sprintf("%d units %d chunks: %d bytes", units-len(c.units), chunks-len(c.chunks), freed))
		}
	}
	batch := &nn.Batch[float32]{}
	c.begin(1, false)
	stale, _ := c.addChunk(Hash{1, 0}, batch, ledger{}, 1)
	c.begin(2, false)
	units := []*unit{c.addUnit(0, 10), c.addUnit(1, 11), c.addUnit(2, 12)}
	old, _ := c.addChunk(Hash{2, 0}, batch, ledger{}, 2)
	c.begin(2, false)
	newer, _ := c.addChunk(Hash{3, 0}, batch, ledger{}, 3)
	newest, _ := c.addChunk(Hash{4, 0}, batch, ledger{}, 4)
	c.pinUnit(2)
	late := c.addUnit(3, 13)
	drain()
	if len(order) != 0 {
		t.Fatalf("pinned things were evicted: %v", order)
	}
	if n := c.offerChunk(Hash{4, 0}, batch, ledger{}, 4) + c.offerChunk(Hash{5, 0}, batch, ledger{}, 5); n != 5 {
		t.Errorf("%d bytes were added by a chunk that is here and one of 5 bytes", n)
	}
	for _, h := range []*held{&stale.held, &units[0].held, &units[1].held, &units[2].held, &old.held, &newer.held, &newest.held, &late.held} {
		c.unpin(h)
	}
	drain()
	c.unpin(&units[2].held)
	drain()
	want := []string{
		"0 units 1 chunks: 5 bytes",                                                              // of the next iteration
		"0 units 1 chunks: 1 bytes",                                                              // of an earlier iteration
		"1 units 0 chunks: 10 bytes", "1 units 0 chunks: 11 bytes", "1 units 0 chunks: 13 bytes", // old units, then this pass's
		"0 units 1 chunks: 2 bytes", "0 units 1 chunks: 4 bytes", "0 units 1 chunks: 3 bytes",
		"1 units 0 chunks: 12 bytes", // unpinned last
	}
	if fmt.Sprint(order) != fmt.Sprint(want) {
		t.Errorf("evicted %v\nwant %v", order, want)
	}
}

// A new iteration drops the chunks that the last one did not use, and of a source without end such units, too.
func TestOldThingsAreDropped(t *testing.T) {
	for _, endless := range []bool{false, true} {
		c := newCache[float32]()
		c.begin(1, endless)
		k, _ := c.addChunk(Hash{1, 0}, &nn.Batch[float32]{}, ledger{}, 1)
		c.unpin(&k.held)
		c.unpin(&c.addUnit(0, 10).held)
		c.begin(2, endless)
		k, _ = c.addChunk(Hash{2, 0}, &nn.Batch[float32]{}, ledger{}, 2)
		c.unpin(&k.held)
		c.unpin(&c.addUnit(1, 20).held)
		if freed := c.begin(2, endless) + c.begin(0, endless); freed != 0 {
			t.Errorf("endless=%t: %d bytes dropped within an iteration", endless, freed)
		}
		want := int64(1)
		if endless {
			want += 10
		}
		if freed := c.begin(3, endless); freed != want {
			t.Errorf("endless=%t: %d bytes dropped, want %d", endless, freed, want)
		}
	}
}
