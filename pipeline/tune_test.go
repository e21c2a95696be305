package pipeline

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"curvestream/ingest"
	"curvestream/nn"

	"golang.org/x/sync/errgroup"
)

// tuned runs passes over everything with a source that takes so long to read a unit and a consumer that takes so long for a chunk, and
// returns what the loader chose, and the time of the last pass.
func tuned(t *testing.T, o LoaderOptions, read, consume time.Duration, passes int) (s Stats, last time.Duration) {
	f := newFixture(t, newFakeSource(nestedRows(600), 5), ingest.Nested, lastDense)
	f.src.onRead = func(int) error { time.Sleep(read); return nil }
	l := f.loader(t, o)
	defer l.Close()
	mb := f.plan(t, PlanOptions{ChunkSequences: 5}).Minibatch(Gradient, 1)
	for range passes {
		start := time.Now()
		if err := l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { time.Sleep(consume); return nil }); err != nil {
			t.Fatal(err)
		}
		last = time.Since(start)
		s = l.Stats()
		l.Close() // so that the next pass reads again
	}
	return s, last
}

// With a source that is slow to answer, more units are read at a time until the computation hardly waits; with one that is fast, nothing
// changes; and neither does where workers and prefetch are given, or tuning is off.
func TestTuning(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		o             LoaderOptions
		read, consume time.Duration
		raised        bool
	}{
		"slow":       {LoaderOptions{Tune: true}, 100 * ms, 10 * ms, true},
		"fast":       {LoaderOptions{Tune: true}, 1 * ms, 10 * ms, false},
		"off":        {LoaderOptions{}, 100 * ms, 10 * ms, false},
		"both given": {LoaderOptions{Tune: true, Workers: 1, Prefetch: 1}, 100 * ms, 10 * ms, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, _ := newTuner(test.o).choice()
				s, last := tuned(t, test.o, test.read, test.consume, 8)
				if raised := s.Workers > begin.workers; raised != test.raised || !raised && s.Prefetch != begin.prefetch || raised == (s.Tuned == "") {
					t.Errorf("%d workers and %d windows, at first %+v; %q", s.Workers, s.Prefetch, begin, s.Tuned)
				}
				least := 600 / 5 * test.consume
				if test.raised && last > 2*least {
					t.Errorf("the last pass took %v, the computation alone %v", last, least)
				}
			})
		})
	}
}

// What does not help is taken back: more workers than a source serves at a time.
func TestTuningTakesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newFakeSource(nestedRows(600), 5), ingest.Nested, lastDense)
		one := make(chan struct{}, 1)
		f.src.onRead = func(int) error {
			one <- struct{}{}
			time.Sleep(20 * time.Millisecond)
			<-one
			return nil
		}
		l := f.loader(t, LoaderOptions{Tune: true})
		defer l.Close()
		begin, _ := l.tuner.choice()
		mb := f.plan(t, PlanOptions{ChunkSequences: 5}).Minibatch(Gradient, 1)
		for range 4 {
			if err := l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return nil }); err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
		if s := l.Stats(); s.Workers != begin.workers || !strings.Contains(s.Tuned, "again: with") {
			t.Errorf("%d workers, at first %d; %q", s.Workers, begin.workers, s.Tuned)
		}
	})
}

// Whatever is chosen, and however often in the middle of a pass, the bits are the same and the budget is kept.
func TestTuningChangesNoBit(t *testing.T) {
	f := newFixture(t, newFakeSource(longRows(nestedRows(120), true), 25), ingest.Long, lastDense)
	f.src.slow = 20 * time.Microsecond
	p := f.plan(t, PlanOptions{Seed: 9, GradientSize: 70, ChunkSequences: 6})
	want := deliverAll(t, f.loader(t, LoaderOptions{Workers: 1, Prefetch: 1}), p.Minibatch(Gradient, 1))
	rng := rand.New(rand.NewPCG(1, 1))
	l := f.loader(t, LoaderOptions{Tune: true, Memory: 60 << 10})
	for range 20 {
		pass, err := newPass(l, p.Minibatch(Gradient, 1))
		if err != nil {
			t.Fatal(err)
		}
		g, ctx := errgroup.WithContext(t.Context())
		pass.start(ctx, g)
		got := ""
		err = pass.consume(ctx, func(b *nn.Batch[float32]) error {
			got += spell(b)
			l.tuner.choose(choice{1 + rng.IntN(mostWorkers), 1 + rng.IntN(mostPrefetch)}, "")
			pass.resize()
			return nil
		})
		if err := errors.Join(err, g.Wait()); err != nil || got != want {
			t.Fatalf("%v, or other bits", err)
		}
		l.Close()
	}
	if s := l.Stats(); s.Peak > s.Memory {
		t.Errorf("%d bytes held at once", s.Peak)
	}
}
