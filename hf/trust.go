package hf

import "math"

// A region follows ‖x‖_P through a CG run, x being counted from the start of the run, without products with P (section 8.6):
// in exact arithmetic xᵀPy = xᵀr = 0 and pᵀr = 0, so that the three products below have recurrences of their own.
// The zero region, with radius 0, is all of space.
type region struct {
	radius     float64
	xx, xp, pp float64 // xᵀPx, xᵀPp, pᵀPp
}

// step returns the step length along p, and why the run ends there, if it does. It is ry/pAp where that stays inside;
// otherwise, and where the curvature pAp is not positive, it is the length that ends on the border, or 0 without a border.
func (g *region) step(ry, pAp float64) (alpha float64, end StopReason) {
	switch {
	case !finite(pAp):
		return 0, StopNonFinite
	case g.radius == 0 && pAp <= 0:
		return 0, StopNegativeCurvature
	case g.radius == 0:
		return ry / pAp, endOf(ry / pAp)
	}
	alpha = ry / pAp
	if pAp > 0 && g.xx+alpha*(2*g.xp+alpha*g.pp) < g.radius*g.radius {
		g.xx += alpha * (2*g.xp + alpha*g.pp)
		g.xp += alpha * g.pp
		return alpha, endOf(alpha)
	}
	// the positive root of ‖x + αp‖_P = radius
	inside := g.radius*g.radius - g.xx
	alpha = inside / (g.xp + math.Sqrt(g.xp*g.xp+g.pp*inside))
	g.xx = g.radius * g.radius
	if pAp <= 0 {
		return alpha, StopNegativeCurvature
	}
	return alpha, StopBoundary
}

// turn follows p ← −y + βp, ry being rᵀy at the new r.
func (g *region) turn(beta, ry float64) {
	g.xp *= beta
	g.pp = ry + beta*beta*g.pp
}

func endOf(alpha float64) StopReason {
	switch {
	case !finite(alpha):
		return StopNonFinite
	case alpha == 0: // too small for a number
		return StopConverged
	}
	return NotStopped
}
