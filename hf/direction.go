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
	lin, err := o.linearize(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lin.Close()) }()
	A := &damped[F]{lin: lin, mu: r.Mu}
	defer func() { r.Products += A.products }()

	if err := o.prepare(ctx, A, r); err != nil || r.Outcome != undecided {
		return nil, err
	}
	if o.settings.Method == MethodKSD {
		return o.descendSubspace(ctx, A, r)
	}
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

// prepare gives the damped matrix its damper, and leaves diag(B) in o.d where anything is made from it.
func (o *Optimizer[F]) prepare(ctx context.Context, A *damped[F], r *Report) error {
	ok, err := o.diagonal(ctx, A.lin, r)
	if err != nil {
		return err
	}
	if !ok {
		r.Outcome = NonFinite
		return nil
	}
	A.damper = o.damper(r.Lambda)
	return nil
}

// solve runs CG, or Lanczos, on A x = b from ζδ and keeps iterates in o.path.
func (o *Optimizer[F]) solve(ctx context.Context, A *damped[F], r *Report) error {
	s := o.settings
	P := o.precondition(A)
	if r.Zeta > 0 {
		o.x.Copy(o.delta)
		o.x.Scale(r.Zeta)
	} else {
		o.x.Zero()
	}
	var stop Stopper = s.CG.Progress
	if s.CG.NoProgressStop || s.CG.Sampling {
		stop = nil
	}
	sampling, err := o.sampling(A.lin)
	if err != nil {
		return err
	}
	limit := o.cgLimit(r.Iteration)
	var solver interface {
		Minimize(ctx context.Context, A Operator[F], b, x accel.Vector[F]) (Result, error)
	} = CG[F]{
		Max: limit, Precondition: P, Stop: stop, Sampling: sampling, Observe: &o.path, Refresh: s.CG.Refresh,
		ResidualTolerance: s.CG.ResidualTolerance, Radius: r.Radius, Work: &o.work,
	}
	if s.Damping == DampTrustRegion && s.TrustSolver == TrustGLTR {
		solver = GLTR[F]{Max: limit, Precondition: P, Stop: stop, ResidualTolerance: s.CG.ResidualTolerance, Radius: r.Radius, Work: &o.lanczos}
	}
	res, err := solver.Minimize(ctx, A, o.b, o.x)
	if err != nil {
		return fmt.Errorf("CG: %w", err)
	}
	r.CGSteps, r.CGStop, r.CGInitM = res.Iterations, res.Stop, res.Start
	switch {
	case res.Stop == StopNonFinite:
		r.Outcome = NonFinite
	case r.metNothingElse() && s.CG.Negative == NegativeReject:
		r.Outcome = NoDirection
	case r.metNothingElse():
		if res.Q, err = o.steepest(ctx, A, P); err != nil {
			return err
		}
		if !finite(res.Q) {
			r.Outcome = NonFinite
		}
	}
	o.path.end(res, o.x)
	return nil
}

// chooseIterate applies CG-backtracking (section 8.7).
func (o *Optimizer[F]) chooseIterate(ctx context.Context, r *Report) (c candidate[F], err error) {
	s, kept := o.settings.Select, o.path.kept
	var f0 float64
	value := func(j int) (float64, error) { return o.losses.along(ctx, s.Role, 1, kept[j].x) }
	if s.Model {
		model, err := o.modelOn(ctx, s.Role)
		if err != nil {
			return c, err
		}
		defer func() {
			r.Products += model.products
			err = errors.Join(err, model.lin.Close())
		}()
		value = func(j int) (float64, error) { return model.value(ctx, kept[j].x) }
	} else if f0, err = o.losses.atTheta(ctx, s.Role); err != nil {
		return c, err
	}
	j, lowest, err := s.Rule.choose(len(kept), func(j int) (float64, error) {
		f, err := value(j)
		o.path.record(kept[j].i, f-f0)
		return f, err
	})
	if err != nil {
		return c, err
	}
	if !s.Model {
		o.losses.full[s.Role] = known{lowest, true}
	}
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
		r.ModelDecrease -= A.damper.Penalty(delta, chosen.q+o.b.Dot(delta))
	default: // M(δ) = ½ δᵀBδ − bᵀδ
		Bd := o.losses.trial
		A.products++
		if err := A.lin.Product(ctx, Bd, delta, 0); err != nil {
			return err
		}
		r.ModelDecrease = delta.Dot(Bd)/2 - o.b.Dot(delta)
	}
	return o.compare(ctx, delta, r)
}

// compare sets ρ from r.ModelDecrease and what f does at θ+δ.
func (o *Optimizer[F]) compare(ctx context.Context, delta accel.Vector[F], r *Report) error {
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
