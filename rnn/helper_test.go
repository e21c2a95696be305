package rnn_test

import (
	"math"
	"testing"

	"curvestream/accel"
	"curvestream/nn"
	"curvestream/rnn"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func vector(t testing.TB, backend accel.Backend[float64], values []float64) accel.Vector[float64] {
	t.Helper()
	v, err := backend.FromHost(append([]float64(nil), values...))
	check(t, err)
	return v
}

func read(v accel.Vector[float64]) []float64 {
	values := make([]float64, v.Len())
	v.Read(values)
	return values
}

// relativeError returns the largest error relative to the largest magnitude wanted.
func relativeError(got, want []float64) float64 {
	scale, worst := 0.0, 0.0
	for i := range want {
		scale = max(scale, math.Abs(want[i]))
		worst = math.Max(worst, math.Abs(got[i]-want[i]))
	}
	return worst / scale
}

// forCells runs f for each cell. f gives a configuration of the plain cell and gets it back with the cell, without what that cell
// does not have.
func forCells(t *testing.T, f func(t *testing.T, of func(rnn.Config) rnn.Config)) {
	for _, name := range rnn.CellNames() {
		t.Run(name, func(t *testing.T) {
			cell, err := rnn.ParseCell(name)
			check(t, err)
			f(t, func(c rnn.Config) rnn.Config { return withCell(c, cell) })
		})
	}
}

func withCell(c rnn.Config, cell rnn.Cell) rnn.Config {
	if c.Cell = cell; cell == rnn.Plain {
		return c
	}
	c.Activation = accel.Tanh
	if cell == rnn.Multiplicative {
		c.Factors = 3
	} else {
		c.Distance = nn.SquaredDistance
	}
	return c
}

func convert[To, From accel.Float](from []From) []To {
	to := make([]To, len(from))
	for i, x := range from {
		to[i] = To(x)
	}
	return to
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// oneHot returns the rows of a batch that are one-hot, or all zero, as sparse rows.
func oneHot(b *nn.Batch[float64]) *accel.Sparse[float64] {
	x := &accel.Sparse[float64]{Cols: b.In, Ptr: []int32{0}}
	for r := range b.Rows() {
		for c := range b.In {
			if b.Dense[r*b.In+c] != 0 {
				x.Col = append(x.Col, int32(c))
			}
		}
		x.Ptr = append(x.Ptr, int32(len(x.Col)))
	}
	return x
}
