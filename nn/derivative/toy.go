package derivative

import (
	"fmt"
	"math/rand/v2"

	"curvestream/accel"
	"curvestream/nn"
)

// A Toy says what random batch to make: small, because a check computes explicit matrices (section 7.2).
type Toy struct {
	In, Out  int
	Loss     accel.Loss
	Form     nn.Form
	Lengths  []int // of each sequence, in any order; all 1 for a feedforward net
	Weighted bool  // sequences have weights, and one output in four is masked where each time-step has one
	Sparse   bool  // inputs are multi-hot rows
}

// Batch draws a batch: inputs from N(0, 1), targets that suit the loss.
func (y Toy) Batch(rng *rand.Rand) (*nn.Batch[float64], error) {
	examples := make([]nn.Example[float64], len(y.Lengths))
	for i, length := range y.Lengths {
		e := &examples[i]
		e.ID = fmt.Sprint(i)
		for range length * y.In {
			e.X = append(e.X, rng.NormFloat64())
		}
		outputs := length
		if y.Form == nn.Last {
			outputs = 1
		}
		weight := 0.5 + rng.Float64()
		for range outputs {
			y.target(e, rng)
			if y.Weighted {
				e.Weight = append(e.Weight, y.mask(weight, rng))
			}
		}
	}
	b, err := nn.Pack(y.In, y.Out, y.Form, examples)
	if err != nil {
		return nil, err
	}
	if y.Sparse {
		b.Dense, b.Sparse = nil, multiHot(b.Rows(), y.In, rng)
	}
	return b, nil
}

func (y Toy) target(e *nn.Example[float64], rng *rand.Rand) {
	if y.Loss == accel.SoftmaxCrossEntropy {
		e.Class = append(e.Class, int32(rng.IntN(y.Out)))
		return
	}
	for range y.Out {
		if y.Loss == accel.LogisticCrossEntropy {
			e.Target = append(e.Target, rng.Float64())
		} else {
			e.Target = append(e.Target, rng.NormFloat64())
		}
	}
}

func (y Toy) mask(weight float64, rng *rand.Rand) float64 {
	if y.Form == nn.Each && rng.IntN(4) == 0 {
		return 0
	}
	return weight
}

// multiHot draws rows with a random value in about half of the columns.
func multiHot(rows, cols int, rng *rand.Rand) *accel.Sparse[float64] {
	x := &accel.Sparse[float64]{Cols: cols, Ptr: []int32{0}}
	for range rows {
		for c := range cols {
			if rng.IntN(2) == 0 {
				x.Col = append(x.Col, int32(c))
				x.Val = append(x.Val, rng.NormFloat64())
			}
		}
		x.Ptr = append(x.Ptr, int32(len(x.Col)))
	}
	return x
}

// Theta draws parameters from N(0, scale²). A scale of about 0.5 engages the nonlinearities without saturating them, both of
// which would hide mistakes (section 7.2).
func Theta(layout nn.Layout, scale float64, rng *rand.Rand) []float64 {
	theta := make([]float64, layout.Len())
	for i := range theta {
		theta[i] = scale * rng.NormFloat64()
	}
	return theta
}
