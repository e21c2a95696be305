package hf

import "math"

// A Truncation lets a good model lengthen CG runs. To end CG early is to damp (section 8.7): where ρ says that the model is to be
// trusted, and the iterate that was chosen is the last of a run that only its limit ended, that limit is the damping that holds the step
// back, and λ may fall as far as it likes. So the limit grows there, by the constants of the LM rule (section 8.5), and shrinks, never below
// CG.Max, where ρ is bad or CG-backtracking threw half of the run away. It is for minibatches that are all there is, or nearly: longer runs on a
// small curvature minibatch fit its noise, ρ being 0.6 to 0.9 all along. The report keeps the limit or lets a schedule shorten it.
// The zero Truncation keeps it. It has no state.
type Truncation struct {
	Most int // to which the limit may grow; zero: the limit stays
}

// next returns the limit after an accepted iteration. It is a real number so that factors near 1 add up.
func (t Truncation) next(limit, least float64, lm LM, r *Report) float64 {
	lm = lm.withDefaults()
	switch {
	case t.Most == 0 || r.Verdict == ModelBehind || r.Verdict == VerdictNone:
		return limit
	case r.Verdict != ModelAgrees || r.Rho < lm.Low || 2*r.CGUsed < r.CGSteps:
		return math.Max(limit/lm.Raise, least)
	case r.Rho > lm.High && r.CGStop == StopMax && r.CGUsed == r.CGSteps:
		return math.Min(limit/lm.Drop, float64(t.Most))
	}
	return limit
}
