package pipeline

import "curvestream/ingest"

// Resized returns the plan with gradient minibatches of another size, for minibatches that grow (section 12.2). A curvature
// minibatch with a size of its own keeps its part of the gradient minibatch, rounded up. Each plan deals an epoch out anew, so
// that a sequence may come twice, or not at all, in the epoch within which the size changes. On a source without end, a plan of
// larger minibatches goes on with sequences that no step took before.
func (p *Plan) Resized(gradient int) (*Plan, error) {
	o := p.o
	if o.CurvatureSize > 0 && o.GradientSize > 0 {
		o.CurvatureSize = scaled(o.CurvatureSize, gradient, o.GradientSize)
	}
	o.GradientSize = gradient
	return NewPlan(p.m, o)
}

// Largest returns the size up to which gradient minibatches can grow, beside the other minibatches; it is 0 where there is no
// limit because the source has no end.
func (p *Plan) Largest() int {
	n := p.m.Len()
	if n == ingest.Endless {
		return 0
	}
	least, most := 1, n
	for least < most { // the largest that a plan takes; more never fits where less does not
		middle := (least + most + 1) / 2
		if _, err := p.Resized(middle); err == nil {
			least = middle
		} else {
			most = middle - 1
		}
	}
	return least
}

// scaled returns ⌈part · to / from⌉.
func scaled(part, to, from int) int { return (part*to + from - 1) / from }
