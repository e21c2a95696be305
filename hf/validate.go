package hf

import (
	"errors"
	"fmt"
)

// Validate reports all that is wrong with s at once, one line a problem.
func (s Settings) Validate() error {
	var v problems
	v.method(s)
	v.nonNegative("Lambda", s.Lambda)
	v.schedule("LambdaFloor", s.LambdaFloor, 0)
	v.nonNegative("Radius", s.Radius)
	v.check(dampingNames.valid(int(s.Damping)), "Damping", s.Damping, "is not a kind of damping")
	v.lm("LM", s.LM)
	v.check(s.LM.holds(s.Lambda), "Lambda", s.Lambda, "must lie between LM.Min and LM.Max")
	v.nonNegative("Structural.Mu", s.Structural.Mu)
	v.check(muNames.valid(int(s.Structural.Rule)), "Structural.Rule", s.Structural.Rule, "is not a rule for μ")
	v.check(s.Structural.Mu == 0 || s.Structural.Rule != MuTied || s.Damping.penalizes(),
		"Structural.Rule", s.Structural.Rule, "ties μ to λ, which this damping does not have: choose own or fixed")
	v.trust(s)
	v.shape("DampingShape", s.DampingShape.withDefaults())
	v.scale(s.Scale)
	v.lm("Structural.LM", s.Structural.LM)
	v.check(s.Structural.Rule != MuOwn || s.Structural.LM.holds(s.Structural.Mu), "Structural.Mu", s.Structural.Mu,
		"must lie between Structural.LM.Min and Structural.LM.Max")
	v.role("Rho.Role", s.Rho.Role)
	v.check(s.Rho.Share >= 0 && s.Rho.Share <= 1, "Rho.Share", s.Rho.Share, "must be above 0 and at most 1")
	v.cg(s.CG)
	v.precondition(s)
	v.check(selectionNames.valid(int(s.Select.Rule)), "Select.Rule", s.Select.Rule, "is not a rule of selection")
	v.role("Select.Role", s.Select.Role)
	v.grid(s.Select.Grid)
	v.lineSearch(s.LineSearch)
	v.check(s.MaxRejections >= 0, "MaxRejections", s.MaxRejections, "must not be negative")
	return errors.Join(v...)
}

type problems []error

func (v *problems) check(ok bool, field string, value any, what string) {
	if !ok {
		*v = append(*v, fmt.Errorf("hf: setting %s = %v %s", field, value, what))
	}
}

func (v *problems) nonNegative(field string, x float64) {
	v.check(finite(x) && x >= 0, field, x, "must be finite and not negative")
}

func (v *problems) role(field string, r Role) {
	v.check(r == Gradient || r == Curvature || r == HeldOut, field, int(r), "is not a role of a minibatch")
}

func (v *problems) lm(field string, lm LM) {
	full := lm.withDefaults()
	v.check(full.Low < full.High, field+".Low", full.Low, fmt.Sprintf("must be below High = %v", full.High))
	v.check(finite(full.Raise) && full.Raise >= 1, field+".Raise", full.Raise, "must be at least 1")
	v.check(full.Drop > 0 && full.Drop <= 1, field+".Drop", full.Drop, "must be above 0 and at most 1")
	v.check(full.Min > 0 && full.Min <= full.Max && finite(full.Max), field+".Min", full.Min,
		fmt.Sprintf("must be above 0 and at most Max = %v, which must be finite", full.Max))
}

func (v *problems) cg(c CGSettings) {
	v.check(c.Max >= 0, "CG.Max", c.Max, "must not be negative")
	v.schedule("CG.MaxSchedule", c.MaxSchedule, 0)
	v.check(c.Truncation.Most == 0 || c.Truncation.Most >= c.Max, "CG.Truncation.Most", c.Truncation.Most, "must be 0 or at least CG.Max")
	v.check(c.Truncation.Most == 0 || len(c.MaxSchedule) == 0, "CG.Truncation.Most", c.Truncation.Most, "does not go with CG.MaxSchedule, which sets the limit too")
	v.check(progressNames.valid(int(c.Progress.Form)),
		"CG.Progress.Form", c.Progress.Form, "is not a form of the rule")
	v.nonNegative("CG.Progress.Tolerance", c.Progress.Tolerance)
	v.check(c.Refresh >= 0, "CG.Refresh", c.Refresh, "must not be negative")
	v.check(c.ResidualTolerance >= 0 && c.ResidualTolerance < 1, "CG.ResidualTolerance", c.ResidualTolerance,
		"must be between 0 and 1")
	v.check(startNames.valid(int(c.Start)), "CG.Start", c.Start, "is not a rule for the start of CG")
	v.check(c.Start != StartHighest || c.Watch.Every > 0, "CG.Start", c.Start, "needs CG.Watch.Every, which finds that iterate")
	v.check(c.Zeta >= 0 && c.Zeta <= 1, "CG.Zeta", c.Zeta, "must be between 0 and 1")
	v.schedule("CG.ZetaSchedule", c.ZetaSchedule, 1)
	v.check(c.Watch.Every >= 0, "CG.Watch.Every", c.Watch.Every, "must not be negative")
	v.nonNegative("CG.Watch.Tolerance", c.Watch.Tolerance)
	v.check(negativeNames.valid(int(c.Negative)), "CG.Negative", c.Negative, "is not a rule for negative curvature")
}

func (v *problems) precondition(s Settings) {
	p := s.WithDefaults().Precondition
	v.check(preconditioningNames.valid(int(p.Kind)), "Precondition.Kind", p.Kind, "is not a preconditioner")
	v.shape("Precondition", Interpolation{p.Xi, p.Kappa, p.KappaOfMean})
	v.check(p.Draws >= 0, "Precondition.Draws", p.Draws, "must not be negative")
	v.check(s.Damping == DampTikhonov || p.Kind == PreconditionNone || p.Kappa > 0 || p.KappaOfMean > 0,
		"Precondition.Kappa", p.Kappa, "leaves P singular where no λ is added: make it or KappaOfMean positive")
}

// shape checks the fields that a preconditioner and DampingShape have in common.
func (v *problems) shape(field string, i Interpolation) {
	v.check(i.Xi > 0 && i.Xi <= 1, field+".Xi", i.Xi, "must be above 0 and at most 1")
	v.nonNegative(field+".Kappa", i.Kappa)
	v.check(finite(i.KappaOfMean), field+".KappaOfMean", i.KappaOfMean, "must be finite")
}

func (v *problems) scale(s []float64) {
	for i, x := range s {
		if !finite(x) || x <= 0 {
			v.check(false, fmt.Sprintf("Scale[%d]", i), x, "must be finite and above 0")
			return
		}
	}
}

// method checks what Krylov subspace descent and the matrix ask for.
func (v *problems) method(s Settings) {
	v.check(methodNames.valid(int(s.Method)), "Method", s.Method, "is not a method")
	v.check(curvatureNames.valid(int(s.Curvature)), "Curvature", s.Curvature, "is not a kind of curvature")
	v.check(s.Structural.Mu == 0 || s.Curvature == CurvatureGGN, "Structural.Mu", s.Structural.Mu,
		"is structural damping, which goes with the Gauss-Newton matrix only: set it to 0")
	v.check(!s.CG.Sampling || s.Curvature == CurvatureGGN && s.Method == MethodCG, "CG.Sampling", s.CG.Sampling, "needs Curvature ggn and Method cg")
	v.check(s.Curvature == CurvatureGGN || !s.Precondition.Kind.estimates(), "Precondition.Kind", s.Precondition.Kind,
		"estimates the diagonal of the Gauss-Newton matrix: choose fisher or none with another curvature")
	v.nonNegative("Growth.Theta", s.Growth.Theta)
	v.check(s.Growth.Factor == 0 || finite(s.Growth.Factor) && s.Growth.Factor > 1, "Growth.Factor", s.Growth.Factor, "must be above 1")
	k := s.KSD
	v.check(k.Size >= 0, "KSD.Size", k.Size, "must not be negative")
	v.check(k.Iterations >= 0, "KSD.Iterations", k.Iterations, "must not be negative")
	v.check(k.Floor >= 0 && k.Floor < 1, "KSD.Floor", k.Floor, "must be between 0 and 1")
	v.role("KSD.Role", k.Role)
	v.check(s.Method != MethodKSD || s.Damping == DampNone && s.Structural.Mu == 0, "Damping", s.Damping,
		"is damping, which Krylov subspace descent does without: choose none, and no structural damping")
}

// trust checks what a solver of the trust-region subproblem cannot do.
func (v *problems) trust(s Settings) {
	v.check(trustNames.valid(int(s.TrustSolver)), "TrustSolver", s.TrustSolver, "is not a solver of the subproblem")
	if s.TrustSolver != TrustGLTR {
		return
	}
	v.check(s.Damping == DampTrustRegion, "TrustSolver", s.TrustSolver, "needs Damping trust_region")
	v.check(s.CG.Watch.Every == 0, "CG.Watch.Every", s.CG.Watch.Every, "must be 0 with TrustSolver gltr, which has no iterates on its way")
	v.check(!s.CG.Sampling, "CG.Sampling", s.CG.Sampling, "must be false with TrustSolver gltr, which has no residual on its way")
	v.check(s.CG.Refresh == 0, "CG.Refresh", s.CG.Refresh, "must be 0 with TrustSolver gltr, which has no residual to compute anew")
}

func (v *problems) grid(g Grid) {
	v.check(finite(g.Start) && (g.Start == 0 || g.Start >= 1), "Select.Grid.Start", g.Start, "must be at least 1")
	v.check(finite(g.Ratio) && (g.Ratio == 0 || g.Ratio > 1), "Select.Grid.Ratio", g.Ratio, "must be above 1")
	v.check(g.Every >= 0, "Select.Grid.Every", g.Every, "must not be negative")
}

func (v *problems) lineSearch(l LineSearchSettings) {
	full := l.withDefaults()
	v.check(lineSearchNames.valid(int(l.Kind)), "LineSearch.Kind", l.Kind, "is not a line search")
	v.schedule("LineSearch.Rate", l.Rate, 0)
	v.check(full.Factor > 0 && full.Factor < 1, "LineSearch.Factor", full.Factor, "must be between 0 and 1")
	v.check(full.C > 0 && full.C < 1, "LineSearch.C", full.C, "must be between 0 and 1")
	v.check(full.Max >= 0, "LineSearch.Max", full.Max, "must not be negative")
	v.role("LineSearch.Role", l.Role)
}

// schedule checks the points of s. Values are ≥ 0, and at most limit where that is not 0.
func (v *problems) schedule(field string, s Schedule, limit float64) {
	for i, p := range s {
		v.check(finite(p.Value) && p.Value >= 0 && (limit == 0 || p.Value <= limit),
			fmt.Sprintf("%s[%d].Value", field, i), p.Value, "is out of range")
		v.check(i == 0 || s[i-1].Iteration < p.Iteration,
			fmt.Sprintf("%s[%d].Iteration", field, i), p.Iteration, "must be after the point before it")
	}
}
