package rnn_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// stacks are ways to put layers upon each other.
var stacks = []struct {
	name string
	with func(c rnn.Config) rnn.Config
}{
	{"two layers", func(c rnn.Config) rnn.Config { c.Upper = []int{3}; return c }},
	{"input layer", func(c rnn.Config) rnn.Config { c.InputLayers, c.LayerActivation = []int{5}, accel.Logistic; return c }},
	{"output layer", func(c rnn.Config) rnn.Config { c.OutputLayers, c.LayerActivation = []int{5}, accel.Tanh; return c }},
	{"all", func(c rnn.Config) rnn.Config {
		c.InputLayers, c.OutputLayers, c.Upper, c.LayerActivation = []int{3, 2}, []int{2, 3}, []int{3, 2}, accel.Tanh
		return c
	}},
}

// forStacks runs f for each cell in each stack.
func forStacks(t *testing.T, f func(t *testing.T, of func(rnn.Config) rnn.Config)) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, s := range stacks {
			t.Run(s.name, func(t *testing.T) { f(t, func(c rnn.Config) rnn.Config { return s.with(of(c)) }) })
		}
	})
}

// Finite differences of stacks of all cells over losses × forms, dense and sparse inputs, biases and none.
func TestDerivativesOfStacks(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	losses := []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy}
	forStacks(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for i := range 4 {
			config := of(rnn.Config{In: 3, Hidden: 3, Out: 2, Activation: accel.Tanh, Loss: losses[i%3], Biases: i%2 == 0, Distance: nn.StructuralDistance(i % 2)})
			toy := derivative.Toy{In: 3, Out: 2, Loss: config.Loss, Form: nn.Form(i / 2), Lengths: []int{2, 11, 1}, Weighted: i%2 == 0, Sparse: i%2 == 1}
			checkDerivatives(t, backend, config, toy)
		}
	})
}

// Whatever the state budget, the number of shards and of threads: the bits of a stack are those of keeping all states.
func TestStacksUnderBudgets(t *testing.T) {
	forStacks(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			rng := rand.New(rand.NewPCG(19, uint64(form)))
			b, err := derivative.Toy{In: 3, Out: 2, Loss: accel.LogisticCrossEntropy, Form: form, Lengths: lengths(rng, 7, 90), Weighted: true}.Batch(rng)
			check(t, err)
			config := of(rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh, Loss: accel.LogisticCrossEntropy, Biases: true})
			theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
			want := everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 1}), 2}, config, b, theta, v)
			one := everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 1}), 1}, config, b, theta, v)
			net, err := rnn.New[float64](sharded{cpu.New[float64](cpu.Options{}), 2}, config)
			check(t, err)
			all, err := net.PlanStates(b)
			check(t, err)
			for _, share := range []float64{0.5, 0.8} {
				config.StateBudget = int64(share * float64(all.All))
				for i, got := range everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 2}), 2}, config, b, theta, v) {
					if !slices.Equal(got, want[i]) {
						t.Errorf("form %d, %.2f of all states: %s has other bits", form, share, quantities[i])
					}
					if e := relativeError(one[i], want[i]); e > 1e-12 {
						t.Errorf("form %d: %s of one shard differs from two by %.3g", form, quantities[i], e)
					}
				}
			}
		}
	})
}

// Exact backpropagations give the diagonal of a stack, the damped units of all recurrent layers included, and the empirical Fisher
// diagonal is of whole sequences.
func TestDiagonalsOfStacks(t *testing.T) {
	forStacks(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			rng := rand.New(rand.NewPCG(23, uint64(form)))
			backend := sharded{cpu.New[float64](cpu.Options{}), 2}
			config := of(rnn.Config{In: 3, Hidden: 3, Out: 2, Activation: accel.Tanh, Biases: true, Distance: nn.StructuralDistance(form)})
			toy := derivative.Toy{In: 3, Out: 2, Form: form, Lengths: []int{10, 4, 1}, Weighted: true}
			b, err := toy.Batch(rng)
			check(t, err)
			theta := derivative.Theta(config.Layout(), 0.5, rng)
			got, want := diagonalOf(t, backend, config, b, theta, 0.7, nn.Probe{Exact: true})
			if e := relativeError(got, want); e > 1e-12 {
				t.Errorf("form %d: diagonal differs by %.3g", form, e)
			}
			net, err := rnn.New[float64](backend, config)
			check(t, err)
			at := vector(t, backend, theta)
			squares, fisher := make([]float64, len(theta)), at.New()
			for j := range b.Columns() {
				grad := at.New()
				_, err := net.Gradient(t.Context(), at, b.Pick([]int{j}), grad, nil)
				check(t, err)
				for i, g := range read(grad) {
					squares[i] += g * g
				}
			}
			_, err = net.Gradient(t.Context(), at, b, at.New(), fisher)
			check(t, err)
			if e := relativeError(read(fisher), squares); e > 1e-12 {
				t.Errorf("form %d: Fisher diagonal differs by %.3g", form, e)
			}
		}
	})
}

// Structural damping of a stack is the sum, over its recurrent layers, of the Gauss-Newton matrix of the net that ends there and shows
// the hidden units of the layer.
func TestStructuralDampingOfStacks(t *testing.T) {
	rng := rand.New(rand.NewPCG(29, 1))
	backend := sharded{cpu.New[float64](cpu.Options{}), 2}
	config := rnn.Config{In: 2, Hidden: 4, Upper: []int{3}, Out: 2, Activation: accel.Tanh, Biases: true, InputLayers: []int{3}, LayerActivation: accel.Tanh}
	theta, v := derivative.Theta(config.Layout(), 0.7, rng), derivative.Theta(config.Layout(), 1, rng)
	inputs, err := derivative.Toy{In: 2, Out: 2, Form: nn.Each, Lengths: []int{25, 20, 3}}.Batch(rng)
	check(t, err)
	batch := func(out int) *nn.Batch[float64] { // G with squared error does not depend on targets
		b := *inputs
		b.Out, b.Target = out, make([]float64, b.Rows()*out)
		return &b
	}
	product := func(c rnn.Config, at, v []float64, mu float64) []float64 {
		net, err := rnn.New[float64](backend, c)
		check(t, err)
		lin, err := net.Linearize(t.Context(), vector(t, backend, at), batch(c.Out))
		check(t, err)
		defer lin.Close()
		out := vector(t, backend, at).New()
		check(t, lin.AddGv(t.Context(), out, vector(t, backend, v), mu))
		return read(out)
	}
	got, plain := product(config, theta, v, 1), product(config, theta, v, 0)
	for i := range got {
		got[i] -= plain[i]
	}
	want := make([]float64, len(theta))
	for upper := range 2 {
		c := config
		if c.Upper, c.Out = nil, 4; upper == 1 {
			c.Upper, c.Out = []int{3}, 3
		}
		part, along := make([]float64, c.Layout().Len()), make([]float64, c.Layout().Len())
		outer := func(name string) string { // of the stack, for a name of the net of one layer
			if upper == 0 && !strings.Contains(name, "_in_") {
				return name + "_l0"
			}
			return name
		}
		for _, p := range c.Layout() {
			if p.Name == "W_zh" {
				for i := range p.Rows {
					part[p.Off+i*p.Cols+i] = 1
				}
			} else if of, ok := config.Layout().Find(outer(p.Name)); ok && p.Name != "b_z" {
				copy(part[p.Off:p.Off+p.Size()], theta[of.Off:])
				copy(along[p.Off:p.Off+p.Size()], v[of.Off:])
			}
		}
		for i, g := range product(c, part, along, 0) {
			for _, p := range c.Layout() {
				if of, ok := config.Layout().Find(outer(p.Name)); ok && p.Name != "W_zh" && p.Name != "b_z" && i >= p.Off && i < p.Off+p.Size() {
					want[of.Off+i-p.Off] += g
				}
			}
		}
	}
	if e := relativeError(got, want); e > 1e-12 {
		t.Errorf("differs by %.3g", e)
	}
}

// Parameters of a stack are named after their layers.
func TestLayoutOfStacks(t *testing.T) {
	c := rnn.Config{In: 3, Hidden: 4, Upper: []int{5}, Out: 2, InputLayers: []int{6}, OutputLayers: []int{7}, Biases: true}
	var got []string
	for _, p := range c.Layout() {
		got = append(got, fmt.Sprintf("%s %dx%d", p.Name, p.Rows, p.Cols))
	}
	want := "W_in_l0 6x3, b_in_l0 1x6, W_xh_l0 4x6, W_hh_l0 4x4, b_h_l0 1x4, h_0_l0 1x4, W_xh_l1 5x4, W_hh_l1 5x5, b_h_l1 1x5, h_0_l1 1x5, W_out_l0 7x5, b_out_l0 1x7, W_zh 2x7, b_z 1x2"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("layout %s, want %s", s, want)
	}
	for _, bad := range []rnn.Config{
		{In: 1, Hidden: 1, Out: 1, Upper: []int{0}},
		{In: 1, Hidden: 1, Out: 1, InputLayers: []int{2, -1}},
		{In: 1, Hidden: 1, Out: 1, LayerActivation: accel.Tanh},
		{In: 1, Hidden: 1, Out: 1, Window: -1},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
