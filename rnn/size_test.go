package rnn_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// counting counts the elements that a net asks a backend for.
type counting struct {
	accel.Backend[float64]
	mu       sync.Mutex
	elements int
}

func (c *counting) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elements += n
}

func (c *counting) NewVector(n int) (accel.Vector[float64], error) {
	c.count(n)
	return c.Backend.NewVector(n)
}

func (c *counting) FromHost(src []float64) (accel.Vector[float64], error) {
	c.count(len(src))
	return c.Backend.FromHost(src)
}

func (c *counting) Prepare(w accel.Mat[float64], trans bool, previous accel.Operand[float64]) (accel.Operand[float64], error) {
	if previous == nil {
		c.count(w.Rows * w.Cols)
	}
	return c.Backend.Prepare(w, trans, previous)
}

// Bytes and GradientBytes say what is asked of the backend; products after the first ask for nothing.
func TestBytes(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			for _, structural := range []bool{false, true} {
				rng := rand.New(rand.NewPCG(2, 3))
				backend := &counting{Backend: cpu.New[float64](cpu.Options{})}
				net, err := rnn.New[float64](backend, of(rnn.Config{In: 3, Hidden: 6, Out: 2, Activation: accel.Tanh, Biases: true}))
				check(t, err)
				b, err := derivative.Toy{In: 3, Out: 2, Form: form, Lengths: lengths(rng, 50, 40)}.Batch(rng)
				check(t, err)
				theta := vector(t, backend, derivative.Theta(net.Layout(), 0.5, rng))
				grad, fisher := theta.New(), theta.New()
				mu := 0.5 * float64(b2i(structural))

				backend.elements = 0
				lin, err := net.Linearize(t.Context(), theta, b)
				check(t, err)
				check(t, lin.AddGv(t.Context(), grad, theta, mu))
				if got, want := int64(8*backend.elements), net.Bytes(b, structural); got != want {
					t.Errorf("form %d, structural %v: a linearization asks for %d bytes, Bytes says %d", form, structural, got, want)
				}
				backend.elements = 0
				check(t, lin.AddGv(t.Context(), grad, theta, mu))
				if backend.elements != 0 {
					t.Errorf("form %d: the second product asks for %d elements, want none", form, backend.elements)
				}

				fresh, err := rnn.New[float64](backend, net.Config)
				check(t, err)
				backend.elements = 0
				_, err = fresh.Gradient(t.Context(), theta, b, grad, fisher)
				check(t, err)
				if got, want := int64(8*backend.elements), net.GradientBytes(b, true); got != want {
					t.Errorf("form %d: the gradient asks for %d bytes, GradientBytes says %d", form, got, want)
				}
				check(t, lin.Close())
				backend.elements = 0
				_, err = fresh.Gradient(t.Context(), theta, b, grad, fisher)
				check(t, err)
				if packed := len(b.Dense) + len(b.Target); backend.elements > packed {
					t.Errorf("form %d: a second gradient asks for %d elements, want no more than the %d of the batch", form, backend.elements, packed)
				}
			}
		}
	})
}
