package acceltest

import (
	"fmt"
	"math"

	"curvestream/accel"
)

// runFused sees that the vectors of a backend, where they are accel.FusedVector, leave the bits of the operations that they fuse.
func runFused[F accel.Float](t reporter, b accel.Backend[F]) {
	if v, err := b.NewVector(1); err != nil {
		t.Fatal(err)
	} else if _, fuses := v.(accel.FusedVector[F]); !fuses {
		t.Skip("vectors of this backend do not fuse operations")
	}
	for _, n := range []int{0, 1, 3, 63, 65, 500, 16_383, 16_385, 100_003, 300_001} {
		for name, f := range fusions[F]() {
			one, other := vectorsOf(t, b, n), vectorsOf(t, b, n)
			got, want := f.fused(one[0].(accel.FusedVector[F]), one[1:]), f.plain(other[0], other[1:])
			for i := range want {
				if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
					t.Errorf("%s/%d: sum %d is %v, that of the single operations %v", name, n, i, got[i], want[i])
				}
			}
			for i := range one {
				sameBits(t, fmt.Sprintf("%s/%d: vector %d", name, n, i), one[i], other[i])
			}
		}
	}
}

// A fusion is an operation on a vector and some others, and the operations that it is made of. Both return sums.
type fusion[F accel.Float] struct {
	fused func(v accel.FusedVector[F], w []accel.Vector[F]) []float64
	plain func(v accel.Vector[F], w []accel.Vector[F]) []float64
}

func fusions[F accel.Float]() map[string]fusion[F] {
	return map[string]fusion[F]{
		"AddTwo": {
			fused: func(v accel.FusedVector[F], w []accel.Vector[F]) []float64 {
				x, y := v.AddTwo(0.3, w[0], w[1], w[2], w[3])
				return []float64{x, y}
			},
			plain: func(v accel.Vector[F], w []accel.Vector[F]) []float64 {
				v.Add(0.3, w[0])
				w[1].Add(0.3, w[2])
				return []float64{w[1].Dot(v), w[3].Dot(v)}
			},
		},
		"Quotient": {
			fused: func(v accel.FusedVector[F], w []accel.Vector[F]) []float64 { return []float64{v.Quotient(w[0], w[1])} },
			plain: func(v accel.Vector[F], w []accel.Vector[F]) []float64 {
				v.Copy(w[0])
				v.Div(w[1])
				return []float64{w[0].Dot(v)}
			},
		},
		"ScaleSub": {
			fused: func(v accel.FusedVector[F], w []accel.Vector[F]) []float64 { v.ScaleSub(0.7, w[0]); return nil },
			plain: func(v accel.Vector[F], w []accel.Vector[F]) []float64 {
				v.Scale(0.7)
				v.Add(-1, w[0])
				return nil
			},
		},
	}
}

// vectorsOf returns five vectors of n elements, the same ones each time.
func vectorsOf[F accel.Float](t reporter, b accel.Backend[F], n int) []accel.Vector[F] {
	x, y := vectorPair(t, b, n)
	all := []accel.Vector[F]{x.got, y.got}
	for i := range 3 {
		v := x.got.New()
		v.Copy(x.got)
		v.Add(0.1*float64(i+1), y.got)
		all = append(all, v)
	}
	return all
}

func sameBits[F accel.Float](t reporter, name string, v, w accel.Vector[F]) {
	t.Helper()
	x, y := make([]F, v.Len()), make([]F, w.Len())
	v.Read(x)
	w.Read(y)
	for i := range x {
		if math.Float64bits(float64(x[i])) != math.Float64bits(float64(y[i])) {
			t.Errorf("%s: element %d is %v, that of the single operations %v", name, i, x[i], y[i])
			return
		}
	}
}
