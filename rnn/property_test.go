package rnn_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/checkpointing"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// sharded is a backend that wants a given number of shards.
type sharded struct {
	accel.Backend[float64]
	shards int
}

func (s sharded) Shards(int) int { return s.shards }

// lengths draws lengths up to T, of which some are T, so that a shard has several blocks and runs of steps of equal width.
func lengths(rng *rand.Rand, columns, T int) []int {
	l := make([]int, columns)
	for i := range l {
		l[i] = T - rng.IntN(3)*rng.IntN(T/3)
	}
	return l
}

// everything computes all that a net offers, in one list of arrays.
func everything(t *testing.T, backend accel.Backend[float64], config rnn.Config, b *nn.Batch[float64], theta, v []float64) [][]float64 {
	t.Helper()
	net, err := rnn.New(backend, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	at, along := vector(t, backend, theta), vector(t, backend, v)
	cases := make([]float64, b.Columns())
	f, err := net.Loss(ctx, at, b, cases)
	check(t, err)
	p, err := net.Outputs(ctx, at, b)
	check(t, err)
	grad, fisher := at.New(), at.New()
	f2, err := net.Gradient(ctx, at, b, grad, fisher)
	check(t, err)
	lin, err := net.Linearize(ctx, at, b)
	check(t, err)
	defer lin.Close()
	jv, err := lin.Jv(ctx, along)
	check(t, err)
	gv, damped, hv, jtu := at.New(), at.New(), at.New(), at.New()
	check(t, lin.AddGv(ctx, gv, along, 0))
	check(t, lin.AddGv(ctx, damped, along, 0.3))
	check(t, lin.AddHv(ctx, hv, along))
	check(t, lin.AddJtu(ctx, jtu, p))
	diagonal := at.New()
	check(t, lin.(nn.DiagonalLinearization[float64]).AddDiagonal(ctx, diagonal, 0.3, nn.Probe{Draws: 1, Seed: 5}))
	again := at.New()
	check(t, lin.AddGv(ctx, again, along, 0))
	if !slices.Equal(read(gv), read(again)) {
		t.Error("the same product twice gives different bits")
	}
	return [][]float64{{f, f2}, cases, p, read(grad), read(fisher), jv, read(gv), read(damped), read(hv), read(jtu), read(diagonal)}
}

var quantities = []string{"f", "case losses", "p", "gradient", "Fisher", "Jv", "Gv", "damped Gv", "Hv", "J'u", "diagonal"}

// The number of shards changes the order of sums and nothing else; the number of threads changes nothing.
func TestShardsAndThreads(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			for _, sparse := range []bool{false, true} {
				rng := rand.New(rand.NewPCG(3, uint64(form)))
				toy := derivative.Toy{In: 3, Out: 2, Loss: accel.LogisticCrossEntropy, Form: form, Lengths: lengths(rng, 19, 30), Weighted: true, Sparse: sparse}
				b, err := toy.Batch(rng)
				check(t, err)
				config := of(rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh, Loss: toy.Loss, Biases: true, Distance: nn.CrossEntropyDistance})
				theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
				want := everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 1}), 1}, config, b, theta, v)
				for _, shards := range []int{3, 2, 7, 19, 64} {
					if config.Cell != rnn.Plain && shards != 3 {
						break
					}
					one := everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 1}), shards}, config, b, theta, v)
					for i, got := range one {
						if e := relativeError(got, want[i]); e > 1e-12 {
							t.Errorf("form %d, sparse %v: %s with %d shards differs from one shard by %.3g", form, sparse, quantities[i], shards, e)
						}
					}
					alike := func(got [][]float64, threads string) {
						for i := range got {
							if !slices.Equal(got[i], one[i]) {
								t.Errorf("form %d: %s with %d shards has other bits with %s than with one", form, quantities[i], shards, threads)
							}
						}
					}
					for _, threads := range []int{2, 4} {
						alike(everything(t, sharded{cpu.New[float64](cpu.Options{Threads: threads}), shards}, config, b, theta, v), fmt.Sprint(threads, " threads"))
					}
					before := runtime.GOMAXPROCS(1)
					alike(everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 4}), shards}, config, b, theta, v), "4 threads on one processor")
					runtime.GOMAXPROCS(before)
				}
			}
		}
	})
}

// The diagonal of the empirical Fisher matrix is the sum of squared gradients of batches of one sequence each.
func TestFisherIsOfWholeSequences(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		backend := sharded{cpu.New[float64](cpu.Options{}), 2}
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			for _, sparse := range []bool{false, true} {
				rng := rand.New(rand.NewPCG(5, 5))
				config := of(rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: accel.Tanh, Biases: true})
				net, err := rnn.New[float64](backend, config)
				check(t, err)
				theta := vector(t, backend, derivative.Theta(net.Layout(), 0.5, rng))
				var all []nn.Example[float64]
				want := make([]float64, net.Layout().Len())
				toy := derivative.Toy{In: 3, Out: 2, Form: form}
				for _, length := range []int{12, 3, 20, 20, 1, 9} {
					toy.Lengths = []int{length}
					b, err := toy.Batch(rng)
					check(t, err)
					if sparse { // one-hot rows, dense in the examples
						for i := range b.Dense {
							b.Dense[i] = float64(b2i(i%3 == (i/3)%2))
						}
					}
					grad := theta.New()
					_, err = net.Gradient(t.Context(), theta, b, grad, nil)
					check(t, err)
					for i, g := range read(grad) {
						want[i] += g * g
					}
					all = append(all, nn.Example[float64]{X: b.Dense, Target: b.Target})
				}
				b, err := nn.Pack(3, 2, form, all)
				check(t, err)
				if sparse {
					b.Sparse = oneHot(b)
					b.Dense = nil
				}
				grad, fisher := theta.New(), theta.New()
				_, err = net.Gradient(t.Context(), theta, b, grad, fisher)
				check(t, err)
				if e := relativeError(read(fisher), want); e > 1e-12 {
					t.Errorf("form %d, sparse %v: differs by %.3g", form, sparse, e)
				}
			}
		}
	})
}

// Structural damping with the squared distance is the Gauss-Newton matrix of a net that shows its hidden units: G of an output
// W_zh = I with squared error, for a v that does not move the output weights.
func TestStructuralDampingIsTheCurvatureOfTheHiddenUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	backend := sharded{cpu.New[float64](cpu.Options{}), 3}
	const h = 4
	config := rnn.Config{In: 2, Hidden: h, Out: h, Activation: accel.Logistic, Biases: true}
	net, err := rnn.New[float64](backend, config)
	check(t, err)
	theta, v := derivative.Theta(net.Layout(), 0.7, rng), derivative.Theta(net.Layout(), 1, rng)
	for _, p := range net.Layout() {
		switch p.Name {
		case "W_zh":
			clear(theta[p.Off : p.Off+p.Size()])
			clear(v[p.Off : p.Off+p.Size()])
			for i := range h {
				theta[p.Off+i*h+i] = 1
			}
		case "b_z":
			clear(v[p.Off : p.Off+p.Size()])
		}
	}
	toy := derivative.Toy{In: 2, Out: h, Form: nn.Each, Lengths: lengths(rng, 8, 25)}
	each, err := toy.Batch(rng)
	check(t, err)
	lin, err := net.Linearize(t.Context(), vector(t, backend, theta), each)
	check(t, err)
	defer lin.Close()
	gv, dv := vector(t, backend, v).New(), vector(t, backend, v).New()
	check(t, lin.AddGv(t.Context(), gv, vector(t, backend, v), 0))
	check(t, lin.AddGv(t.Context(), dv, vector(t, backend, v), 1))
	dv.Add(-1, gv)
	zh, _ := net.Layout().Find("W_zh")
	if e := relativeError(read(dv)[:zh.Off], read(gv)[:zh.Off]); e > 1e-12 {
		t.Errorf("differs by %.3g", e)
	}
}

// float32 computes what float64 computes, to its own precision.
func TestFloat32(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		rng := rand.New(rand.NewPCG(11, 1))
		toy := derivative.Toy{In: 3, Out: 4, Loss: accel.SoftmaxCrossEntropy, Form: nn.Last, Lengths: lengths(rng, 40, 30)}
		b, err := toy.Batch(rng)
		check(t, err)
		config := of(rnn.Config{In: 3, Hidden: 20, Out: 4, Activation: accel.Tanh, Loss: toy.Loss, Biases: true})
		theta := make([]float64, config.Layout().Len())
		check(t, nn.Initialize(config.Layout(), theta, nn.Init{Rule: nn.Rule{Scheme: nn.GlorotScheme}}, rng))
		v := derivative.Theta(config.Layout(), 1, rng)
		f64, g64, gv64 := trio(t, cpu.New[float64](cpu.Options{}), config, b, theta, v)
		b32 := &nn.Batch[float32]{Lengths: b.Lengths, Active: b.Active, Offset: b.Offset, In: b.In, Out: b.Out, Form: b.Form,
			Dense: convert[float32](b.Dense), Class: b.Class, WeightSum: b.WeightSum}
		f32, g32, gv32 := trio(t, cpu.New[float32](cpu.Options{}), config, b32, convert[float32](theta), convert[float32](v))
		for name, e := range map[string]float64{
			"f":  math.Abs(f32-f64) / f64,
			"∇f": relativeError(convert[float64](g32), g64),
			"Gv": relativeError(convert[float64](gv32), gv64),
		} {
			if e > 2e-4 || e == 0 {
				t.Errorf("%s differs from float64 by %.3g, want at most 2e-4 and not nothing", name, e)
			}
		}
	})
}

func trio[F accel.Float](t *testing.T, backend accel.Backend[F], config rnn.Config, b *nn.Batch[F], theta, v []F) (f float64, grad, gv []F) {
	t.Helper()
	net, err := rnn.New(backend, config)
	check(t, err)
	at, err := backend.FromHost(theta)
	check(t, err)
	along, err := backend.FromHost(v)
	check(t, err)
	g, product := at.New(), at.New()
	f, err = net.Gradient(t.Context(), at, b, g, nil)
	check(t, err)
	lin, err := net.Linearize(t.Context(), at, b)
	check(t, err)
	defer lin.Close()
	check(t, lin.AddGv(t.Context(), product, along, 0))
	grad, gv = make([]F, len(theta)), make([]F, len(theta))
	g.Read(grad)
	product.Read(gv)
	return f, grad, gv
}

// A cancelled context ends everything with its cause.
func TestCancel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	backend := cpu.New[float64](cpu.Options{})
	toy := derivative.Toy{In: 2, Out: 1, Form: nn.Last, Lengths: lengths(rng, 5, 20)}
	b, err := toy.Batch(rng)
	check(t, err)
	net, err := rnn.New(backend, rnn.Config{In: 2, Hidden: 3, Out: 1, Activation: accel.Tanh})
	check(t, err)
	theta := vector(t, backend, derivative.Theta(net.Layout(), 1, rng))
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	_, lossErr := net.Loss(ctx, theta, b, nil)
	_, gradErr := net.Gradient(ctx, theta, b, theta.New(), nil)
	_, linErr := net.Linearize(ctx, theta, b)
	for name, err := range map[string]error{"Loss": lossErr, "Gradient": gradErr, "Linearize": linErr,
		"AddGv": lin.AddGv(ctx, theta.New(), theta, 0), "AddHv": lin.AddHv(ctx, theta.New(), theta)} {
		if !errors.Is(err, stop) {
			t.Errorf("%s: err = %v, want the cause of the cancellation", name, err)
		}
	}
}

// Whatever the state budget, as long as it is enough, all results have the bits of keeping all states. A budget that is not enough is an error with the number of bytes that would do.
func TestStateBudget(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			rng := rand.New(rand.NewPCG(13, uint64(form)))
			toy := derivative.Toy{In: 3, Out: 2, Loss: accel.LogisticCrossEntropy, Form: form, Lengths: lengths(rng, 11, 150), Weighted: true}
			b, err := toy.Batch(rng)
			check(t, err)
			config := of(rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh, Loss: toy.Loss, Biases: true, Distance: nn.CrossEntropyDistance})
			theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
			backend := sharded{cpu.New[float64](cpu.Options{}), 2}
			want := everything(t, backend, config, b, theta, v)
			methods := map[checkpointing.Method]bool{}
			full := 8 * valuesOfRow[config.Cell] * b.Rows()
			sizes := map[int64]bool{}
			for _, share := range []float64{0.31, 0.37, 0.5, 0.8, 1.2} {
				config.StateBudget = int64(share * float64(full))
				net, err := rnn.New[float64](backend, config)
				check(t, err)
				sizes[net.Bytes(b, false)] = true
				plan, err := net.PlanStates(b)
				check(t, err)
				methods[plan.Method] = true
				if plan.Bytes > config.StateBudget || plan.Recomputed > 0 != (plan.Bytes < plan.All) || plan.States != int64(b.Rows()) {
					t.Errorf("form %d, %.2f of all states: a budget of %d bytes leads to %+v", form, share, config.StateBudget, plan)
				}
				for i, got := range everything(t, backend, config, b, theta, v) {
					if !slices.Equal(got, want[i]) {
						t.Errorf("form %d, %.2f of all states: %s has other bits", form, share, quantities[i])
					}
				}
			}
			if !methods[checkpointing.Revolve] || !methods[checkpointing.Triangular] || !methods[checkpointing.Full] {
				t.Errorf("budgets lead to the schedules %v", methods)
			}
			if len(sizes) < 4 {
				t.Errorf("budgets lead to %d sizes of a linearization, want at least 4", len(sizes))
			}
			config.UniformStates, config.StateBudget = true, 0
			for i, got := range everything(t, backend, config, b, theta, v) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("form %d, uniform schedule: %s has other bits", form, quantities[i])
				}
			}
			config.StateBudget = int64(full / 20)
			net, err := rnn.New[float64](backend, config)
			check(t, err)
			_, err = net.Linearize(t.Context(), vector(t, backend, theta), b)
			if err == nil || !strings.Contains(err.Error(), "raise the budget") {
				t.Errorf("err = %v, want how many bytes would do", err)
			}
		}
	})
}

// A sweep that is cancelled half-way leaves a linearization that computes the same bits.
func TestCancelledSweepUnderABudget(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 1))
	b, err := derivative.Toy{In: 2, Out: 1, Form: nn.Last, Lengths: lengths(rng, 4, 200)}.Batch(rng)
	check(t, err)
	backend := sharded{cpu.New[float64](cpu.Options{}), 2}
	config := rnn.Config{In: 2, Hidden: 3, Out: 1, Activation: accel.Tanh, StateBudget: int64(8 * 3 * b.Rows() * 6 / 10)}
	net, err := rnn.New[float64](backend, config)
	check(t, err)
	theta := vector(t, backend, derivative.Theta(net.Layout(), 0.7, rng))
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	want := theta.New()
	check(t, lin.AddGv(t.Context(), want, theta, 0.1))
	for after := range 40 {
		ctx := &countdown{Context: t.Context(), left: after}
		if err := lin.AddGv(ctx, theta.New(), theta, 0.1); !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v after %d checks, want that it is cancelled", err, after)
		}
		got := theta.New()
		check(t, lin.AddGv(t.Context(), got, theta, 0.1))
		if !slices.Equal(read(got), read(want)) {
			t.Fatalf("other bits after a sweep that was cancelled at check %d", after)
		}
	}
}

// countdown is a context that ends after its Err has been asked a number of times.
type countdown struct {
	context.Context
	mu   sync.Mutex
	left int
}

func (c *countdown) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	if c.left < 0 {
		return context.Canceled
	}
	return nil
}
