package rnn_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One net may serve several goroutines, each with a linearization of its own, and gives all the same bits.
func TestConcurrentUse(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 1))
	backend := sharded{cpu.New[float64](cpu.Options{Threads: 2}), 3}
	net, err := rnn.New[float64](backend, rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh})
	check(t, err)
	b, err := derivative.Toy{In: 3, Out: 2, Form: nn.Each, Lengths: lengths(rng, 9, 40)}.Batch(rng)
	check(t, err)
	theta := vector(t, backend, derivative.Theta(net.Layout(), 0.5, rng))
	products := make([][]float64, 6)
	var g errgroup.Group
	for i := range products {
		g.Go(func() error {
			grad, gv := theta.New(), theta.New()
			if _, err := net.Gradient(t.Context(), theta, b, grad, nil); err != nil {
				return err
			}
			lin, err := net.Linearize(t.Context(), theta, b)
			if err != nil {
				return err
			}
			defer lin.Close()
			err = lin.AddGv(t.Context(), gv, grad, 0.1)
			products[i] = read(gv)
			return err
		})
	}
	check(t, g.Wait())
	for _, p := range products {
		if !slices.Equal(p, products[0]) {
			t.Error("goroutines get different bits")
		}
	}
}
