package hf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"curvestream/accel"
)

// Why a run of rejected iterations ends; see [GiveUpError].
var (
	// ErrDiverged says that non-finite values kept coming up although the damping was raised again and again.
	ErrDiverged = errors.New("f, its gradient or its curvature keeps being non-finite")
	// ErrStalled says that all values were finite but no step lowered f: θ is as good as this precision, these minibatches
	// and these derivatives allow.
	ErrStalled = errors.New("no step lowers f any more")
)

// An Optimizer minimises an Objective by HF (algorithm 3). It is used by one goroutine.
type Optimizer[F accel.Float] struct {
	objective Objective[F]
	extended  Extended[F] // nil where no setting asks for it
	resizer   Resizer[F]  // likewise
	settings  Settings    // without zeros that mean a default
	theta     accel.Vector[F]

	// the state between iterations
	progress Progress
	delta    accel.Vector[F] // where the next CG run starts, before ζ

	// scratch of an iteration
	b, d, x        accel.Vector[F] // −∇f, the diagonal of P, the iterate of CG
	scale, penalty accel.Vector[F] // s, and D of DampDiagonal; nil where there is none
	held           accel.Vector[F] // ∇f on another minibatch; nil where none is asked for
	work           Work[F]
	lanczos        Lanczos[F]
	subspace       subspace[F]
	path           path[F]
	losses         losses[F]
}

// New returns an optimizer that moves θ in place, from where it is. θ must not be changed by others from then on.
func New[F accel.Float](objective Objective[F], theta accel.Vector[F], s Settings) (*Optimizer[F], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if theta.Len() == 0 {
		return nil, errors.New("hf: θ is empty: there is nothing to optimise")
	}
	if s.Scale != nil && len(s.Scale) != theta.Len() {
		return nil, fmt.Errorf("hf: setting Scale has %d elements and θ %d: it needs one for each parameter", len(s.Scale), theta.Len())
	}
	s = s.WithDefaults()
	more, err := extended(objective, s)
	if err != nil {
		return nil, err
	}
	grows, err := resizer(objective, s)
	if err != nil {
		return nil, err
	}
	o := &Optimizer[F]{
		objective: objective,
		resizer:   grows,
		extended:  more,
		settings:  s,
		theta:     theta,
		progress:  Progress{Lambda: s.Lambda, Mu: s.Structural.Mu, Radius: s.Radius},
		delta:     theta.New(),
		b:         theta.New(),
		x:         theta.New(),
	}
	o.allocate()
	o.losses = losses[F]{objective: objective, theta: theta, trial: theta.New()}
	o.path = path[F]{
		keep: s.Select.Rule != SelectLast, grid: s.Select.Grid, watch: s.CG.Watch, trace: s.Trace, losses: &o.losses,
		needHighest: s.CG.Start == StartHighest,
	}
	return o, nil
}

// allocate makes the vectors that only some settings ask for.
func (o *Optimizer[F]) allocate() {
	s := o.settings
	if s.Precondition.Kind != PreconditionNone || s.Damping == DampDiagonal || o.resizer != nil {
		o.d = o.theta.New()
	}
	if s.Damping == DampDiagonal {
		o.penalty = o.theta.New()
	}
	if o.extended != nil && (s.Method == MethodKSD || s.Select.Model) {
		o.held = o.theta.New()
	}
	if s.Scale != nil {
		scale := make([]F, len(s.Scale))
		for i, x := range s.Scale {
			scale[i] = F(x)
		}
		o.scale = o.theta.New()
		o.scale.Write(scale)
	}
}

// Step makes one HF iteration: algorithm 3, with the choice of the iterate of section 8.7 and a line search. θ moves only if
// the step is good; Report.Outcome says what became of it.
//
// An error of the objective, or the end of ctx, leaves everything as it was before the iteration, which may then be tried
// again. After too many rejected iterations in a row Step returns, besides the report, a [GiveUpError].
func (o *Optimizer[F]) Step(ctx context.Context) (Report, error) {
	r := o.begin()
	start := time.Now()
	delta, err := o.iterate(ctx, &r)
	if err != nil {
		return Report{}, fmt.Errorf("hf: iteration %d: %w", r.Iteration, err)
	}
	o.commit(delta, &r)
	since(start, &r.Seconds.Total)
	return r, o.givenUp(r)
}

// begin returns the report of the next iteration, with the strengths it will use.
func (o *Optimizer[F]) begin() Report {
	o.losses.begin()
	o.path.begin()
	s, p := o.settings, o.progress
	r := Report{Iteration: p.Iteration + 1, Lambda: p.Lambda, Mu: p.Mu}
	if s.Damping.penalizes() {
		r.Lambda = math.Max(p.Lambda, s.LambdaFloor.At(r.Iteration, 0))
	}
	if s.Structural.Rule == MuTied {
		r.Mu *= r.Lambda
	}
	if s.Damping == DampTrustRegion {
		r.Radius = p.Radius
	}
	if s.CG.Start != StartZero && s.Damping != DampTrustRegion && s.Method == MethodCG {
		r.Zeta = s.CG.ZetaSchedule.At(r.Iteration, s.CG.Zeta)
	}
	return r
}

// iterate is algorithm 3 from minibatch to step size. It returns δ and leaves θ and the state alone.
func (o *Optimizer[F]) iterate(ctx context.Context, r *Report) (delta accel.Vector[F], err error) {
	defer func() {
		r.Losses, r.Seconds.Loss = o.losses.count, o.losses.seconds
		r.Trace = o.path.points
	}()
	if o.resizer != nil {
		o.resizer.Resize(o.progress.Cases)
	}
	if err := o.objective.Advance(ctx, r.Iteration); err != nil {
		return nil, fmt.Errorf("choosing the minibatches: %w", err)
	}
	// b ← −∇f(θ) on the gradient minibatch
	if err := o.differentiate(ctx, r); err != nil || r.Outcome != undecided {
		return nil, err
	}
	// δ ← PCG(b, B + μD + λI, ζδ, P), with B on the curvature minibatch; ρ by how well M(δ) foretells f(θ+δ)
	delta, err = o.direction(ctx, r)
	if err != nil || r.Outcome != undecided {
		return nil, err
	}
	// α ← step size
	return delta, o.search(ctx, delta, r)
}

// differentiate sets b = −∇f(θ), and d to the diagonal of the empirical Fisher matrix if P is made from it.
func (o *Optimizer[F]) differentiate(ctx context.Context, r *Report) error {
	defer since(time.Now(), &r.Seconds.Gradient)
	fisher := o.d
	if o.settings.Precondition.Kind.estimates() && o.resizer == nil {
		fisher = nil
	}
	r.Gradients = 1
	f, err := o.objective.Gradient(ctx, o.theta, o.b, fisher)
	if err != nil {
		return fmt.Errorf("the gradient: %w", err)
	}
	o.losses.here[Gradient] = known{f, true}
	r.F0, r.F = f, f
	o.b.Scale(-1)
	r.GradNorm = math.Sqrt(o.b.Dot(o.b))
	switch {
	case !finite(f) || !finite(r.GradNorm) || fisher != nil && !finite(fisher.Dot(fisher)):
		r.Outcome = NonFinite
	case r.GradNorm == 0:
		r.Outcome = Stationary
	}
	o.grow(r)
	return nil
}

// search sets α by the line search, and the outcome.
func (o *Optimizer[F]) search(ctx context.Context, delta accel.Vector[F], r *Report) error {
	line := o.settings.LineSearch
	f0, err := o.losses.atTheta(ctx, line.Role)
	if err != nil {
		return err
	}
	if !finite(f0) {
		r.Outcome = NonFinite
		return nil
	}
	anyFinite := false
	slope := -o.b.Dot(delta)
	alpha, f, err := line.search(r.Iteration, f0, slope, func(alpha float64) (f float64, err error) {
		r.LSEvals++
		if alpha == 1 {
			f, err = o.losses.atStep(ctx, line.Role, delta)
		} else {
			f, err = o.losses.along(ctx, line.Role, alpha, delta)
		}
		anyFinite = anyFinite || finite(f)
		return f, err
	})
	if err != nil {
		return fmt.Errorf("the line search: %w", err)
	}
	r.F0, r.F, r.Alpha = f0, f, alpha
	r.StepNorm = alpha * math.Sqrt(delta.Dot(delta))
	switch {
	case alpha > 0 && f < f0:
		r.Outcome = Accepted
	case alpha > 0:
		r.Outcome = Climbed
	case !anyFinite:
		r.Outcome = NonFinite
	case slope >= 0:
		r.Outcome = Ascending
	default:
		r.Outcome = NoDecrease
	}
	return nil
}

// givenUp returns the error that ends a run of rejected iterations.
func (o *Optimizer[F]) givenUp(r Report) error {
	p := o.progress
	if p.Rejections < o.settings.MaxRejections {
		return nil
	}
	err := &GiveUpError{Err: ErrStalled, Iteration: r.Iteration, Rejections: p.Rejections, Last: r.Outcome, Lambda: p.Lambda}
	if p.NonFinite > 0 {
		err.Err = ErrDiverged
	}
	return err
}
