package cuda

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// A swept is a recurrent net on a chunk of data, of which half of the states live in pinned memory, or all on the device.
type swept struct {
	config   rnn.Config
	batch    *nn.Batch[float64]
	theta, v accel.Slice[float64]
	products int
}

func newSwept(t *testing.T, stored bool) swept {
	t.Helper()
	t.Setenv("CURVESTREAM_RECURRENCE", "steps")
	rng := rand.New(rand.NewPCG(3, 1))
	toy := derivative.Toy{In: 1, Out: 1, Loss: accel.SquaredError, Lengths: []int{70, 52}}
	b, err := toy.Batch(rng)
	if err != nil {
		t.Fatal(err)
	}
	w := swept{config: rnn.Config{In: 1, Hidden: 2, Out: 1, Activation: accel.Tanh, Loss: toy.Loss}, batch: b, products: 5}
	emulated := emulatedBackend[float64](t)
	probe, err := rnn.New[float64](byShortBlocks{emulated, emulated}, w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.theta, w.v = slice(derivative.Theta(probe.Layout(), 0.7, rng)), slice(derivative.Theta(probe.Layout(), 1, rng))
	if stored {
		w.config.Store = rnn.Store{Device: probe.StateBytes(b) * 8 / 10, Costs: checkpointing.Costs{Forward: 1, Along: 1, Backward: 1, Host: 1e12}}
		if probe, err = rnn.New[float64](byShortBlocks{emulated, emulated}, w.config); err != nil {
			t.Fatal(err)
		}
		if plan, err := probe.PlanStates(b); err != nil || plan.Host == 0 || plan.Copied == 0 {
			t.Fatalf("nothing is copied: %+v, %v", plan, err)
		}
	}
	return w
}

// byShortBlocks is a backend on which a recurrent net computes blocks of few time-steps.
type byShortBlocks struct {
	accel.Backend[float64]
	accel.Host[float64]
}

func slice(x []float64) accel.Slice[float64] { return x }

// run returns products with the curvature matrix, with structural damping in the last two, by an emulated device that it closes.
func (w swept) run(t *testing.T, e *emulator, lib blasLibrary) (products []float64, err error) {
	b, err := openOn[float64](e, lib, 0, Emulated)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	net, err := rnn.New[float64](byShortBlocks{b, b}, w.config)
	if err != nil {
		return nil, err
	}
	theta, err := b.FromHost(w.theta)
	if err != nil {
		return nil, err
	}
	v, err := b.FromHost(w.v)
	if err != nil {
		return nil, err
	}
	l, err := net.Linearize(t.Context(), theta, w.batch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for i := range w.products {
		g := v.New()
		mu := 0.0
		if i >= w.products-2 {
			mu = 0.5
		}
		if err := l.AddGv(t.Context(), g, v, mu); err != nil {
			return nil, err
		}
		product := make([]float64, g.Len())
		g.Read(product)
		products = append(products, product...)
	}
	return products, b.d.err()
}

// Whether states stay on the device or half of them live in pinned memory, and whether copies run as early or as late as events allow,
// the products have the same bits. Where a wait for an event that matters is left out, they have not: some matter where copies run late, some
// where they run early, and some do not, because a later one covers them.
func TestCopiesAreOrderedByEvents(t *testing.T) {
	kept, stored := newSwept(t, false), newSwept(t, true)
	want, err := kept.run(t, newEmulator(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, early := range []bool{false, true} {
		e := newEmulator()
		e.early = early
		if got, err := stored.run(t, e, nil); err != nil || !slices.Equal(got, want) {
			t.Errorf("early %v: %v, error %v; want %v", early, got, err, want)
		}
		if e.leaked != "" || e.waits == 0 {
			t.Errorf("early %v: %d waits; left: %s", early, e.waits, e.leaked)
		}
	}
	if underRace {
		return // what follows is about the order of streams, not of goroutines
	}
	stored.products = 1
	want = want[len(want)-len(want)/5:] // that with structural damping
	whole := newEmulator()
	if _, err := stored.run(t, whole, nil); err != nil {
		t.Fatal(err)
	}
	waits := whole.waits
	noticed := map[bool]int{}
	for drop := 1; drop <= waits; drop += 1 + waits/12 {
		for _, early := range []bool{false, true} {
			e := newEmulator()
			e.early, e.drop = early, drop
			got, err := stored.run(t, e, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				noticed[early]++
			}
		}
	}
	if noticed[false] == 0 || noticed[true] == 0 {
		t.Errorf("of %d waits left out, %d show where copies run late, and %d where they run early", waits, noticed[false], noticed[true])
	}
}

// TestCopyFails has each call fail while half of the states are in pinned memory and sequences of launches come again as graphs.
func TestCopyFails(t *testing.T) {
	if underRace {
		t.Skip("one goroutine asks for all of it")
	}
	w := newSwept(t, true)
	calls := map[string]bool{}
	whole := newEmulator()
	whole.traced = true
	if _, err := w.run(t, whole, emulatedBLAS{whole}); err != nil {
		t.Fatal(err)
	}
	step := max(1, whole.made/12)
	var all []int
	for n := 1; n <= whole.made; n += step {
		all = append(all, n)
	}
	seen := map[string]bool{}
	for n, name := range whole.names { // and the first of each kind
		if !seen[name] {
			seen[name] = true
			all = append(all, n+1)
		}
	}
	for _, n := range all {
		e := newEmulator()
		e.failAt, e.failBy = n, 999
		_, err := w.run(t, e, emulatedBLAS{e})
		calls[e.failed] = true
		var named *Error
		if !errors.As(err, &named) || named.Call != e.failed || named.Code != 999 {
			t.Errorf("call %d, %s, fails: the error is %v", n, e.failed, err)
		}
		if !frees[e.failed] && (e.leaked != "" || e.retains != 0) {
			t.Errorf("call %d, %s, fails: left are %s, %d contexts", n, e.failed, e.leaked, e.retains)
		}
	}
	for _, c := range []fmt.Stringer{cuMemHostAlloc, cuEventCreate, cuEventRecord, cuStreamWaitEvent, cuStreamBeginCapture_v2, cuStreamEndCapture,
		cuGraphInstantiateWithFlags, cuGraphLaunch, cuGraphDestroy, cuGraphExecDestroy, cublasCreate_v2, cublasSetWorkspace_v2, cublasDgemm_v2, cublasDestroy_v2} {
		if !calls[c.String()] {
			t.Errorf("%s did not fail", c)
		}
	}
}

// TestHostMemory sees that pinned memory that comes back is lent again.
func TestHostMemory(t *testing.T) {
	b := emulatedBackend[float32](t)
	first, giveBack, err := b.NewHost(1000)
	if err != nil {
		t.Fatal(err)
	}
	giveBack()
	again, giveBack, err := b.NewHost(900)
	if err != nil || &again[0] != &first[0] || len(again) != 900 {
		t.Errorf("%d elements elsewhere, error %v", len(again), err)
	}
	other, _, err := b.NewHost(900)
	if err != nil || &other[0] == &first[0] {
		t.Errorf("memory is lent twice, error %v", err)
	}
	giveBack()
	if none, _, err := b.NewHost(0); err != nil || len(none) != 0 {
		t.Errorf("no memory: %v, %v", none, err)
	}
}
