package hf

import "math"

// A CGProgress is what is seen of a CG run at work, at one of its iterates.
type CGProgress struct {
	Iteration int // of the optimizer, counted from 1
	I, Max    int // iteration of CG, and the most there may be
	M         float64
	// Relative is the relative progress of the last k iterations of CG (section 4), which end the run when it is below Bound. Both are
	// NaN where that is not asked yet, or never.
	Relative, Bound float64
}

// OnCG has see called at every iterate of every later CG run, by the goroutine that is in Step, which waits for it. It changes
// nothing of what is computed. Solvers other than [CG] are not seen. A nil see ends it.
func (o *Optimizer[F]) OnCG(see func(CGProgress)) {
	o.path.see = nil
	if see == nil {
		return
	}
	o.path.see = func(i int, q []float64) {
		p := CGProgress{Iteration: o.progress.Iteration + 1, I: i, Max: o.cgLimit(o.progress.Iteration + 1), M: q[i], Relative: math.NaN(), Bound: math.NaN()}
		if !o.settings.CG.NoProgressStop && !o.settings.CG.Sampling {
			if s, bound, ok := o.settings.CG.Progress.measure(q); ok {
				p.Relative, p.Bound = s, bound
			}
		}
		see(p)
	}
}

// cgLimit returns the most iterations of CG at iteration k.
func (o *Optimizer[F]) cgLimit(k int) int {
	c := o.settings.CG
	if grown := o.progress.CGMax; grown > 0 && c.Truncation.Most > 0 {
		return min(max(int(grown), c.Max), c.Truncation.Most)
	}
	return max(1, int(c.MaxSchedule.At(k, float64(c.Max))))
}
