package rnn_test

import (
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// A net that is run a time-step at a time predicts what it predicts of whole sequences, in every cell and stack.
func TestRunner(t *testing.T) {
	forStacks(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		rng := rand.New(rand.NewPCG(37, 1))
		backend := cpu.New[float64](cpu.Options{Threads: 2})
		config := of(rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: accel.Tanh, Loss: accel.SoftmaxCrossEntropy, Biases: true})
		b, err := derivative.Toy{In: 3, Out: 2, Loss: config.Loss, Form: nn.Each, Lengths: []int{12, 7, 7, 1}}.Batch(rng)
		check(t, err)
		net, err := rnn.New(backend, config)
		check(t, err)
		theta := vector(t, backend, derivative.Theta(net.Layout(), 0.7, rng))
		want, err := net.Outputs(t.Context(), theta, b)
		check(t, err)
		r, err := net.NewRunner(theta, b.Columns())
		check(t, err)
		defer r.Close()
		var got []float64
		for s := range b.Steps() {
			p, err := r.Step(t.Context(), b.Dense[b.Offset[s]*b.In:b.Offset[s+1]*b.In])
			check(t, err)
			got = append(got, p...)
		}
		if e := relativeError(got, want); e > 1e-12 {
			t.Errorf("differs by %.3g", e)
		}
		if _, err := r.Step(t.Context(), make([]float64, 4)); err == nil {
			t.Error("a step on 4 numbers of 3 inputs is accepted")
		}
	})
}
