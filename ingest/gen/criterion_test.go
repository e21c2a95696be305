package gen

import (
	"math"
	"testing"
)

func TestRight(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		c      Criterion
		p      []float64
		target []float64
		class  []int32
		want   bool
	}{
		{Within, []float64{0.54}, []float64{0.5001}, nil, true},
		{Within, []float64{0.541}, []float64{0.5}, nil, false},
		{Within, []float64{nan}, []float64{0.5}, nil, false},
		{Bit, []float64{0.6}, []float64{1}, nil, true},
		{Bit, []float64{0.4}, []float64{1}, nil, false},
		{Bit, []float64{nan}, []float64{0}, nil, false},
		{Class, []float64{0.1, 0.7, 0.2}, nil, []int32{1}, true},
		{Class, []float64{0.7, 0.1, 0.2}, nil, []int32{1}, false},
		{Class, []float64{nan, 0.1, 0.2}, nil, []int32{0}, false},
		{LastClass, []float64{1, 0, 0, 0, 1, 0}, nil, []int32{2, 1}, true},
		{LastClass, []float64{1, 0, 0, 0, 1, 0}, nil, []int32{0, 0}, false},
		{AllClasses, []float64{1, 0, 0, 0, 1, 0}, nil, []int32{0, 1}, true},
		{AllClasses, []float64{1, 0, 0, 0, 1, 0}, nil, []int32{2, 1}, false},
		{"", []float64{1}, []float64{1}, nil, false},
	} {
		out := 1
		if test.class != nil {
			out = 3
		}
		if got := Right(test.c, test.p, out, test.target, test.class); got != test.want {
			t.Errorf("%s: %v for target %v class %v: %v", test.c, test.p, test.target, test.class, got)
		}
	}
}
