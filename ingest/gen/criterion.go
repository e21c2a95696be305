package gen

import (
	"math"

	"curvestream/ingest"
)

// A Criterion says when a sequence counts as right; error_rate is the share of those that are not. It is the name that files
// carry in their metadata.
type Criterion string

// The criteria of Martens & Sutskever (2011).
const (
	Within     Criterion = "within_0.04" // the output is at most 0.04 off
	Bit        Criterion = "bit"         // the output is on the target's side of ½
	Class      Criterion = "class"       // the likeliest class is the target, at the end
	LastClass  Criterion = "last_class"  // the likeliest class is the target at the last step; the others do not count
	AllClasses Criterion = "every_class" // the likeliest class is the target at every step
	tolerance            = 0.04
)

// Known reports whether the criterion is one of ours.
func (c Criterion) Known() bool {
	switch c {
	case Within, Bit, Class, LastClass, AllClasses:
		return true
	}
	return false
}

// Right reports whether a net's outputs for one sequence count as right. p has a row of out values for each target; the targets
// are target, of the same shape, or class. An unknown criterion or a shape that does not fit counts nothing as right.
func Right[F ingest.Float](c Criterion, p []F, out int, target []F, class []int32) bool {
	switch c {
	case Within, Bit:
		if len(p) != len(target) || len(p) == 0 {
			return false
		}
		for i := range p {
			wrong := math.Abs(float64(p[i])-float64(target[i])) > tolerance
			if c == Bit {
				wrong = (p[i] > 0.5) != (target[i] > 0.5)
			}
			if wrong || p[i] != p[i] {
				return false
			}
		}
		return true
	case Class, LastClass, AllClasses:
		if out < 1 || len(class) == 0 || len(p) != out*len(class) {
			return false
		}
		first := len(class) - 1
		if c == AllClasses {
			first = 0
		}
		for i := first; i < len(class); i++ {
			if likeliest(p[i*out:(i+1)*out]) != int(class[i]) {
				return false
			}
		}
		return true
	}
	return false
}

// likeliest returns the place of the largest value, the first of equals; −1 where one is NaN.
func likeliest[F ingest.Float](p []F) int {
	best := 0
	for k, v := range p {
		if v != v {
			return -1
		}
		if v > p[best] {
			best = k
		}
	}
	return best
}
