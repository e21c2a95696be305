package firstorder

import (
	"context"
	"fmt"
	"math"

	"curvestream/accel"
	"curvestream/hf"
)

// sgd is v ← μv − ε∇f(θ + μv), θ ← θ + v.
type sgd[F accel.Float] struct{ v accel.Vector[F] }

func (m *sgd[F]) step(ctx context.Context, o *Optimizer[F], r *hf.Report) error {
	mu := o.settings.momentum(r.Iteration)
	o.trial.Copy(o.theta)
	o.trial.Add(mu, m.v)
	ok, err := o.gradient(ctx, o.trial, r)
	if err != nil || !ok {
		return err
	}
	o.clip(r)
	rate := o.settings.Rate.At(r.Iteration, 0)
	m.v.Scale(mu)
	m.v.Add(-rate, o.g)
	if o.move(1, m.v, r) {
		r.Alpha = rate
	}
	return nil
}

// momentum returns μ of iteration k, counted from 1.
func (s Settings) momentum(k int) float64 {
	t := float64((k - 1) / 250)
	schedule := math.Max(0, math.Min(1-math.Exp2(-1-math.Log2(t+1)), s.MuMax))
	return s.Momentum.At(k, schedule)
}

func (m *sgd[F]) reset() { m.v.Zero() }

func (m *sgd[F]) memory() []accel.Vector[F] { return []accel.Vector[F]{m.v} }

func (m *sgd[F]) restore(memory []accel.Vector[F]) error {
	if len(memory) != 1 {
		return fmt.Errorf("it has %d vectors besides θ, and sgd 1", len(memory))
	}
	m.v = memory[0]
	return nil
}
