package doctor

import (
	"fmt"
	"math"
	"slices"
)

// examinations are the rules, each of which finds one thing or nothing. Their thresholds are rules of thumb, not the report's.
var examinations = []func(history) *Finding{
	diverged, rejected, shortened, overestimated, behind, fedBack, exploded, exhausted, usedEarly, negative, overfitsMinibatch, overfits, starved, badlyUsed, unequal,
}

func diverged(h history) *Finding {
	steps := h.last(20, 1)
	n := count(steps, func(s step) bool { return s.Outcome == "non_finite" || s.F == nil })
	if n == 0 {
		return nil
	}
	return &Finding{"non_finite", fmt.Sprintf("%d of the last %d iterations met a value that was not finite", n, len(steps)),
		"`curvestream check` tells whether derivatives are right; normalise the data (--normalize zscore), or start with smaller weights", "7.2"}
}

func rejected(h history) *Finding {
	steps := h.last(20, 5)
	n := count(steps, func(s step) bool { return !s.accepted() && s.Outcome != "stationary" })
	if !most(n, steps, 0.3) {
		return nil
	}
	return &Finding{"rejected", fmt.Sprintf("%d of the last %d iterations moved nothing", n, len(steps)),
		"the damping is too weak, or gradient, curvature and line search look at minibatches that disagree: raise damping.init, or make batch.curvature larger", "8.5, 12"}
}

func shortened(h history) *Finding {
	steps := slices.DeleteFunc(slices.Clone(h.last(20, 5)), func(s step) bool { return !s.accepted() })
	n := count(steps, func(s step) bool { return s.Alpha < 1 })
	if !h.newton() || !most(n, steps, 0.3) {
		return nil
	}
	return &Finding{"line_search", fmt.Sprintf("the line search shortened %d of the last %d steps: it does the work of the damping", n, len(steps)),
		"raise lambda (damping.init), try another damping.kind, or enlarge batch.curvature", "8.8"}
}

func overestimated(h history) *Finding {
	steps := h.last(10, 10)
	rho := numbers(steps, func(s step) *float64 { return s.Rho })
	if !h.newton() || len(rho) < 5 || median(rho) >= 0.25 {
		return nil
	}
	advice := "lambda is rising, which is right: wait some iterations"
	if count(steps, func(s step) bool { return s.Alpha < 1 }) > len(steps)/3 {
		advice = "lambda is rising and steps are shortened as well: enlarge batch.curvature"
	}
	return &Finding{"model_overestimates", fmt.Sprintf("the median of rho over the last %d iterations is %.2g: the model promises more than it keeps", len(rho), median(rho)),
		advice, "8.5, 12.2"}
}

func behind(h history) *Finding {
	steps := h.last(20, 1)
	n := count(steps, func(s step) bool { return s.Verdict == "behind" })
	if n == 0 {
		return nil
	}
	return &Finding{"model_behind", fmt.Sprintf("in %d of the last %d iterations CG ended with M > 0: it has not overcome its warm start, and rho < 0 says nothing about the damping", n, len(steps)),
		"let CG run longer (cg.max, cg.tol), or start it nearer to 0 (cg.decay, or cg.start zero)", "8.5, 10"}
}

// fedBack looks for the feedback between short CG runs and the LM rule: both fall, or both creep up.
func fedBack(h history) *Finding {
	steps := h.last(20, 20)
	if steps == nil || !h.newton() {
		return nil
	}
	first, second := steps[:5], steps[len(steps)-5:]
	damping := func(s step) *float64 { return s.DampingUsed }
	a, b := numbers(first, damping), numbers(second, damping)
	if len(a) == 0 || len(b) == 0 || median(a) <= 0 {
		return nil
	}
	lambda := median(b) / median(a)
	length := median(lengths(second)) / math.Max(1, median(lengths(first)))
	how := ""
	switch {
	case lambda < 0.1 && length < 0.5:
		how = "shrink"
	case lambda > 10 && length > 2:
		how = "grow"
	default:
		return nil
	}
	return &Finding{"feedback", fmt.Sprintf("over the last 20 iterations both lambda (%.2g times) and the length of CG runs (%.2g times) %s", lambda, length, how),
		"ending CG early is damping too, and feeds back on the rule for lambda: fix the number of iterations (cg.stop max with a cg.max)", "8.5, 8.7"}
}

func exploded(h history) *Finding {
	damping := numbers(h.steps, func(s step) *float64 { return s.DampingUsed })
	if len(damping) == 0 || damping[0] <= 0 || damping[len(damping)-1] <= 1e6*damping[0] {
		return nil
	}
	return &Finding{"lambda_exploded", fmt.Sprintf("lambda is %.2g, %.2g times what it began with", damping[len(damping)-1], damping[len(damping)-1]/damping[0]),
		"gradient and curvature do not match, or a derivative is wrong: `curvestream check`; are the data normalised (--normalize zscore)?", "7.2, 8.5"}
}

func exhausted(h history) *Finding {
	steps := h.last(50, 20)
	n := count(steps, func(s step) bool { return s.CGStop == "max" })
	if !most(n, steps, 0.9) {
		return nil
	}
	return &Finding{"cg_at_maximum", fmt.Sprintf("%d of the last %d CG runs ended at cg.max", n, len(steps)),
		"usual after some hundred iterations; earlier, try another preconditioner (precond.kind) or a larger cg.max", "8.7, 11"}
}

func usedEarly(h history) *Finding {
	steps := slices.DeleteFunc(slices.Clone(h.last(20, 10)), func(s step) bool { return s.CGSteps < 5 })
	n := count(steps, func(s step) bool { return s.CGUsed < s.CGSteps/2 })
	if !most(n, steps, 0.5) {
		return nil
	}
	return &Finding{"iterates_unused", fmt.Sprintf("in %d of the last %d iterations the chosen iterate came from the first half of the CG run", n, len(steps)),
		"a lower cg.max saves the rest of the work", "8.7"}
}

func negative(h history) *Finding {
	steps := h.last(20, 5)
	n := count(steps, func(s step) bool { return s.CGStop == "negative_curvature" })
	if !most(n, steps, 0.3) {
		return nil
	}
	return &Finding{"negative_curvature", fmt.Sprintf("%d of the last %d CG runs were cut off by negative curvature", n, len(steps)),
		"the Gauss-Newton matrix has none (curvature.kind ggn); with the Hessian, more damping or damping.kind trust_region", "6"}
}

// overfitsMinibatch compares what steps gained on their own minibatch with what they gained on data outside of it: the held-out data
// that chose the iterate, or else the next minibatch.
func overfitsMinibatch(h history) *Finding {
	steps := h.last(20, 10)
	if len(steps) == 0 || h.sequences > 0 && steps[len(steps)-1].GradSeqs >= h.sequences {
		return nil
	}
	var inside, outside float64
	for i, s := range steps {
		switch {
		case s.F0 == nil || s.F == nil || !s.accepted():
			continue
		case s.SelectF0 != nil && s.SelectF != nil && *s.SelectF0 != *s.F0:
			outside += *s.SelectF0 - *s.SelectF
		case i+1 < len(steps) && steps[i+1].F0 != nil:
			outside += *s.F0 - *steps[i+1].F0
		default:
			continue
		}
		inside += *s.F0 - *s.F
	}
	if inside <= 0 || outside > 0.1*inside {
		return nil
	}
	return &Finding{"minibatch_overfitting", fmt.Sprintf("over the last %d iterations f fell by %.3g on the minibatches of the steps and by %.3g on other training data", len(steps), inside, outside),
		"enlarge batch.gradient, shorten CG (cg.max), or take smaller steps (line_search.rate, lambda)", "12.2"}
}

func overfits(h history) *Finding {
	losses := make([]float64, 0, len(h.looks))
	best := 0
	for _, l := range h.looks {
		if l.Loss == nil {
			continue
		}
		losses = append(losses, *l.Loss)
		if *l.Loss < losses[best] {
			best = len(losses) - 1
		}
	}
	if len(losses)-1-best < 10 {
		return nil
	}
	return &Finding{"overfitting", fmt.Sprintf("the loss of the validation data was lowest %d evaluations ago (%.4g, now %.4g)", len(losses)-1-best, losses[best], losses[len(losses)-1]),
		"the best model is kept; run.patience stops in time, model.weight_decay and more data help", "13"}
}

func starved(h history) *Finding {
	var waited, all float64
	for _, s := range h.last(50, 1) {
		waited += s.SecWait
		all += s.Sec
	}
	if all == 0 || waited <= 0.05*all {
		return nil
	}
	return &Finding{"data_starve_compute", fmt.Sprintf("%.0f %% of the time the computation waited for data", 100*waited/all),
		"another compression, larger row groups (`curvestream data convert`) or more memory; `curvestream bench data` shows the rates", ""}
}

// newton reports whether the run has a quadratic model: first-order methods have no CG.
func (h history) newton() bool { return len(h.steps) > 0 && h.steps[len(h.steps)-1].CGSteps > 0 }

func count(steps []step, is func(step) bool) (n int) {
	for _, s := range steps {
		if is(s) {
			n++
		}
	}
	return n
}

// most reports whether n is more than a share of the steps.
func most(n int, steps []step, share float64) bool {
	return n > 0 && float64(n) > share*float64(len(steps))
}

func numbers(steps []step, of func(step) *float64) (x []float64) {
	for _, s := range steps {
		if v := of(s); v != nil {
			x = append(x, *v)
		}
	}
	return x
}

func lengths(steps []step) []float64 {
	x := make([]float64, len(steps))
	for i, s := range steps {
		x[i] = float64(s.CGSteps)
	}
	return x
}

func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
