package rnn_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/checkpointing"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// stores are budgets, as shares of all states, under which states are copied to memory, to a file, computed again, and mixtures of
// these.
var stores = []struct {
	name                 string
	budget, device, file float64
	recompute            bool
}{
	{"memory", 2, 0.6, 0, false},
	{"file", 0.6, 0, 1, false},
	{"memory and file", 0.9, 0.5, 1, false},
	{"some in memory", 1.1, 0.6, 0, false},
	{"some in a file", 0.65, 0, 0.45, false},
	{"all in the window", 1.6, 0.4, 0, false},
	{"nothing stored", 1.3, 0.45, 1, true},
}

// withStore returns c with budgets of a list. full is the bytes of all states.
func withStore(t *testing.T, backend accel.Backend[float64], b *nn.Batch[float64], c rnn.Config, i int, full float64) rnn.Config {
	t.Helper()
	s := stores[i]
	c.StateBudget = int64(s.budget * full)
	c.Store = rnn.Store{Device: int64(s.device * full), Recompute: s.recompute, Verify: true}
	if s.file == 0 {
		return c
	}
	spill, err := checkpointing.OpenSpill(t.TempDir(), 64<<20)
	check(t, err)
	t.Cleanup(func() { check(t, spill.Close()) })
	c.Store.Spill, c.Store.SpillBudget, c.Store.Device = spill, 16<<20, int64(0.6*full)
	c.StateBudget = c.Store.Device
	net, err := rnn.New(backend, c)
	check(t, err)
	plan, err := net.PlanStates(b) // all that can be is in the file
	check(t, err)
	c.StateBudget, c.Store.Device = int64(s.budget*full), int64(s.device*full)
	c.Store.SpillBudget = int64(s.file * float64(plan.Spilled) * 1.2)
	return c
}

// Wherever states are stored, all results have the bits of keeping all states.
func TestStoredStatesGiveTheSameBits(t *testing.T) {
	seen := map[string]bool{}
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			rng := rand.New(rand.NewPCG(23, uint64(form)))
			toy := derivative.Toy{In: 3, Out: 2, Loss: accel.LogisticCrossEntropy, Form: form, Lengths: lengths(rng, 7, 300), Weighted: true}
			b, err := toy.Batch(rng)
			check(t, err)
			config := of(rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh, Loss: toy.Loss, Biases: true, Distance: nn.CrossEntropyDistance})
			theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
			backend := sharded{cpu.New[float64](cpu.Options{Threads: 2}), 2}
			want := everything(t, backend, config, b, theta, v)
			full := float64(8 * valuesOfRow[config.Cell] * b.Rows())
			for i, s := range stores {
				c := withStore(t, backend, b, config, i, full)
				net, err := rnn.New[float64](backend, c)
				check(t, err)
				plan, err := net.PlanStates(b)
				check(t, err)
				seen[kinds(plan)] = true
				if s.device > 0 && float64(plan.Device) > s.device*full || plan.Bytes > c.StateBudget || plan.Spilled > c.Store.SpillBudget {
					t.Errorf("form %d, %s: %+v is above the budgets, %d and %d", form, s.name, plan, c.StateBudget, c.Store.SpillBudget)
				}
				for j, got := range everything(t, backend, c, b, theta, v) {
					if !slices.Equal(got, want[j]) {
						t.Errorf("form %d, %s: %s has other bits", form, s.name, quantities[j])
					}
				}
			}
		}
	})
	for _, kind := range []string{"host ", "spill ", "host spill ", "host again ", "spill again ", "again "} {
		if !seen[kind] {
			t.Errorf("no plan is %q: %v", kind, seen)
		}
	}
}

// kinds says what a plan does.
func kinds(p rnn.StatePlan) string {
	text := ""
	for _, k := range []struct {
		name string
		n    int64
	}{{"host ", int64(p.Host)}, {"spill ", int64(p.Spill)}, {"again ", p.Recomputed}} {
		if k.n > 0 {
			text += k.name
		}
	}
	return text
}

// A fault in a file: the given number of reads and writes go well, then damage comes.
type faulty struct {
	checkpointing.File
	left   atomic.Int64
	damage func(write bool, p []byte) error
}

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if err == nil && f.left.Add(-1) < 0 {
		err = f.damage(false, p)
	}
	return n, err
}

func (f *faulty) WriteAt(p []byte, off int64) (int, error) {
	if f.left.Add(-1) < 0 {
		if err := f.damage(true, p); err != nil {
			return 0, err
		}
	}
	return f.File.WriteAt(p, off)
}

// memoryFile is a file in memory.
type memoryFile struct{ bytes []byte }

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(len(f.bytes)) {
		return 0, io.ErrUnexpectedEOF
	}
	return copy(p, f.bytes[off:]), nil
}
func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) { return copy(f.bytes[off:], p), nil }
func (f *memoryFile) Close() error                             { return nil }

// Whatever goes wrong with the file, and whenever, is an error that says so, and the next product is right.
func TestSpillFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 1))
	b, err := derivative.Toy{In: 2, Out: 1, Form: nn.Last, Lengths: lengths(rng, 4, 200)}.Batch(rng)
	check(t, err)
	backend := sharded{cpu.New[float64](cpu.Options{Threads: 2}), 2}
	config := rnn.Config{In: 2, Hidden: 3, Out: 1, Activation: accel.Tanh, Biases: true}
	plain, err := rnn.New[float64](backend, config)
	check(t, err)
	theta := vector(t, backend, derivative.Theta(config.Layout(), 0.7, rng))
	want := product(t, plain, theta, b)

	const size = 4 << 20
	file := &faulty{File: &memoryFile{make([]byte, size)}}
	file.left.Store(1 << 40)
	spill, err := checkpointing.NewSpill(file, "spill", size)
	check(t, err)
	config.StateBudget = int64(8 * 3 * b.Rows() * 5 / 10)
	config.Store = rnn.Store{Spill: spill, SpillBudget: size / 3}
	net, err := rnn.New[float64](backend, config)
	check(t, err)
	for name, fault := range map[string]struct {
		damage func(write bool, p []byte) error
		want   string
	}{
		"disk full": {func(write bool, _ []byte) error {
			if write {
				return syscall.ENOSPC
			}
			return nil
		}, "no space left"},
		"unreadable": {func(write bool, _ []byte) error {
			if write {
				return nil
			}
			return syscall.EIO
		}, "input/output error"},
		"damaged": {func(write bool, p []byte) error {
			if !write {
				p[len(p)/2] ^= 16
			}
			return nil
		}, "is not what was written"},
		"a bug": {func(bool, []byte) error { panic("a bug") }, "this is a bug"},
	} {
		failures := 0
		for after := int64(0); after < 160; after += 7 {
			file.damage = fault.damage
			lin, err := func() (nn.Linearization[float64], error) {
				file.left.Store(after)
				return net.Linearize(t.Context(), theta, b)
			}()
			if err == nil {
				err = lin.AddGv(t.Context(), theta.New(), theta, 0.1)
			}
			if err != nil {
				failures++
				if !strings.Contains(err.Error(), fault.want) {
					t.Fatalf("%s: err = %v, want %q", name, err, fault.want)
				}
			}
			file.left.Store(1 << 40)
			if lin != nil {
				got := theta.New()
				check(t, lin.AddGv(t.Context(), got, theta, 0.1))
				if !slices.Equal(read(got), want) {
					t.Fatalf("%s after %d operations: the next product has other bits", name, after)
				}
				check(t, lin.Close())
			}
		}
		if failures < 3 {
			t.Errorf("%s: %d failures", name, failures)
		}
		if got := product(t, net, theta, b); !slices.Equal(got, want) {
			t.Errorf("%s: afterwards a product has other bits", name)
		}
	}
}

func product(t *testing.T, net *rnn.Net[float64], theta accel.Vector[float64], b *nn.Batch[float64]) []float64 {
	t.Helper()
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	gv := theta.New()
	check(t, lin.AddGv(t.Context(), gv, theta, 0.1))
	return read(gv)
}

// A sweep that is cancelled while states are copied leaves a linearization that computes the same bits.
func TestCancelWhileStoring(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	b, err := derivative.Toy{In: 2, Out: 1, Form: nn.Each, Lengths: lengths(rng, 4, 200)}.Batch(rng)
	check(t, err)
	backend := sharded{cpu.New[float64](cpu.Options{Threads: 2}), 2}
	config := withStore(t, backend, b, rnn.Config{In: 2, Hidden: 3, Out: 1, Activation: accel.Tanh}, 2, float64(8*3*b.Rows()))
	net, err := rnn.New[float64](backend, config)
	check(t, err)
	theta := vector(t, backend, derivative.Theta(net.Layout(), 0.7, rng))
	want := product(t, net, theta, b)
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	stop := errors.New("stop")
	for after := 0; after < 200; after += 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		counted := &stopping{Context: ctx, cancel: func() { cancel(stop) }}
		counted.left.Store(int64(after))
		if err := lin.AddGv(counted, theta.New(), theta, 0.1); err != nil && !errors.Is(err, stop) {
			t.Fatalf("after %d checks: err = %v, want the cause of the cancellation", after, err)
		}
		cancel(nil)
		got := theta.New()
		check(t, lin.AddGv(t.Context(), got, theta, 0.1))
		if !slices.Equal(read(got), want) {
			t.Fatalf("other bits after a sweep that was cancelled at check %d", after)
		}
	}
}

// stopping is a context that is cancelled when it has been asked a number of times.
type stopping struct {
	context.Context
	cancel func()
	left   atomic.Int64
}

func (c *stopping) Err() error {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Err()
}

// A state that is computed again with other bits is an error.
func TestVerify(t *testing.T) {
	rng := rand.New(rand.NewPCG(37, 1))
	b, err := derivative.Toy{In: 2, Out: 1, Form: nn.Last, Lengths: lengths(rng, 4, 200)}.Batch(rng)
	check(t, err)
	flip := &flipping{Backend: sharded{cpu.New[float64](cpu.Options{Threads: 1}), 1}}
	for _, verify := range []bool{true, false} {
		config := rnn.Config{In: 2, Hidden: 3, Out: 1, Activation: accel.Tanh, StateBudget: int64(8 * 3 * b.Rows() * 6 / 10), Store: rnn.Store{Verify: verify}}
		net, err := rnn.New[float64](flip, config)
		check(t, err)
		theta := vector(t, flip, derivative.Theta(net.Layout(), 0.7, rng))
		flip.on = false
		lin, err := net.Linearize(t.Context(), theta, b)
		check(t, err)
		check(t, lin.AddGv(t.Context(), theta.New(), theta, 0))
		flip.on = true
		err = lin.AddGv(t.Context(), theta.New(), theta, 0)
		if verify != (err != nil && strings.Contains(err.Error(), "makes errors")) {
			t.Errorf("verify %v: err = %v", verify, err)
		}
		check(t, lin.Close())
	}
}

// flipping is a backend whose streams, while it is on, get the last bit of an activation wrong.
type flipping struct {
	accel.Backend[float64]
	on bool
}

func (f *flipping) Run(n int, run func(int, accel.Stream[float64]) error) error {
	return f.Backend.Run(n, func(i int, s accel.Stream[float64]) error { return run(i, flippingStream{s, f}) })
}

type flippingStream struct {
	accel.Stream[float64]
	f *flipping
}

func (s flippingStream) Activate(act accel.Activation, a accel.Mat[float64]) {
	s.Stream.Activate(act, a)
	if s.f.on {
		one := a.V.View(a.Off, a.Off+1)
		one.Shift(1e-15)
	}
}
