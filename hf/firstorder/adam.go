package firstorder

import (
	"context"
	"fmt"
	"math"

	"curvestream/accel"
	"curvestream/hf"
)

// adam is m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − α m̂ / (√v̂ + ε), with m̂ and v̂ corrected for their start at 0.
type adam[F accel.Float] struct{ m, v accel.Vector[F] }

func (a *adam[F]) step(ctx context.Context, o *Optimizer[F], r *hf.Report) error {
	ok, err := o.gradient(ctx, o.theta, r)
	if err != nil || !ok {
		return err
	}
	o.clip(r)
	s := o.settings
	a.m.Scale(s.Beta1)
	a.m.Add(1-s.Beta1, o.g)
	o.g.Mul(o.g)
	a.v.Scale(s.Beta2)
	a.v.Add(1-s.Beta2, o.g)

	k := float64(r.Iteration)
	root, step := o.trial, o.g
	root.Copy(a.v)
	root.Scale(1 / (1 - math.Pow(s.Beta2, k)))
	root.Pow(0.5)
	root.Shift(s.Epsilon)
	step.Copy(a.m)
	step.Div(root)
	rate := s.Rate.At(r.Iteration, 0)
	if o.move(-rate/(1-math.Pow(s.Beta1, k)), step, r) {
		r.Alpha = rate
	}
	return nil
}

func (a *adam[F]) reset() {
	a.m.Zero()
	a.v.Zero()
}

func (a *adam[F]) memory() []accel.Vector[F] { return []accel.Vector[F]{a.m, a.v} }

func (a *adam[F]) restore(memory []accel.Vector[F]) error {
	if len(memory) != 2 {
		return fmt.Errorf("it has %d vectors besides θ, and adam 2", len(memory))
	}
	a.m, a.v = memory[0], memory[1]
	return nil
}
