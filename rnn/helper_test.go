package rnn_test

import (
	"math"
	"testing"

	"curvestream/accel"
	"curvestream/nn"
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
