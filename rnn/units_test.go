package rnn_test

import (
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/rnn"
)

// Each layer is counted by itself, over all time-steps of all sequences. With zero weights all units sit in the middle; gates, which
// do so too, do not count.
func TestUnits(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	b := &nn.Batch[float64]{Lengths: []int{3, 2}, Active: []int{2, 2, 1}, Offset: []int{0, 2, 4, 5}, In: 1, Out: 1, Form: nn.Last,
		Dense: make([]float64, 5), Target: make([]float64, 2), WeightSum: 2}
	for cell, tanh := range map[rnn.Cell]int64{rnn.Plain: 1, rnn.LSTM: 2, rnn.GRU: 1, rnn.Multiplicative: 1} {
		net, err := rnn.New(backend, withCell(rnn.Config{In: 1, Hidden: 4, Out: 1, Activation: accel.Tanh, Upper: []int{2}, Biases: true}, cell))
		check(t, err)
		theta := make([]float64, net.Layout().Len())
		units, err := net.Units(t.Context(), vector(t, backend, theta), b)
		check(t, err)
		if want := []nn.Units{{Linear: 20 * tanh, All: 20 * tanh}, {Linear: 10 * tanh, All: 10 * tanh}}; !slices.Equal(units, want) {
			t.Errorf("%s with zero weights: %+v, want %+v", cell, units, want)
		}
		if cell != rnn.Plain {
			continue
		}
		bias, ok := net.Layout().Find("b_h_l1")
		if !ok {
			t.Fatalf("no b_h_l1 in %+v", net.Layout())
		}
		theta[bias.Off] = -9
		units, err = net.Units(t.Context(), vector(t, backend, theta), b)
		check(t, err)
		if want := []nn.Units{{Linear: 20, All: 20}, {Saturated: 5, Linear: 5, All: 10}}; !slices.Equal(units, want) {
			t.Errorf("a unit of the second layer with a large bias: %+v, want %+v", units, want)
		}
	}
}
