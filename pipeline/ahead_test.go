package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"curvestream/ingest"
	"curvestream/nn"
)

// roleMinibatches returns all minibatches of an iteration.
func roleMinibatches(p *Plan, step int) []Minibatch {
	return []Minibatch{p.Minibatch(Gradient, step), p.Minibatch(Curvature, step), p.Minibatch(HeldOut, step)}
}

// What is prepared for the next iteration changes no bit and keeps the budget, whatever the memory, also where it is just enough for a
// pass; synctest finds a deadlock at once. Sources, sizes and timing are random.
func TestPrepareChangesNothing(t *testing.T) {
	for seed := range uint64(24) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			rows, layout := nestedRows(20+rng.IntN(80)), ingest.Nested
			n := len(rows)
			if seed%2 == 1 {
				rows, layout = longRows(rows, rng.IntN(2) == 0), ingest.Long
			}
			src := newFakeSource(rows, 1+rng.IntN(30))
			src.onRead = func(int) error { time.Sleep(rand.N(5 * time.Nanosecond)); return nil }
			f := newFixture(t, src, layout, encodings[[]string{"dense last", "dense each", "sparse each"}[seed%3]])
			p := f.plan(t, PlanOptions{Seed: seed, GradientSize: 1 + rng.IntN(n/2), HeldOutSize: n / 4, CurvatureFrom: CurvatureSubset, ChunkSequences: 1 + rng.IntN(12)})
			const steps = 6
			var all []Minibatch
			for step := 1; step <= steps; step++ {
				all = append(all, roleMinibatches(p, step)...)
			}
			memory := leastBudget(t, f, all) * []int64{1, 2, 1000}[rng.IntN(3)]
			ahead := f.loader(t, LoaderOptions{Memory: memory, Workers: 1 + rng.IntN(4), Prefetch: 1 + rng.IntN(4)})
			plain := f.loader(t, LoaderOptions{})
			for step := 1; step <= steps; step++ {
				if err := ahead.Prepare(t.Context(), roleMinibatches(p, step+1)...); err != nil {
					t.Fatal(err)
				}
				for i, mb := range append(roleMinibatches(p, step), p.Minibatch(Gradient, step)) {
					if deliverAll(t, ahead, mb) != deliverAll(t, plain, mb) {
						t.Fatalf("seed %d, step %d: minibatch %d has other bits", seed, step, i)
					}
					time.Sleep(rand.N(50 * time.Nanosecond)) // the consumer computes
				}
			}
			ahead.ahead.finish(false)
			if s := ahead.Stats(); s.Peak > memory || s.Held != kept(ahead.cache) {
				t.Errorf("seed %d: %d bytes held at once, the budget is %d; %d are counted, %d kept", seed, s.Peak, memory, s.Held, kept(ahead.cache))
			}
			ahead.Close()
			plain.Close()
			src.memory.AssertSize(t, 0)
		})
	}
}

// With fresh minibatches at every iteration the consumer waits for the first one only: the others are there when it asks.
func TestPrepareHidesReading(t *testing.T) {
	for _, endless := range []bool{false, true} {
		t.Run(fmt.Sprintf("endless=%v", endless), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := newFakeSource(nestedRows(240), 20)
				src.endless = endless
				src.onRead = func(int) error { time.Sleep(10 * time.Millisecond); return nil }
				f := newFixture(t, src, ingest.Nested, lastDense)
				p := f.plan(t, PlanOptions{GradientSize: 60, HeldOutSize: 20, CurvatureFrom: CurvatureDisjoint, CurvatureSize: 20, ChunkSequences: 10})
				l := f.loader(t, LoaderOptions{Workers: 1})
				defer l.Close()
				var first time.Duration
				for step := 1; step <= 4; step++ {
					if err := l.Prepare(t.Context(), roleMinibatches(p, step+1)...); err != nil {
						t.Fatal(err)
					}
					for _, mb := range roleMinibatches(p, step) {
						deliverAll(t, l, mb)
						time.Sleep(200 * time.Millisecond) // the consumer computes
					}
					if step == 1 {
						first = l.Stats().Wait
					}
				}
				if s := l.Stats(); s.Wait != first || first < 10*time.Millisecond {
					t.Errorf("the consumer waited %v for the first iteration, %v in all", first, s.Wait)
				}
			})
		})
	}
}

// An error while preparing is reported by the pass that needs the data, and not before; closing and cancelling end the goroutine.
func TestPrepareEnds(t *testing.T) {
	broken := errors.New("broken")
	src := newFakeSource(nestedRows(100), 10)
	f := newFixture(t, src, ingest.Nested, lastDense)
	p := f.plan(t, PlanOptions{GradientSize: 20, ChunkSequences: 10, Shuffle: ShuffleNone})
	src.onRead = func(i int) error {
		if i >= 2 {
			return broken
		}
		return nil
	}
	l := f.loader(t, LoaderOptions{})
	for range 2 {
		if err := l.Prepare(t.Context(), p.Minibatch(Gradient, 2)); err != nil {
			t.Fatal(err)
		}
		deliverAll(t, l, p.Minibatch(Gradient, 1))
	}
	err := l.Each(t.Context(), p.Minibatch(Gradient, 2), func(*nn.Batch[float32]) error {
		if err := l.Prepare(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("%v, want %v", err, ErrBusy)
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	src.onRead = nil
	ctx, cancel := context.WithCancel(t.Context())
	if err := l.Prepare(ctx, p.Minibatch(Gradient, 4)); err != nil {
		t.Fatal(err)
	}
	deliverAll(t, l, p.Minibatch(Gradient, 3))
	cancel()
	deliverAll(t, l, p.Minibatch(Gradient, 4))
	l.Close()
	l.Close()
	src.memory.AssertSize(t, 0)
}
