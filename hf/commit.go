package hf

import (
	"math"

	"curvestream/accel"
)

// commit makes the iteration's result the state: nothing before it changed θ, the strengths or the next start of CG.
func (o *Optimizer[F]) commit(delta accel.Vector[F], r *Report) {
	p := &o.progress
	p.Iteration = r.Iteration
	p.Products += int64(r.Products)
	p.Losses += int64(r.Losses)
	p.Gradients += int64(r.Gradients)
	p.Lambda = r.Lambda
	p.Cases = r.Cases
	switch {
	case r.Outcome == Stationary:
	case r.Outcome.Rejected():
		o.reject(r)
	default:
		o.theta.Add(r.Alpha, delta)
		p.Rejections, p.NonFinite = 0, 0
		o.adapt(r)
		o.lengthen(r)
		o.restart(delta, r)
	}
	r.Rejections = p.Rejections
}

// reject raises the damping. The next CG run starts from 0, since what the last one found is no good.
func (o *Optimizer[F]) reject(r *Report) {
	p := &o.progress
	p.Rejections++
	if r.Outcome == NonFinite {
		p.NonFinite++
	}
	o.strengthen(func(lm LM, strength float64) float64 { return lm.Reject(strength, p.Rejections) })
	o.delta.Zero()
}

// adapt applies the LM rule (section 8.5). A trust region that the run did not reach is not widened. A step of steepest descent
// says nothing about the model but that it is not damped enough.
func (o *Optimizer[F]) adapt(r *Report) {
	if r.metNothingElse() {
		o.strengthen(func(lm LM, strength float64) float64 { return lm.Reject(strength, 1) })
		return
	}
	inside := r.Radius > 0 && r.CGStop != StopBoundary && r.CGStop != StopNegativeCurvature
	if inside && r.Verdict == ModelAgrees && r.Rho > o.settings.Rho.Share*o.settings.LM.High {
		return
	}
	o.strengthen(func(lm LM, strength float64) float64 {
		return lm.modest(o.settings.Rho.Share).Adapt(strength, r.Rho, r.Verdict)
	})
}

// lengthen sets the limit of the next CG run by CG.Truncation.
func (o *Optimizer[F]) lengthen(r *Report) {
	t, least := o.settings.CG.Truncation, float64(o.settings.CG.Max)
	if t.Most > 0 && o.settings.Method == MethodCG {
		p := &o.progress
		p.CGMax = t.next(math.Max(p.CGMax, least), least, o.settings.LM.modest(o.settings.Rho.Share), r)
	}
}

// strengthen applies a rule to λ or 1/r, whichever the damping has, and to a μ of its own.
func (o *Optimizer[F]) strengthen(rule func(lm LM, strength float64) float64) {
	s, p := o.settings, &o.progress
	switch {
	case s.Damping.penalizes():
		p.Lambda = rule(s.LM, p.Lambda)
	case s.Damping == DampTrustRegion:
		p.Radius = 1 / rule(s.LM, 1/p.Radius)
	}
	if s.Structural.Mu > 0 && s.Structural.Rule == MuOwn {
		p.Mu = rule(s.Structural.LM, p.Mu)
	}
}

// restart sets where the next CG run starts from (section 10): from 0 if this one did not get to M < 0 (section 8.5) or was none. Krylov
// subspace descent takes δ into its next subspace.
func (o *Optimizer[F]) restart(delta accel.Vector[F], r *Report) {
	last := o.path.kept[len(o.path.kept)-1]
	switch {
	case o.settings.Method == MethodKSD:
		o.delta.Copy(delta)
	case o.settings.CG.Start == StartZero || o.settings.Damping == DampTrustRegion:
	case last.q >= 0 && !o.settings.CG.KeepStart || r.metNothingElse():
		o.delta.Zero()
	case o.settings.CG.Start == StartHighest && !math.IsInf(o.path.worstF, -1):
		o.delta.Copy(o.path.highest)
	case o.settings.CG.Start == StartChosen:
		o.delta.Copy(delta)
	default:
		o.delta.Copy(last.x)
	}
}
