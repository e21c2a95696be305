package fnn_test

import (
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
	"curvestream/nn/derivative"
)

// counting counts the elements that a net asks a backend for; it is asked by one goroutine.
type counting struct {
	accel.Backend[float64]
	elements int
}

func (c *counting) NewVector(n int) (accel.Vector[float64], error) {
	c.elements += n
	return c.Backend.NewVector(n)
}

func (c *counting) FromHost(src []float64) (accel.Vector[float64], error) {
	c.elements += len(src)
	return c.Backend.FromHost(src)
}

func (c *counting) Prepare(w accel.Mat[float64], trans bool, previous accel.Operand[float64]) (accel.Operand[float64], error) {
	if previous == nil {
		c.elements += w.Rows * w.Cols
	}
	return c.Backend.Prepare(w, trans, previous)
}

// Bytes and GradientBytes bound what is asked of the backend, and not by far; products after the first ask for nothing.
func TestBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	backend := &counting{Backend: cpu.New[float64](cpu.Options{})}
	config := fnn.Config{Sizes: []int{20, 30, 10, 4}, Activations: []accel.Activation{accel.Tanh, accel.Logistic, accel.Linear}, Biases: true}
	net, err := fnn.New[float64](backend, config)
	check(t, err)
	b, err := derivative.Toy{In: 20, Out: 4, Lengths: ones(100)}.Batch(rng)
	check(t, err)
	theta := vector(t, backend, derivative.Theta(net.Layout(), 0.5, rng))
	grad, fisher := theta.New(), theta.New()
	near := func(what string, elements int, bytes int64) {
		t.Helper()
		if got := int64(8 * elements); got > bytes || got < bytes*9/10 {
			t.Errorf("%s asks for %d bytes, predicted are %d", what, got, bytes)
		}
	}

	backend.elements = 0
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	check(t, lin.AddGv(t.Context(), grad, theta, 0.1))
	near("a linearization", backend.elements, net.Bytes(b, true))
	backend.elements = 0
	check(t, lin.AddGv(t.Context(), grad, theta, 0.1))
	if backend.elements != 0 {
		t.Errorf("the second product asks for %d elements, want none", backend.elements)
	}

	_, err = net.Gradient(t.Context(), theta, b, grad, fisher)
	check(t, err)
	near("the gradient", backend.elements, net.GradientBytes(b, true))
}

// float32 computes what float64 computes, to its own precision.
func TestFloat32(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	config := fnn.Config{Sizes: []int{12, 30, 8, 5}, Activations: []accel.Activation{accel.Logistic, accel.Tanh, accel.Linear},
		Loss: accel.SoftmaxCrossEntropy, Biases: true}
	b, err := derivative.Toy{In: 12, Out: 5, Loss: config.Loss, Lengths: ones(70)}.Batch(rng)
	check(t, err)
	theta := make([]float64, config.Layout().Len())
	check(t, nn.Initialize(config.Layout(), theta, nn.Init{}, rng))
	v := derivative.Theta(config.Layout(), 1, rng)
	double := both(t, cpu.New[float64](cpu.Options{}), config, b, theta, v)
	b32 := &nn.Batch[float32]{Lengths: b.Lengths, Active: b.Active, Offset: b.Offset, In: b.In, Out: b.Out,
		Dense: single(b.Dense), Class: b.Class, WeightSum: b.WeightSum}
	for i, got := range both(t, cpu.New[float32](cpu.Options{}), config, b32, single(theta), single(v)) {
		wide := make([]float64, len(got))
		for k, x := range got {
			wide[k] = float64(x)
		}
		if e := relativeError(wide, double[i]); e > 1e-4 || e == 0 {
			t.Errorf("%s differs from float64 by %.3g, want at most 1e-4 and not nothing", []string{"∇f", "Gv"}[i], e)
		}
	}
}

// both returns ∇f and Gv.
func both[F accel.Float](t *testing.T, backend accel.Backend[F], config fnn.Config, b *nn.Batch[F], theta, v []F) [2][]F {
	t.Helper()
	net, err := fnn.New(backend, config)
	check(t, err)
	at, err := backend.FromHost(theta)
	check(t, err)
	along, err := backend.FromHost(v)
	check(t, err)
	sums := [2]accel.Vector[F]{at.New(), at.New()}
	_, err = net.Gradient(t.Context(), at, b, sums[0], nil)
	check(t, err)
	lin, err := net.Linearize(t.Context(), at, b)
	check(t, err)
	defer lin.Close()
	check(t, lin.AddGv(t.Context(), sums[1], along, 0))
	var read [2][]F
	for i, s := range sums {
		read[i] = make([]F, s.Len())
		s.Read(read[i])
	}
	return read
}

func single(from []float64) []float32 {
	to := make([]float32, len(from))
	for i, x := range from {
		to[i] = float32(x)
	}
	return to
}
