package fnn_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
)

// BenchmarkGv multiplies by G of the CURVES autoencoder on 1,000 cases.
func BenchmarkGv(b *testing.B) {
	const cases = 1000
	rng := rand.New(rand.NewPCG(1, 2))
	backend := cpu.New[float32](cpu.Options{})
	sizes := []int{784, 400, 200, 100, 50, 25, 6, 25, 50, 100, 200, 400, 784}
	acts := slices.Repeat([]accel.Activation{accel.Logistic}, len(sizes)-1)
	acts[5], acts[11] = accel.Linear, accel.Linear
	net, err := fnn.New(backend, fnn.Config{Sizes: sizes, Activations: acts, Loss: accel.LogisticCrossEntropy, Biases: true})
	check(b, err)
	examples := make([]nn.Example[float32], cases)
	for i := range examples {
		x := make([]float32, sizes[0])
		for k := range x {
			x[k] = rng.Float32()
		}
		examples[i] = nn.Example[float32]{X: x, Target: x}
	}
	batch, err := nn.Pack(sizes[0], sizes[0], nn.Each, examples)
	check(b, err)
	theta := make([]float32, net.Layout().Len())
	check(b, nn.Initialize(net.Layout(), theta, nn.Init{}, rng))
	at, err := backend.FromHost(theta)
	check(b, err)
	lin, err := net.Linearize(b.Context(), at, batch)
	check(b, err)
	defer lin.Close()
	gv := at.New()
	check(b, lin.AddGv(b.Context(), gv, at, 0)) // the first product allocates
	b.ReportAllocs()
	for b.Loop() {
		check(b, lin.AddGv(b.Context(), gv, at, 0))
	}
	b.ReportMetric(net.Flops(batch)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
