package fnn_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
	"curvestream/nn/derivative"
)

// sharded is a backend that wants a given number of shards.
type sharded struct {
	accel.Backend[float64]
	shards int
}

func (s sharded) Shards(int) int { return s.shards }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ones(n int) []int { return slices.Repeat([]int{1}, n) }

// Finite differences (section 7.2) over losses × activations × depths, with weights, dense and sparse inputs, one and more
// shards.
func TestDerivatives(t *testing.T) {
	for _, loss := range []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy} {
		for _, act := range []accel.Activation{accel.Linear, accel.Tanh, accel.Logistic, accel.ReLU} {
			for _, sizes := range [][]int{{3, 2}, {3, 4, 2}, {3, 5, 2, 4, 3}} {
				for variant := range 4 {
					weighted, sparse := variant&1 == 1, variant&2 == 2
					name := fmt.Sprintf("%s/%s/%v/weighted=%v/sparse=%v", nn.LossName(loss), nn.ActivationName(act), sizes, weighted, sparse)
					t.Run(name, func(t *testing.T) {
						rng := rand.New(rand.NewPCG(4, 8))
						backend := sharded{cpu.New[float64](cpu.Options{}), 1 + 2*variant}
						config := fnn.Config{Sizes: sizes, Activations: slices.Repeat([]accel.Activation{act}, len(sizes)-1), Loss: loss, Biases: !sparse}
						config.Activations[len(sizes)-2] = accel.Linear
						if weighted {
							config.Activations[len(sizes)-2] = accel.Tanh
						}
						net, err := fnn.New[float64](backend, config)
						check(t, err)
						toy := derivative.Toy{In: sizes[0], Out: sizes[len(sizes)-1], Loss: loss, Lengths: ones(9), Weighted: weighted, Sparse: sparse}
						b, err := toy.Batch(rng)
						check(t, err)
						rows, err := derivative.Check(t.Context(), backend, net, loss, b, derivative.Theta(net.Layout(), 0.6, rng), 0.1, rng)
						check(t, err)
						for _, r := range rows {
							if !r.OK {
								t.Errorf("%s: relative error %.3g, tolerance %g", r.Quantity, r.Error, r.Tolerance)
							}
						}
					})
				}
			}
		}
	}
}
