package rnn_test

import (
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/rnn"
)

// A CG run allocates nothing but in its first product, with structural damping and without.
func TestProductsDoNotAllocate(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		rng := rand.New(rand.NewPCG(1, 2))
		backend := cpu.New[float64](cpu.Options{Threads: 2})
		net, err := rnn.New(backend, of(rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh, Biases: true}))
		check(t, err)
		var examples []nn.Example[float64]
		for i := range 40 {
			x := make([]float64, 3*(2+i%7))
			for k := range x {
				x[k] = rng.Float64()
			}
			examples = append(examples, nn.Example[float64]{X: x, Target: []float64{rng.Float64(), rng.Float64()}})
		}
		batch, err := nn.Pack(3, 2, nn.Last, examples)
		check(t, err)
		theta := make([]float64, net.Layout().Len())
		check(t, nn.Initialize(net.Layout(), theta, nn.Init{}, rng))
		v := vector(t, backend, theta)
		lin, err := net.Linearize(t.Context(), v, batch)
		check(t, err)
		defer lin.Close()
		gv := v.New()
		for _, mu := range []float64{0, 0.1} {
			if n := testing.AllocsPerRun(10, func() { check(t, lin.AddGv(t.Context(), gv, v, mu)) }); n != 0 {
				t.Errorf("mu %v: %v allocations in a product", mu, n)
			}
		}
	})
}
