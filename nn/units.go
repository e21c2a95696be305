package nn

import (
	"context"
	"math"

	"curvestream/accel"
)

// Units say how the tanh and logistic hidden units of a layer were used, over all cases and time-steps of a chunk. Initial weights are to
// leave them between the two extremes (section 13): s′ of a saturated unit is next to 0, and a layer of linear units adds nothing to the one
// below.
type Units struct {
	Saturated int64 // activities in the outermost hundredth of their range, at either end
	Linear    int64 // within a hundredth of the middle
	All       int64
}

// Count adds the activities h, in host memory, of units with the given activation. Others than tanh and logistic do not count.
func Count[F accel.Float](u *Units, act accel.Activation, h F) {
	x := float64(h)
	switch act {
	case accel.Tanh:
	case accel.Logistic:
		x = 2*x - 1
	default:
		return
	}
	u.All++
	switch x = math.Abs(x); {
	case x > 0.99:
		u.Saturated++
	case x < 0.01:
		u.Linear++
	}
}

// Plus returns the sum of both.
func (u Units) Plus(v Units) Units {
	return Units{u.Saturated + v.Saturated, u.Linear + v.Linear, u.All + v.All}
}

// Share returns count as a part of all activities, 0 where there are none.
func (u Units) Share(count int64) float64 {
	if u.All == 0 {
		return 0
	}
	return float64(count) / float64(u.All)
}

// A UnitNet is a Net that tells how its hidden units are used.
type UnitNet[F accel.Float] interface {
	// Units returns, for each hidden layer from the inputs on, how its units are used at θ on a chunk. It costs a forward run.
	Units(ctx context.Context, theta accel.Vector[F], b *Batch[F]) ([]Units, error)
}
