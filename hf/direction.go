package hf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"curvestream/accel"
)

// direction returns δ, the chosen iterate of a CG run on the damped model at θ, and judges the model by it. It leaves the
// last iterate of the run in o.x.
func (o *Optimizer[F]) direction(ctx context.Context, r *Report) (delta accel.Vector[F], err error) {
	start := time.Now()
	lin, err := o.objective.Linearize(ctx, o.theta)
	if err != nil {
		return nil, fmt.Errorf("the linearization: %w", err)
	}
	defer func() { err = errors.Join(err, lin.Close()) }()
	A := &damped[F]{lin: lin, mu: r.Mu, damper: Tikhonov[F]{Lambda: r.Lambda}}
	defer func() { r.Products = A.products }()

	err = o.solve(ctx, A, r)
	r.Seconds.CG += time.Since(start).Seconds() - o.losses.seconds
	if err != nil || r.Outcome != undecided {
		return nil, err
	}
	chosen, err := o.chooseIterate(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("choosing the CG iterate: %w", err)
	}
	if err := o.judge(ctx, A, chosen, r); err != nil {
		return nil, fmt.Errorf("the reduction ratio: %w", err)
	}
	return chosen.x, nil
}

// solve runs CG on A x = b from ζδ and keeps iterates in o.path.
func (o *Optimizer[F]) solve(ctx context.Context, A *damped[F], r *Report) error {
	s := o.settings
	cg := CG[F]{
		Max: s.CG.Max, Stop: s.CG.Progress, Observe: &o.path, Refresh: s.CG.Refresh,
		ResidualTolerance: s.CG.ResidualTolerance, Radius: r.Radius, Work: &o.work,
	}
	if s.CG.NoProgressStop {
		cg.Stop = nil
	}
	if s.Precondition.Kind == PreconditionFisher {
		A.damper.AddDiagonal(o.d)
		soften(o.d, o.x, s.Precondition.Kappa, s.Precondition.KappaOfMean, s.Precondition.Xi)
		cg.Precondition = Diagonal[F]{D: o.d}
	}
	if r.Zeta > 0 {
		o.x.Copy(o.delta)
		o.x.Scale(r.Zeta)
	} else {
		o.x.Zero()
	}
	res, err := cg.Minimize(ctx, A, o.b, o.x)
	if err != nil {
		return fmt.Errorf("CG: %w", err)
	}
	r.CGSteps, r.CGStop, r.CGInitM = res.Iterations, res.Stop, res.Start
	switch {
	case res.Stop == StopNonFinite:
		r.Outcome = NonFinite
	case res.Stop == StopNegativeCurvature && res.Iterations == 0:
		r.Outcome = NoDirection
	}
	o.path.end(res, o.x)
	return nil
}

// chooseIterate applies CG-backtracking (section 8.7).
func (o *Optimizer[F]) chooseIterate(ctx context.Context, r *Report) (candidate[F], error) {
	s, kept := o.settings.Select, o.path.kept
	f0, err := o.losses.atTheta(ctx, s.Role)
	if err != nil {
		return candidate[F]{}, err
	}
	j, lowest, err := s.Rule.choose(len(kept), func(j int) (float64, error) {
		f, err := o.losses.along(ctx, s.Role, 1, kept[j].x)
		o.path.record(kept[j].i, f-f0)
		return f, err
	})
	if err != nil {
		return candidate[F]{}, err
	}
	o.losses.full[s.Role] = known{lowest, true}
	r.CGUsed, r.SelectF0, r.SelectF = kept[j].i, f0, lowest
	return kept[j], nil
}

// judge sets M(δ) and the reduction ratio (section 8.5). M is measured from M(0) also where CG started elsewhere.
func (o *Optimizer[F]) judge(ctx context.Context, A *damped[F], chosen candidate[F], r *Report) error {
	delta := chosen.x
	r.ModelDecrease = chosen.q
	switch {
	case o.settings.Rho.Damped:
	case r.Mu == 0:
		r.ModelDecrease -= A.damper.Penalty(delta)
	default: // M(δ) = ½ δᵀBδ − bᵀδ
		Bd := o.work.ap
		A.products++
		if err := A.lin.Product(ctx, Bd, delta, 0); err != nil {
			return err
		}
		r.ModelDecrease = delta.Dot(Bd)/2 - o.b.Dot(delta)
	}
	role := o.settings.Rho.Role
	before, err := o.losses.atTheta(ctx, role)
	if err != nil {
		return err
	}
	after, err := o.losses.atStep(ctx, role, delta)
	if err != nil {
		return err
	}
	r.Rho, r.Verdict = reduction(after-before, r.ModelDecrease)
	return nil
}
