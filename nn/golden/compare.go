package golden

import (
	"fmt"
	"math"

	"curvestream/nn/derivative"
)

// number records one value; its error counts relative to scale.
func (k *checker) number(quantity string, got, want, scale float64) {
	k.rows = append(k.rows, derivative.NewRow(quantity, relative(got-want, scale), k.c.Tolerance))
}

// array records an array; its error counts relative to the largest magnitude expected in it.
func (k *checker) array(quantity string, got, want []float64) {
	k.rows = append(k.rows, derivative.NewRow(quantity, arrayError(got, want, largest(want)), k.c.Tolerance))
}

// named records values of the shape of θ. Each parameter has a scale of its own, which is at least a thousandth of the
// largest magnitude in all of them.
func (k *checker) named(quantity string, got []float64, want Named) error {
	flat, err := want.Flatten(k.layout)
	if err != nil {
		return fmt.Errorf("%s: %w", quantity, err)
	}
	floor, worst := largest(flat)/1000, 0.0
	for _, p := range k.layout {
		lo, hi := p.Off, p.Off+p.Size()
		worst = math.Max(worst, arrayError(got[lo:hi], flat[lo:hi], max(floor, largest(flat[lo:hi]))))
	}
	k.rows = append(k.rows, derivative.NewRow(quantity, worst, k.c.Tolerance))
	return nil
}

// arrayError returns the largest error in an array, relative to scale; it is NaN where any error is, and infinite where the
// lengths differ.
func arrayError(got, want []float64, scale float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range got {
		worst = math.Max(worst, relative(got[i]-want[i], scale))
	}
	return worst
}

func relative(difference, scale float64) float64 {
	if difference == 0 {
		return 0
	}
	return math.Abs(difference) / scale
}

func largest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	return most
}
