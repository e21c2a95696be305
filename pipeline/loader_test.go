package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"curvestream/ingest"
	"curvestream/nn"
)

var encodings = map[string]ingest.Encoding{
	"dense last":   lastDense,
	"dense each":   {Form: "each", In: 3, Out: 2, Loss: "squared_error", Inputs: []ingest.ColumnEncoding{{Kind: ingest.Numeric, Width: 3}}},
	"class last":   {Form: "last", In: 1, Out: 30, Loss: "softmax_cross_entropy", Inputs: []ingest.ColumnEncoding{{Kind: ingest.Numeric, Width: 1}}},
	"sparse each":  {Form: "each", In: 5, Out: 2, Loss: "logistic_cross_entropy", SparseInputs: true, Inputs: []ingest.ColumnEncoding{{Kind: ingest.MultiHot, Width: 5}}},
	"sparse class": {Form: "each", In: 5, Out: 30, Loss: "softmax_cross_entropy", SparseInputs: true, Inputs: []ingest.ColumnEncoding{{Kind: ingest.MultiHot, Width: 5}}},
}

// The bits of all batches are the same for any number of workers, prefetch, budget and GOMAXPROCS, in the first pass and in
// replays, and the budget is kept.
func TestSameBitsWhateverTheWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rows := longRows(nestedRows(120), true)
	plans := []PlanOptions{
		{Seed: 9, GradientSize: 70, CurvatureSize: 20, CurvatureFrom: CurvatureSubset, HeldOutSize: 30, ChunkSequences: 12},
		{Seed: 9, GradientSize: 70, CurvatureSize: 20, CurvatureFrom: CurvatureDisjoint, HeldOutSize: 30, ChunkSequences: 12},
		{Seed: 9, GradientSize: 70, CurvatureFrom: CurvatureEqual, HeldOutSize: 30, ChunkSequences: 12, Shuffle: ShuffleBlock, BlockSize: 16},
	}
	var want [3]string
	for _, workers := range []int{1, 2, 8} {
		for _, prefetch := range []int{1, 5} {
			for _, memory := range []int64{40 << 10, 150 << 10, 1 << 30} {
				runtime.GOMAXPROCS(1 + workers%3)
				src := newFakeSource(rows, 25)
				src.slow = 20 * time.Microsecond
				f := newFixture(t, src, ingest.Long, lastDense)
				l := f.loader(t, LoaderOptions{Workers: workers, Prefetch: prefetch, Memory: memory})
				for i, plan := range plans {
					p, got := f.plan(t, plan), ""
					for step := 1; step <= 3; step++ {
						g := deliverAll(t, l, p.Minibatch(Gradient, step))
						c := deliverAll(t, l, p.Minibatch(Curvature, step))
						h := deliverAll(t, l, p.Minibatch(HeldOut, step))
						if again := deliverAll(t, l, p.Minibatch(Gradient, step)); again != g {
							t.Fatalf("workers=%d prefetch=%d memory=%d: a replay has other bits", workers, prefetch, memory)
						}
						got += g + c + h
					}
					got += deliverAll(t, l, p.Everything())
					if want[i] == "" {
						want[i] = got
					}
					if got != want[i] {
						t.Fatalf("%+v workers=%d prefetch=%d memory=%d: other bits", plan, workers, prefetch, memory)
					}
				}
				if s := l.Stats(); s.Peak > s.Memory {
					t.Errorf("workers=%d prefetch=%d memory=%d: %d bytes held at once", workers, prefetch, memory, s.Peak)
				}
				l.Close()
				src.memory.AssertSize(t, 0)
			}
		}
	}
}

// The same data in units of other sizes, and in the nested layout, gives the same bits.
func TestSameBitsWhateverTheUnits(t *testing.T) {
	rows := nestedRows(80)
	want := ""
	for _, perUnit := range []int{3, 20, 5000} {
		for layout, data := range map[ingest.Layout][]fakeRow{ingest.Nested: rows, ingest.Long: longRows(rows, false)} {
			f := newFixture(t, newFakeSource(data, perUnit), layout, encodings["sparse each"])
			l := f.loader(t, LoaderOptions{})
			p := f.plan(t, PlanOptions{Seed: 4, GradientSize: 30, ChunkSequences: 8})
			got := deliverAll(t, l, p.Minibatch(Gradient, 2)) + deliverAll(t, l, p.Everything())
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s in units of %d: other bits", layout, perUnit)
			}
		}
	}
}

// A minibatch that fits is read once, however often it is replayed; one that does not fit is read again, but each unit
// still serves all chunks of a window; and units that fit are decoded once for all minibatches.
func TestReplaysAndReads(t *testing.T) {
	f := newFixture(t, newFakeSource(nestedRows(200), 20), ingest.Nested, lastDense)
	p := f.plan(t, PlanOptions{GradientSize: 100, ChunkSequences: 10})
	l := f.loader(t, LoaderOptions{})
	for range 5 {
		deliverAll(t, l, p.Minibatch(Gradient, 1))
	}
	if s := l.Stats(); s.Replayed != 40 || s.Batches != 50 || f.src.reads.Load() > 10 {
		t.Errorf("%d of %d chunks replayed, %d units read; want 40 of 50, and each unit once", s.Replayed, s.Batches, f.src.reads.Load())
	}
	for step := 2; step < 6; step++ {
		deliverAll(t, l, p.Minibatch(Gradient, step))
	}
	if got := f.src.reads.Load(); got != 10 {
		t.Errorf("%d units read, want each of 10 once", got)
	}

	var items []int64
	for _, s := range l.Stats().Stages {
		items = append(items, s.Items)
	}
	if want := fmt.Sprint([]int64{10, 10, 500, 50}); fmt.Sprint(items) != want {
		t.Errorf("stages counted %v units, units, sequences and chunks, want %s", items, want)
	}

	f.src.reads.Store(0)
	small := f.loader(t, LoaderOptions{Memory: 16 << 10})
	for range 2 {
		deliverAll(t, small, p.Minibatch(Gradient, 1))
	}
	s := small.Stats()
	if s.Peak > s.Memory || s.Replayed == 20 || f.src.reads.Load() >= 200 {
		t.Errorf("peak %d of %d, %d of 20 chunks replayed, %d units read", s.Peak, s.Memory, s.Replayed, f.src.reads.Load())
	}
}

func TestExactlyOnce(t *testing.T) {
	f := newFixture(t, newFakeSource(nestedRows(50), 8), ingest.Nested, lastDense)
	l := f.loader(t, LoaderOptions{})
	p := f.plan(t, PlanOptions{GradientSize: 12, ChunkSequences: 5})
	for step := 1; step <= 12; step++ {
		for range 1 + step%2 {
			deliverAll(t, l, p.Minibatch(Gradient, step))
		}
	}
	if got := l.Stats().Epochs; got != 2 {
		t.Errorf("%d epochs proven in 12 steps of 5 an epoch, want 2", got)
	}

	// A plan that uses a sequence twice is found out at the end of the epoch.
	l = f.loader(t, LoaderOptions{})
	var err error
	for step := 1; step <= 5 && err == nil; step++ {
		mb := p.Minibatch(Gradient, step)
		if step == 3 {
			mb.Sequences = append([]int{p.Minibatch(Gradient, 1).Sequences[0]}, mb.Sequences[1:]...)
		}
		err = l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return nil })
	}
	bad, ok := errors.AsType[*DeliveryError](err)
	if !ok || bad.What == "" || !strings.Contains(err.Error(), "epoch 0") {
		t.Errorf("err = %v, want a DeliveryError of epoch 0", err)
	}
}

func TestChangedDataIsFoundOut(t *testing.T) {
	for name, change := range map[string]func(*fakeRow){
		"other id":     func(r *fakeRow) { r.id = "changed" },
		"other length": func(r *fakeRow) { r.n++ },
	} {
		f := newFixture(t, newFakeSource(nestedRows(20), 8), ingest.Nested, lastDense)
		change(&f.src.rows[11])
		l := f.loader(t, LoaderOptions{})
		err := l.Each(t.Context(), f.plan(t, PlanOptions{}).Everything(), func(*nn.Batch[float32]) error { return nil })
		if _, ok := errors.AsType[*DeliveryError](err); !ok {
			t.Errorf("%s: err = %v, want a DeliveryError", name, err)
		}
	}
}

// Any failure ends the pass with that failure, nothing is held after it, and the loader works again.
func TestEachFails(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		prepare func(*fixture)
		consume func(*nn.Batch[float32]) error
		want    string
	}{
		"reader fails":  {func(f *fixture) { f.src.onRead = func(i int) error { return map[bool]error{true: boom}[i == 3] } }, nil, "boom"},
		"reader panics": {func(f *fixture) { f.src.onRead = func(int) error { panic("index out of range") } }, nil, "malformed: index out of range"},
		"a row too few": {func(f *fixture) { f.src.short = true }, nil, "7 rows were read, 8 were announced"},
		"encoder fails": {func(f *fixture) {
			f.encoder.fail = func(id string) error { return map[bool]error{true: boom}[id == "s17"] }
		}, nil, "boom"},
		"encoder panics": {func(f *fixture) { f.encoder.fail = func(string) error { panic("bad offset") } }, nil, "malformed: bad offset"},
		"consumer fails": {nil, func(*nn.Batch[float32]) error { return boom }, "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, newFakeSource(nestedRows(60), 8), ingest.Nested, lastDense)
			l := f.loader(t, LoaderOptions{Workers: 3})
			mb := f.plan(t, PlanOptions{ChunkSequences: 7}).Everything()
			if test.prepare != nil {
				test.prepare(f)
			}
			consume := test.consume
			if consume == nil {
				consume = func(*nn.Batch[float32]) error { return nil }
			}
			if err := l.Each(t.Context(), mb, consume); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("err = %v, want %q", err, test.want)
			}
			f.src.memory.AssertSize(t, 0)
			if held := l.Stats().Held; held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
			f.src.onRead, f.src.short, f.encoder.fail = nil, false, nil
			deliverAll(t, l, mb)
			l.Close()
			f.src.memory.AssertSize(t, 0)
		})
	}
}

// A consumer that panics leaves no goroutine and no memory behind.
func TestConsumerPanics(t *testing.T) {
	f := newFixture(t, newFakeSource(nestedRows(60), 8), ingest.Nested, lastDense)
	l := f.loader(t, LoaderOptions{})
	func() {
		defer func() { _ = recover() }()
		_ = l.Each(t.Context(), f.plan(t, PlanOptions{ChunkSequences: 7}).Everything(), func(*nn.Batch[float32]) error { panic("here") })
		t.Error("the panic was swallowed")
	}()
	f.src.memory.AssertSize(t, 0)
}

func TestRowGroupLargerThanBudget(t *testing.T) {
	f := newFixture(t, newFakeSource(nestedRows(60), 30), ingest.Nested, lastDense)
	_, err := newLoader[float32](f.src, f.manifest, f.encoding, f.encoder, LoaderOptions{Memory: 1000})
	if large, ok := errors.AsType[*TooLargeError](err); !ok || large.File != "part-0.parquet" || large.Needs != f.src.Unit(0).Bytes {
		t.Errorf("err = %v, want a TooLargeError that names the unit", err)
	}

	// Neither the unit nor the chunk is too large alone; a budget of the bytes that the error names will do.
	mb := f.plan(t, PlanOptions{ChunkSequences: 30}).Everything()
	l := f.loader(t, LoaderOptions{Memory: f.src.Unit(0).Bytes + 100})
	err = l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return nil })
	large, ok := errors.AsType[*TooLargeError](err)
	if !ok || large.Memory != f.src.Unit(0).Bytes+100 {
		t.Fatalf("err = %v, want a TooLargeError", err)
	}
	deliverAll(t, f.loader(t, LoaderOptions{Memory: large.Needs}), mb)
	if _, err := BuildManifest(t.Context(), f.src, &fakeScan{}, ManifestOptions{Memory: f.src.Unit(0).Bytes}); err != nil {
		t.Errorf("a budget of one unit does not do for the scan: %v", err)
	}
}

// A pass over what is in memory that has seen enough leaves it there; any other error, or a panic, leaves nothing.
func TestEnoughOfWhatIsInMemory(t *testing.T) {
	for _, test := range []struct {
		name  string
		end   func() error
		reads int32 // of the passes after it
	}{
		{"enough", func() error { return ErrEnough }, 0},
		{"error", func() error { return errors.New("no") }, 5},
		{"panic", func() error { panic("no") }, 5},
	} {
		f := newFixture(t, newFakeSource(nestedRows(40), 8), ingest.Nested, lastDense)
		l := f.loader(t, LoaderOptions{})
		mb := f.plan(t, PlanOptions{ChunkSequences: 10}).Everything()
		deliverAll(t, l, mb)
		func() {
			defer func() { _ = recover() }()
			if err := l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return test.end() }); err == nil {
				t.Errorf("%s: no error", test.name)
			}
		}()
		if held := l.Stats().Held; (held > 0) != (test.reads == 0) {
			t.Errorf("%s: %d bytes are held", test.name, held)
		}
		before := f.src.reads.Load()
		deliverAll(t, l, mb)
		if got := int32(f.src.reads.Load() - before); got != test.reads {
			t.Errorf("%s: %d units are read again, want %d", test.name, got, test.reads)
		}
		l.Close()
		f.src.memory.AssertSize(t, 0)
	}
}

func TestOneMinibatchAtATime(t *testing.T) {
	f := newFixture(t, newFakeSource(nestedRows(10), 8), ingest.Nested, lastDense)
	l := f.loader(t, LoaderOptions{})
	mb := f.plan(t, PlanOptions{}).Everything()
	nothing := func(*nn.Batch[float32]) error { return nil }
	err := l.Each(t.Context(), mb, func(*nn.Batch[float32]) error { return l.Each(t.Context(), mb, nothing) })
	if !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
}

// Cancelled at any moment, Each returns the reason, every goroutine has ended and every record is released.
func TestCancelAnywhere(t *testing.T) {
	f := newFixture(t, newFakeSource(longRows(nestedRows(100), true), 20), ingest.Long, lastDense)
	f.src.slow = 50 * time.Microsecond
	mb := f.plan(t, PlanOptions{ChunkSequences: 9}).Everything()
	stop := errors.New("stop")
	for i := range 60 {
		l := f.loader(t, LoaderOptions{Workers: 1 + i%4, Prefetch: 1 + i%3, Memory: 40 << 10})
		ctx, cancel := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(rand.N(4*time.Millisecond), func() { cancel(stop) })
		err := l.Each(ctx, mb, func(*nn.Batch[float32]) error { return nil })
		if err != nil && !errors.Is(err, stop) && !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v", err)
		}
		timer.Stop()
		cancel(nil)
		l.Close()
		f.src.memory.AssertSize(t, 0)
	}
}

// While the consumer computes, the next chunks are prepared, and it does not wait for them.
func TestNextChunkIsPreparedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newFakeSource(nestedRows(100), 10), ingest.Nested, lastDense)
		f.src.onRead = func(int) error { time.Sleep(time.Millisecond); return nil }
		l := f.loader(t, LoaderOptions{Workers: 2})
		chunks := 0
		if err := l.Each(t.Context(), f.plan(t, PlanOptions{Shuffle: ShuffleNone, GradientSize: 100, ChunkSequences: 10}).Minibatch(Gradient, 1), func(*nn.Batch[float32]) error {
			chunks++
			time.Sleep(20 * time.Millisecond)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if s := l.Stats(); chunks != 10 || s.Wait > 11*time.Millisecond {
			t.Errorf("%d chunks; the consumer waited %v, more than the first chunk takes", chunks, s.Wait)
		}
	})
}

// A source without end gives every step sequences that no step had before.
func TestEndless(t *testing.T) {
	src := newFakeSource(nil, 16)
	src.endless = true
	f := newFixture(t, src, ingest.Nested, lastDense)
	if f.manifest.Len() != ingest.Endless || f.manifest.Steps(3) != 7 {
		t.Fatalf("Len %d, Steps %d", f.manifest.Len(), f.manifest.Steps(3))
	}
	l := f.loader(t, LoaderOptions{})
	p := f.plan(t, PlanOptions{GradientSize: 20, CurvatureSize: 10, CurvatureFrom: CurvatureDisjoint, HeldOutSize: 5, ChunkSequences: 8})
	seen := map[string]string{}
	for step := 1; step <= 6; step++ {
		for _, role := range []Role{Gradient, Curvature, HeldOut} {
			use := fmt.Sprint(role, step)
			if err := l.Each(t.Context(), p.Minibatch(role, step), func(b *nn.Batch[float32]) error {
				for _, id := range b.ID {
					if seen[id] != "" {
						t.Fatalf("%s is in %s and in %s", id, seen[id], use)
					}
					seen[id] = use
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != 6*35 {
		t.Errorf("%d sequences in 6 steps of 35", len(seen))
	}
	if err := l.Each(t.Context(), p.Everything(), nil); err == nil || !strings.Contains(err.Error(), "has no end") {
		t.Errorf("everything of a source without end: err = %v", err)
	}
	if _, err := NewPlan(f.manifest, PlanOptions{}); err == nil || !strings.Contains(err.Error(), "no end") {
		t.Errorf("a gradient minibatch of everything: err = %v", err)
	}
	l.Close()
	src.memory.AssertSize(t, 0)
}
