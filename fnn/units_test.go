package fnn_test

import (
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
)

// Each hidden layer is counted by itself: with zero weights all units sit in the middle, with large biases at an end; the layers of
// linear units, and the outputs, do not count.
func TestUnits(t *testing.T) {
	backend := sharded{cpu.New[float64](cpu.Options{}), 3}
	net, err := fnn.New(backend, fnn.Config{Sizes: []int{2, 3, 4, 5, 1}, Activations: []accel.Activation{accel.Tanh, accel.Linear, accel.Logistic, accel.Linear}, Biases: true})
	check(t, err)
	const cases = 7
	b := &nn.Batch[float64]{Active: []int{cases}, Offset: []int{0, cases}, In: 2, Out: 1, Form: nn.Last, Dense: make([]float64, 2*cases), Target: make([]float64, cases), WeightSum: cases}
	for range cases {
		b.Lengths = append(b.Lengths, 1)
	}
	theta := make([]float64, net.Layout().Len())
	units, err := net.Units(t.Context(), vector(t, backend, theta), b)
	check(t, err)
	if want := []nn.Units{{Linear: 21, All: 21}, {}, {Linear: 35, All: 35}}; !slices.Equal(units, want) {
		t.Errorf("zero weights: %+v, want %+v", units, want)
	}
	first, _ := net.Layout().Find("b_1")
	third, _ := net.Layout().Find("b_3")
	theta[first.Off], theta[first.Off+1], theta[third.Off] = 9, -9, 1
	units, err = net.Units(t.Context(), vector(t, backend, theta), b)
	check(t, err)
	if want := []nn.Units{{Saturated: 14, Linear: 7, All: 21}, {}, {Linear: 28, All: 35}}; !slices.Equal(units, want) {
		t.Errorf("some large biases: %+v, want %+v", units, want)
	}
	if share := units[0].Share(units[0].Saturated); share != 2.0/3 {
		t.Errorf("%g of the first layer is saturated, want 2/3", share)
	}
}
