package rnn_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/rnn"
)

// BenchmarkGv multiplies by G of the nets of the pathological problems: two inputs, one output at the last of T time-steps.
func BenchmarkGv(b *testing.B) {
	for _, size := range []struct{ h, columns, T int }{{50, 1000, 30}, {100, 1000, 100}, {256, 256, 100}} {
		b.Run(fmt.Sprintf("h=%d/B=%d/T=%d", size.h, size.columns, size.T), func(b *testing.B) {
			benchmarkGv(b, size.h, size.columns, size.T)
		})
	}
}

// BenchmarkGradient computes ∇f of the same net, without and with the diagonal of the empirical Fisher matrix.
func BenchmarkGradient(b *testing.B) {
	net, batch, theta := pathological(b, 100, 1000, 100)
	for _, fisher := range []accel.Vector[float32]{nil, theta.New()} {
		b.Run(fmt.Sprintf("fisher=%v", fisher != nil), func(b *testing.B) {
			grad := theta.New()
			for b.Loop() {
				_, err := net.Gradient(b.Context(), theta, batch, grad, fisher)
				check(b, err)
			}
		})
	}
}

func benchmarkGv(b *testing.B, h, columns, T int) {
	net, batch, theta := pathological(b, h, columns, T)
	multiply(b, net, batch, theta)
}

func multiply(b *testing.B, net *rnn.Net[float32], batch *nn.Batch[float32], theta accel.Vector[float32]) {
	lin, err := net.Linearize(b.Context(), theta, batch)
	check(b, err)
	defer lin.Close()
	gv := theta.New()
	check(b, lin.AddGv(b.Context(), gv, theta, 0)) // the first product allocates
	b.ReportAllocs()
	for b.Loop() {
		check(b, lin.AddGv(b.Context(), gv, theta, 0))
	}
	b.ReportMetric(net.Flops(batch)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkCells multiplies by G of nets with each cell.
func BenchmarkCells(b *testing.B) {
	for _, name := range rnn.CellNames() {
		b.Run("cell="+name, func(b *testing.B) {
			cell, err := rnn.ParseCell(name)
			check(b, err)
			config := withCell(rnn.Config{In: 2, Hidden: 100, Out: 1, Activation: accel.Tanh}, cell)
			if cell == rnn.Multiplicative {
				config.Factors = config.Hidden
			}
			net, batch, theta := pathologicalNet(b, config, 200, 50)
			multiply(b, net, batch, theta)
		})
	}
}

func pathological(b *testing.B, h, columns, T int) (*rnn.Net[float32], *nn.Batch[float32], accel.Vector[float32]) {
	return pathologicalNet(b, rnn.Config{In: 2, Hidden: h, Out: 1, Activation: accel.Tanh}, columns, T)
}

func pathologicalNet(b *testing.B, config rnn.Config, columns, T int) (*rnn.Net[float32], *nn.Batch[float32], accel.Vector[float32]) {
	rng := rand.New(rand.NewPCG(1, 2))
	backend := cpu.New[float32](cpu.Options{})
	net, err := rnn.New(backend, config)
	check(b, err)
	examples := make([]nn.Example[float32], columns)
	for i := range examples {
		x := make([]float32, 2*T)
		for k := range x {
			x[k] = rng.Float32()
		}
		examples[i] = nn.Example[float32]{X: x, Target: []float32{rng.Float32()}}
	}
	batch, err := nn.Pack(2, 1, nn.Last, examples)
	check(b, err)
	theta := make([]float32, net.Layout().Len())
	check(b, nn.Initialize(net.Layout(), theta, nn.Init{}, rng))
	at, err := backend.FromHost(theta)
	check(b, err)
	return net, batch, at
}
