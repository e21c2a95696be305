package firstorder

import (
	"context"
	"fmt"
	"math"
	"time"

	"curvestream/accel"
	"curvestream/hf"
)

// lbfgs is θ ← θ − αH∇f, H being built from the last pairs s = change of θ, y = change of ∇f. Both gradients of a pair are
// taken on one minibatch, since the difference of two minibatches would be taken for curvature: an iteration costs two.
type lbfgs[F accel.Float] struct {
	most    int
	pairs   []pair[F] // the oldest first
	d, next accel.Vector[F]
}

type pair[F accel.Float] struct {
	s, y accel.Vector[F]
	sy   float64 // sᵀy > 0
}

const (
	decrease   = 1e-4 // of the sufficient-decrease condition
	shrink     = 0.5
	reductions = 30
)

func (l *lbfgs[F]) step(ctx context.Context, o *Optimizer[F], r *hf.Report) error {
	ok, err := o.gradient(ctx, o.theta, r)
	if err != nil || !ok {
		return err
	}
	slope := l.direction(o.g)
	if err := l.search(ctx, o, slope, r); err != nil || r.Outcome.Rejected() {
		return err
	}
	// y = ∇f(θ + αd) − ∇f(θ), on the same minibatch
	start := time.Now()
	if _, err := o.objective.Gradient(ctx, o.trial, l.next, nil); err != nil {
		return fmt.Errorf("the gradient after the step: %w", err)
	}
	r.Gradients++
	r.Seconds.Gradient += time.Since(start).Seconds()
	l.next.Add(-1, o.g)
	if !o.move(r.Alpha, l.d, r) {
		return nil
	}
	l.d.Scale(r.Alpha)
	l.remember()
	return nil
}

// direction sets d = −Hg by the two-loop recursion and returns gᵀd. Where that is not negative, the pairs are forgotten. Without
// pairs d is −g, of length 1 at most.
func (l *lbfgs[F]) direction(g accel.Vector[F]) float64 {
	l.d.Copy(g)
	a := make([]float64, len(l.pairs))
	for i := len(l.pairs) - 1; i >= 0; i-- {
		p := l.pairs[i]
		a[i] = p.s.Dot(l.d) / p.sy
		l.d.Add(-a[i], p.y)
	}
	if n := len(l.pairs); n > 0 {
		last := l.pairs[n-1]
		l.d.Scale(last.sy / last.y.Dot(last.y))
	} else {
		l.d.Scale(1 / math.Max(1, math.Sqrt(g.Dot(g))))
	}
	for i, p := range l.pairs {
		l.d.Add(a[i]-p.y.Dot(l.d)/p.sy, p.s)
	}
	l.d.Scale(-1)
	slope := g.Dot(l.d)
	if len(l.pairs) > 0 && !(slope < 0) {
		l.reset()
		return l.direction(g)
	}
	return slope
}

// search sets α, f and the outcome by backtracking, and leaves θ + αd in o.trial.
func (l *lbfgs[F]) search(ctx context.Context, o *Optimizer[F], slope float64, r *hf.Report) error {
	start := time.Now()
	defer func() { r.Seconds.Loss += time.Since(start).Seconds() }()
	r.Outcome = hf.NonFinite
	alpha := o.settings.Rate.At(r.Iteration, 0)
	for range reductions {
		o.trial.Copy(o.theta)
		o.trial.Add(alpha, l.d)
		f, err := o.objective.Loss(ctx, hf.Gradient, o.trial)
		if err != nil {
			return fmt.Errorf("the line search: %w", err)
		}
		r.Losses++
		r.LSEvals++
		if finite(f) {
			r.Outcome = hf.NoDecrease
		}
		if f <= r.F0+decrease*alpha*slope && f < r.F0 {
			r.F, r.Alpha, r.Outcome = f, alpha, hf.Accepted
			return nil
		}
		alpha *= shrink
	}
	return nil
}

// remember adds the pair of d, the step, and next, the change of ∇f, unless there is no positive curvature along it.
func (l *lbfgs[F]) remember() {
	sy := l.d.Dot(l.next)
	if !finite(sy) || sy <= 1e-10*math.Sqrt(l.d.Dot(l.d)*l.next.Dot(l.next)) {
		return
	}
	var p pair[F]
	if len(l.pairs) == l.most {
		p = l.pairs[0]
		copy(l.pairs, l.pairs[1:])
		l.pairs = l.pairs[:l.most-1]
	} else {
		p = pair[F]{s: l.d.New(), y: l.d.New()}
	}
	p.s.Copy(l.d)
	p.y.Copy(l.next)
	p.sy = sy
	l.pairs = append(l.pairs, p)
}

func (l *lbfgs[F]) reset() { l.pairs = l.pairs[:0] }

func (l *lbfgs[F]) memory() []accel.Vector[F] {
	var all []accel.Vector[F]
	for _, p := range l.pairs {
		all = append(all, p.s, p.y)
	}
	return all
}

func (l *lbfgs[F]) restore(memory []accel.Vector[F]) error {
	if len(memory)%2 != 0 || len(memory) > 2*l.most {
		return fmt.Errorf("it has %d vectors besides θ, and lbfgs two for each of at most %d pairs", len(memory), l.most)
	}
	l.pairs = nil
	for i := 0; i < len(memory); i += 2 {
		l.pairs = append(l.pairs, pair[F]{memory[i], memory[i+1], memory[i].Dot(memory[i+1])})
	}
	return nil
}
