package rnn_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// Finite differences (section 7.2) over losses × activations × forms, with masks and weights, dense and sparse inputs.
func TestDerivatives(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	for _, loss := range []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy} {
		for _, act := range []accel.Activation{accel.Linear, accel.Tanh, accel.Logistic, accel.ReLU} {
			for _, form := range []nn.Form{nn.Each, nn.Last} {
				for variant := range 4 {
					weighted, sparse := variant&1 == 1, variant&2 == 2
					name := fmt.Sprintf("%s/%s/form=%d/weighted=%v/sparse=%v", nn.LossName(loss), nn.ActivationName(act), form, weighted, sparse)
					t.Run(name, func(t *testing.T) {
						config := rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: act, Loss: loss, Biases: !sparse}
						if weighted {
							config.OutputActivation = accel.Tanh
						}
						toy := derivative.Toy{In: 3, Out: 2, Loss: loss, Form: form, Lengths: []int{3, 5, 1, 3, 4}, Weighted: weighted, Sparse: sparse}
						checkDerivatives(t, backend, config, toy)
					})
				}
			}
		}
	}
}

// Finite differences of all cells over losses × forms, with masks and weights, dense and sparse inputs, biases and none, and a
// distance of structural damping each.
func TestDerivativesOfCells(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	losses := []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy}
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for i := range 12 {
			loss, form, sparse := losses[i%3], nn.Form(i/3%2), i/6 == 1
			t.Run(fmt.Sprintf("%s/form=%d/sparse=%v", nn.LossName(loss), form, sparse), func(t *testing.T) {
				config := of(rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: accel.Tanh, Loss: loss, Biases: i%4 < 2,
					Distance: nn.StructuralDistance(i % 2)})
				if i%5 == 0 {
					config.OutputActivation = accel.Tanh
				}
				toy := derivative.Toy{In: 3, Out: 2, Loss: loss, Form: form, Lengths: []int{3, 5, 1, 3, 9}, Weighted: i%2 == 0, Sparse: sparse}
				checkDerivatives(t, backend, config, toy)
			})
		}
	})
}

func checkDerivatives(t *testing.T, backend accel.Backend[float64], config rnn.Config, toy derivative.Toy) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 1))
	net, err := rnn.New(backend, config)
	if err != nil {
		t.Fatal(err)
	}
	b, err := toy.Batch(rng)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := derivative.Check(t.Context(), backend, net, config.Loss, b, derivative.Theta(net.Layout(), 0.5, rng), 0.1, rng)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !r.OK {
			t.Errorf("%s: relative error %.3g, tolerance %g", r.Quantity, r.Error, r.Tolerance)
		}
	}
}
