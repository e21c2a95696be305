package model

import (
	"math"

	"curvestream/accel"
	"curvestream/nn"
)

// A TargetMean adds up the targets of training data, for the output biases with which a net that knows nothing else is right on
// average: Sutskever, Martens, Dahl and Hinton (2013) start from them. It is used by one goroutine.
type TargetMean[F accel.Float] struct {
	sum    []float64
	weight float64
}

// Add counts the targets of a chunk, each row by its weight.
func (m *TargetMean[F]) Add(b *nn.Batch[F]) {
	if m.sum == nil {
		m.sum = make([]float64, b.Out)
	}
	for row := range b.OutputRows() {
		w := 1.0
		if b.Weight != nil {
			w = float64(b.Weight[row])
		}
		if w == 0 { // even where the target is NaN
			continue
		}
		m.weight += w
		if b.Class != nil {
			m.sum[b.Class[row]] += w
			continue
		}
		for i := range b.Out {
			m.sum[i] += w * float64(b.Target[row*b.Out+i])
		}
	}
}

// Biases returns the outputs z whose prediction is the mean of the targets: the mean itself, the log-odds of frequencies for logistic
// outputs, logarithms of frequencies for softmax. Frequencies count as half a case away from what they cannot be: 0, 1 and, for tanh, -1.
// It returns nil where no target has a weight.
func (m *TargetMean[F]) Biases(loss accel.Loss) []F {
	if !(m.weight > 0) {
		return nil
	}
	z, least := make([]F, len(m.sum)), 0.5/math.Max(m.weight, 1)
	for i, sum := range m.sum {
		x := sum / m.weight
		switch loss.Kind() {
		case accel.LogisticCrossEntropy, accel.LogisticSquaredError:
			x = math.Min(math.Max(x, least), 1-least)
			x = math.Log(x / (1 - x))
		case accel.SoftmaxCrossEntropy:
			x = math.Log(math.Max(x, least))
		case accel.TanhSquaredError:
			x = math.Atanh(math.Min(math.Max(x, 2*least-1), 1-2*least))
		}
		z[i] = F(x)
	}
	return z
}

// OutputBias returns the parameter that is added to the outputs, the last of every net that has biases: b_z of a recurrent one. ok is
// false where there are none.
func OutputBias(layout nn.Layout) (bias nn.Param, ok bool) {
	bias = layout[len(layout)-1]
	return bias, !bias.Decays()
}
