// Package firstorder holds what Hessian-free optimization is compared with: SGD with Nesterov momentum, Adam and L-BFGS. They
// minimise the same [hf.Objective], on the gradient minibatches of the same plan, and report the same [hf.Report], so that one
// training loop, one clock and one set of metrics serves all.
package firstorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"curvestream/accel"
	"curvestream/hf"
)

// An Optimizer minimises an Objective by a first-order method. It is used by one goroutine.
type Optimizer[F accel.Float] struct {
	objective hf.Objective[F]
	settings  Settings // without zeros that mean a default
	theta     accel.Vector[F]
	progress  hf.Progress
	method    method[F]

	g, trial accel.Vector[F] // ∇f, and scratch
}

// A method moves θ.
type method[F accel.Float] interface {
	// step makes the iteration of r and fills it in. On an error nothing has changed.
	step(ctx context.Context, o *Optimizer[F], r *hf.Report) error
	// reset forgets what earlier iterations have left, after a rejected one.
	reset()
	// memory returns what a later iteration depends on, besides θ.
	memory() []accel.Vector[F]
	// restore puts that back. It takes the vectors over and reports an error where their number is not right.
	restore(memory []accel.Vector[F]) error
}

// New returns an optimizer that moves θ in place, from where it is. θ must not be changed by others from then on.
func New[F accel.Float](objective hf.Objective[F], theta accel.Vector[F], s Settings) (*Optimizer[F], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if theta.Len() == 0 {
		return nil, errors.New("firstorder: θ is empty: there is nothing to optimise")
	}
	s = s.WithDefaults()
	o := &Optimizer[F]{objective: objective, settings: s, theta: theta, g: theta.New(), trial: theta.New()}
	switch s.Method {
	case Adam:
		o.method = &adam[F]{m: theta.New(), v: theta.New()}
	case LBFGS:
		o.method = &lbfgs[F]{d: theta.New(), next: theta.New(), most: s.Pairs}
	default:
		o.method = &sgd[F]{v: theta.New()}
	}
	return o, nil
}

// Step makes one update of θ on the gradient minibatch of one iteration. The report's F0 is f where its gradient was taken;
// SGD and Adam do not evaluate f after the update, and F is the same.
//
// An error of the objective, or the end of ctx, leaves everything as it was before the iteration, which may then be tried
// again. A non-finite f or ∇f rejects the iteration. After too many rejected ones in a row Step returns, besides the report,
// an [hf.GiveUpError].
func (o *Optimizer[F]) Step(ctx context.Context) (hf.Report, error) {
	start := time.Now()
	r := hf.Report{Iteration: o.progress.Iteration + 1}
	err := o.objective.Advance(ctx, r.Iteration)
	if err == nil {
		err = o.method.step(ctx, o, &r)
	}
	if err != nil {
		return hf.Report{}, fmt.Errorf("firstorder: iteration %d: %w", r.Iteration, err)
	}
	p := &o.progress
	p.Iteration = r.Iteration
	p.Losses += int64(r.Losses)
	p.Gradients += int64(r.Gradients)
	if r.Outcome.Rejected() {
		p.Rejections++
		if r.Outcome == hf.NonFinite {
			p.NonFinite++
		}
		o.method.reset()
	} else {
		p.Rejections, p.NonFinite = 0, 0
	}
	r.Rejections = p.Rejections
	r.Seconds.Total = time.Since(start).Seconds()
	if p.Rejections >= o.settings.MaxRejections {
		give := &hf.GiveUpError{Err: hf.ErrStalled, Iteration: r.Iteration, Rejections: p.Rejections, Last: r.Outcome}
		if p.NonFinite > 0 {
			give.Err = hf.ErrDiverged
		}
		return r, give
	}
	return r, nil
}

// gradient sets g = ∇f at a point and r by it. It reports whether there is something to go on with.
func (o *Optimizer[F]) gradient(ctx context.Context, at accel.Vector[F], r *hf.Report) (bool, error) {
	start := time.Now()
	f, err := o.objective.Gradient(ctx, at, o.g, nil)
	if err != nil {
		return false, fmt.Errorf("the gradient: %w", err)
	}
	r.Gradients++
	r.Seconds.Gradient += time.Since(start).Seconds()
	r.F0, r.F = f, f
	r.GradNorm = math.Sqrt(o.g.Dot(o.g))
	switch {
	case !finite(f) || !finite(r.GradNorm):
		r.Outcome = hf.NonFinite
		return false, nil
	case r.GradNorm == 0:
		r.Outcome = hf.Stationary
		return false, nil
	}
	return true, nil
}

// clip shortens g to at most Settings.Clip.
func (o *Optimizer[F]) clip(r *hf.Report) {
	if limit := o.settings.Clip; limit > 0 && r.GradNorm > limit {
		o.g.Scale(limit / r.GradNorm)
	}
}

// move adds α times a step to θ, unless it is not finite. It reports whether θ has moved.
func (o *Optimizer[F]) move(alpha float64, step accel.Vector[F], r *hf.Report) bool {
	length := math.Abs(alpha) * math.Sqrt(step.Dot(step))
	if !finite(length) {
		r.Outcome = hf.NonFinite
		return false
	}
	o.theta.Add(alpha, step)
	r.StepNorm, r.Outcome = length, hf.Accepted
	return true
}

// Progress returns the scalar part of the state.
func (o *Optimizer[F]) Progress() hf.Progress { return o.progress }

// State returns a copy of the state, in host memory. Memory holds the velocity of SGD, the two means of Adam, or the pairs s, y
// of L-BFGS, the oldest first.
func (o *Optimizer[F]) State() hf.State[F] {
	s := hf.State[F]{Progress: o.progress, Theta: host(o.theta)}
	for _, v := range o.method.memory() {
		s.Memory = append(s.Memory, host(v))
	}
	return s
}

// SetState puts the optimizer, and the vector θ that it was made with, into state s. It copies s.
func (o *Optimizer[F]) SetState(s hf.State[F]) error {
	memory := make([]accel.Vector[F], len(s.Memory))
	for i, x := range append([][]F{s.Theta}, s.Memory...) {
		if len(x) != o.theta.Len() {
			return fmt.Errorf("firstorder: restoring a state: a vector has %d elements and the net %d parameters", len(x), o.theta.Len())
		}
		for j, e := range x {
			if !finite(float64(e)) {
				return fmt.Errorf("firstorder: restoring a state: element %d of vector %d is %v", j, i, e)
			}
		}
		if i > 0 {
			memory[i-1] = o.theta.New()
			memory[i-1].Write(x)
		}
	}
	if len(s.Delta) > 0 || s.Iteration < 0 {
		return fmt.Errorf("firstorder: restoring a state: it is not that of %s", o.settings.Method)
	}
	if err := o.method.restore(memory); err != nil {
		return fmt.Errorf("firstorder: restoring a state: %w", err)
	}
	o.progress = s.Progress
	o.theta.Write(s.Theta)
	return nil
}

func host[F accel.Float](v accel.Vector[F]) []F {
	x := make([]F, v.Len())
	v.Read(x)
	return x
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
