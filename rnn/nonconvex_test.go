package rnn_test

import (
	"fmt"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// Finite differences of losses that are not convex (section 6.3), however their L″ is made positive semi-definite.
func TestDerivativesOfLossesThatAreNotConvex(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	for _, loss := range []accel.Loss{accel.LogisticSquaredError, accel.TanhSquaredError} {
		for _, c := range []accel.Convexity{accel.Dropped, accel.Shifted} {
			for _, form := range []nn.Form{nn.Each, nn.Last} {
				t.Run(fmt.Sprintf("%s/%d/form=%d", nn.LossName(loss), c, form), func(t *testing.T) {
					config := rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: accel.Tanh, Loss: loss.Shows(c), Biases: true}
					toy := derivative.Toy{In: 3, Out: 2, Loss: config.Loss, Form: form, Lengths: []int{3, 5, 1, 3, 4}, Weighted: true}
					checkDerivatives(t, backend, config, toy)
				})
			}
		}
	}
}
