package hf

import "math"

// A Truncation lets a good model lengthen CG runs. To end CG early is to damp (section 8.7): where ρ is near 1, and the iterate that was
// chosen is the last of a run that only its limit ended, that limit is the damping that holds the step back, and λ may fall as far as it likes.
// So the limit grows there, and shrinks again, never below CG.Max, where ρ is below LM.High, or CG-backtracking threw half of the run away; by the
// factors of the LM rule (section 8.5). ρ above LM.High is not enough to grow: where CG runs fit noise of the curvature minibatch, it is about that, and
// longer runs fit more of it. The report keeps the limit or lets a schedule shorten it. The zero Truncation keeps it. It has no state.
type Truncation struct {
	Most int // to which the limit may grow; zero: the limit stays
}

// next returns the limit after an accepted iteration. It is a real number so that factors near 1 add up.
func (t Truncation) next(limit, least float64, lm LM, r *Report) float64 {
	lm = lm.withDefaults()
	switch {
	case t.Most == 0 || r.Verdict == ModelBehind || r.Verdict == VerdictNone:
		return limit
	case r.Verdict != ModelAgrees || r.Rho < lm.High || 2*r.CGUsed < r.CGSteps:
		return math.Max(limit/lm.Raise, least)
	case r.Rho > (1+lm.High)/2 && r.CGStop == StopMax && r.CGUsed == r.CGSteps:
		return math.Min(limit/lm.Drop, float64(t.Most))
	}
	return limit
}
