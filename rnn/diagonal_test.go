package rnn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// diagonalOf returns the diagonal that a probe finds, and for comparison that of the matrix of products.
func diagonalOf(t *testing.T, backend accel.Backend[float64], config rnn.Config, b *nn.Batch[float64], theta []float64, mu float64, p nn.Probe) (got, want []float64) {
	t.Helper()
	net, err := rnn.New(backend, config)
	check(t, err)
	at := vector(t, backend, theta)
	lin, err := net.Linearize(t.Context(), at, b)
	check(t, err)
	defer lin.Close()
	d, product := at.New(), at.New()
	check(t, lin.(nn.DiagonalLinearization[float64]).AddDiagonal(t.Context(), d, mu, p))
	want = make([]float64, len(theta))
	for i := range theta {
		unit := make([]float64, len(theta))
		unit[i] = 1
		product.Zero()
		check(t, lin.AddGv(t.Context(), product, vector(t, backend, unit), mu))
		want[i] = read(product)[i]
	}
	return read(d), want
}

// Exact backpropagations give the diagonal of the matrix that AddGv multiplies by, structural damping included.
func TestExactDiagonal(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, loss := range []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy} {
			for _, form := range []nn.Form{nn.Each, nn.Last} {
				for variant := range 8 {
					weighted, sparse, squared := variant&1 == 1, variant&2 == 2, variant&4 == 4
					rng := rand.New(rand.NewPCG(11, uint64(variant)))
					backend := sharded{cpu.New[float64](cpu.Options{}), 1 + variant%3}
					config := rnn.Config{In: 3, Hidden: 4, Out: 3, Activation: []accel.Activation{accel.Tanh, accel.Logistic}[variant%2], Loss: loss, Biases: !sparse}
					if !squared {
						config.Distance = nn.CrossEntropyDistance
					}
					if weighted {
						config.OutputActivation = accel.Tanh
					}
					config = of(config)
					if config.Cell != rnn.Plain && (loss != accel.SoftmaxCrossEntropy || variant < 4) {
						continue
					}
					toy := derivative.Toy{In: 3, Out: 3, Loss: loss, Form: form, Lengths: []int{3, 12, 1, 10}, Weighted: weighted, Sparse: sparse}
					b, err := toy.Batch(rng)
					check(t, err)
					theta := derivative.Theta(config.Layout(), 0.5, rng)
					for _, mu := range []float64{0, 0.7} {
						got, want := diagonalOf(t, backend, config, b, theta, mu, nn.Probe{Exact: true})
						if e := relativeError(got, want); e > 1e-12 {
							t.Errorf("loss %d, form %d, weighted %v, sparse %v, squared distance %v, μ = %g: differs by %.3g", loss, form, weighted, sparse, squared, mu, e)
						}
					}
				}
			}
		}
	})
}

// The estimator of section 11.4 is unbiased: its error falls with the root of the number of draws; v in {-1,1} has the smaller one.
func TestEstimatedDiagonalIsUnbiased(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	backend := cpu.New[float64](cpu.Options{})
	config := rnn.Config{In: 2, Hidden: 3, Out: 2, Activation: accel.Tanh, Loss: accel.SoftmaxCrossEntropy, Distance: nn.CrossEntropyDistance}
	b, err := derivative.Toy{In: 2, Out: 2, Loss: config.Loss, Form: nn.Each, Lengths: []int{4, 3, 2}}.Batch(rng)
	check(t, err)
	theta := derivative.Theta(config.Layout(), 0.5, rng)
	deviation := map[bool]float64{}
	for _, normal := range []bool{false, true} {
		const draws = 6000
		got, want := diagonalOf(t, backend, config, b, theta, 0.5, nn.Probe{Draws: draws, Normal: normal, Seed: 3})
		scale := slices.Max(want)
		for i := range want { // the relative deviation of one draw is at most √2 a sequence
			if math.Abs(got[i]-want[i]) > 5*math.Sqrt2*math.Max(want[i], 1e-3*scale)/math.Sqrt(draws) {
				t.Errorf("normal %v: element %d is %g, want %g", normal, i, got[i], want[i])
			}
		}
		for seed := range uint64(30) {
			one, _ := diagonalOf(t, backend, config, b, theta, 0.5, nn.Probe{Draws: 1, Normal: normal, Seed: seed})
			for i := range want {
				deviation[normal] += (one[i] - want[i]) * (one[i] - want[i]) / (want[i]*want[i] + 1e-9)
			}
		}
	}
	if !(deviation[false] < deviation[true]) {
		t.Errorf("squared deviations %g with signs, %g with normal v", deviation[false], deviation[true])
	}
}

// A draw depends on the place of a sequence in its minibatch: neither on shards, nor on the chunk that it is computed in.
func TestDrawsDependOnThePlaceAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 1))
	config := rnn.Config{In: 2, Hidden: 3, Out: 2, Activation: accel.Tanh, Distance: nn.CrossEntropyDistance}
	b, err := derivative.Toy{In: 2, Out: 2, Form: nn.Each, Lengths: []int{9, 7, 7, 3, 2}}.Batch(rng)
	check(t, err)
	b.Position = []int{4, 0, 3, 1, 2}
	theta := derivative.Theta(config.Layout(), 0.5, rng)
	p := nn.Probe{Draws: 2, Seed: 8}
	want, _ := diagonalOf(t, sharded{cpu.New[float64](cpu.Options{}), 1}, config, b, theta, 0.5, p)
	for _, shards := range []int{2, 5} {
		got, _ := diagonalOf(t, sharded{cpu.New[float64](cpu.Options{}), shards}, config, b, theta, 0.5, p)
		if e := relativeError(got, want); e > 1e-12 {
			t.Errorf("%d shards: differs by %.3g", shards, e)
		}
	}
	sum := make([]float64, len(want))
	for _, columns := range [][]int{{0, 1}, {2, 3, 4}} {
		got, _ := diagonalOf(t, cpu.New[float64](cpu.Options{}), config, b.Pick(columns), theta, 0.5, p)
		for i, x := range got {
			sum[i] += x
		}
	}
	if e := relativeError(sum, want); e > 1e-12 {
		t.Errorf("two chunks differ from one by %.3g", e)
	}
	other, _ := diagonalOf(t, cpu.New[float64](cpu.Options{}), config, b, theta, 0.5, nn.Probe{Draws: 2, Seed: 9})
	if relativeError(other, want) < 1e-3 {
		t.Error("another seed gives the same draws")
	}
}

// Between diagonals, products stay what they are. Exact diagonals have the same bits whether or not there is room for all states.
func TestDiagonalsAmongProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 1))
	backend := cpu.New[float64](cpu.Options{})
	config := rnn.Config{In: 2, Hidden: 3, Out: 2, Activation: accel.Tanh, Distance: nn.CrossEntropyDistance}
	b, err := derivative.Toy{In: 2, Out: 2, Form: nn.Each, Lengths: []int{40, 33, 20}}.Batch(rng)
	check(t, err)
	theta := derivative.Theta(config.Layout(), 0.5, rng)
	var want []float64
	for _, budget := range []int64{0, 2600, 1960} {
		config.StateBudget = budget
		net, err := rnn.New[float64](backend, config)
		check(t, err)
		at := vector(t, backend, theta)
		lin, err := net.Linearize(t.Context(), at, b)
		check(t, err)
		before, after, d := at.New(), at.New(), at.New()
		check(t, lin.AddGv(t.Context(), before, at, 0.5))
		check(t, lin.(nn.DiagonalLinearization[float64]).AddDiagonal(t.Context(), d, 0.5, nn.Probe{Exact: true}))
		check(t, lin.AddGv(t.Context(), after, at, 0.5))
		if !slices.Equal(read(before), read(after)) {
			t.Errorf("budget %d: a diagonal changes the next product", budget)
		}
		if want == nil {
			want = read(d)
		}
		if !slices.Equal(read(d), want) {
			t.Errorf("budget %d: the diagonal has other bits than without", budget)
		}
		check(t, lin.Close())
	}
}

// Sequences of which memory does not hold one, each of several spans: all results have the bits of keeping everything.
func TestDiagonalsOfLongSequences(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			rng := rand.New(rand.NewPCG(15, uint64(form)))
			toy := derivative.Toy{In: 3, Out: 2, Loss: accel.SoftmaxCrossEntropy, Form: form, Lengths: []int{700, 530, 512, 256}, Weighted: true, Sparse: form == nn.Last}
			b, err := toy.Batch(rng)
			check(t, err)
			config := of(rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: accel.Tanh, Loss: toy.Loss, Biases: true, Distance: nn.CrossEntropyDistance})
			theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
			backend := sharded{cpu.New[float64](cpu.Options{Threads: 2}), 2}
			want := everything(t, backend, config, b, theta, v)
			net, err := rnn.New[float64](backend, config)
			check(t, err)
			all, err := net.PlanStates(b)
			check(t, err)
			squares := make([]float64, len(theta))
			at := vector(t, backend, theta)
			for j := range b.Columns() {
				grad := at.New()
				_, err := net.Gradient(t.Context(), at, b.Pick([]int{j}), grad, nil)
				check(t, err)
				for i, g := range read(grad) {
					squares[i] += g * g
				}
			}
			if e := relativeError(want[4], squares); e > 1e-12 {
				t.Errorf("form %d: the Fisher diagonal differs from squared gradients by %.3g", form, e)
			}
			for _, share := range []float64{0.2, 0.5} {
				config.StateBudget = int64(share * float64(all.All))
				for i, got := range everything(t, backend, config, b, theta, v) {
					if !slices.Equal(got, want[i]) {
						t.Errorf("form %d, %.1f of all states: %s has other bits", form, share, quantities[i])
					}
				}
			}
			stored := withStore(t, backend, b, config, 2, float64(all.All))
			for i, got := range everything(t, backend, stored, b, theta, v) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("form %d, stored: %s has other bits", form, quantities[i])
				}
			}
		}
	})
}
