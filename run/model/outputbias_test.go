package model

import (
	"math"
	"testing"

	"curvestream/accel"
	"curvestream/nn"
)

// With these biases and no other input to the outputs, the net predicts the weighted mean of the targets; where that is more than a
// prediction can be, what half a case would leave.
func TestBiasesPredictTheMean(t *testing.T) {
	nan := math.NaN()
	rows := func(out int, target ...float64) *nn.Batch[float64] {
		n := len(target) / out
		b := &nn.Batch[float64]{Out: out, Form: nn.Last, Target: target}
		for range n {
			b.Lengths = append(b.Lengths, 1)
		}
		return b
	}
	weighted := rows(1, 2, 4, nan)
	weighted.Weight = []float64{3, 1, 0}
	classes := rows(3)
	classes.Lengths, classes.Target, classes.Class = []int{1, 1, 1, 1}, nil, []int32{0, 2, 2, 2}
	for _, c := range []struct {
		name  string
		loss  accel.Loss
		batch *nn.Batch[float64]
		want  []float64
	}{
		{"mean of numbers", accel.SquaredError, rows(2, 1, 10, 2, 20, 6, 30), []float64{3, 20}},
		{"by weight, and not where it is 0", accel.SquaredError, weighted, []float64{2.5}},
		{"flags: one in four, never, always", accel.LogisticCrossEntropy, rows(3, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1), []float64{0.25, 0.125, 0.875}},
		{"classes: one, none and three of four", accel.SoftmaxCrossEntropy, classes, []float64{0.25 / 1.125, 0.125 / 1.125, 0.75 / 1.125}},
		{"the nonlinearity in the loss", accel.LogisticSquaredError, rows(1, 0.2, 0.4), []float64{0.3}},
		{"tanh, and one that is always 1", accel.TanhSquaredError, rows(2, -0.2, 1, 0.6, 1), []float64{0.2, 0.5}},
	} {
		var m TargetMean[float64]
		m.Add(c.batch)
		got := nn.Predict(c.loss, m.Biases(c.loss))
		for i, want := range c.want {
			if math.Abs(got[i]-want) > 1e-12 {
				t.Errorf("%s: output %d is %g, want %g", c.name, i, got[i], want)
			}
		}
	}
	var none TargetMean[float64]
	if none.Biases(accel.SquaredError) != nil {
		t.Error("biases without a target")
	}
}

// Two chunks count as one.
func TestTargetMeanAddsUpOverChunks(t *testing.T) {
	chunk := func(target ...float64) *nn.Batch[float64] {
		return &nn.Batch[float64]{Out: 1, Form: nn.Last, Target: target, Lengths: make([]int, len(target))}
	}
	var m TargetMean[float64]
	m.Add(chunk(1))
	m.Add(chunk(2, 6))
	if z := m.Biases(accel.SquaredError); z[0] != 3 {
		t.Errorf("the mean of 1, 2 and 6 is %g", z[0])
	}
}
