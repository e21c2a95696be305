package rnn

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"curvestream/accel"
	"curvestream/nn"
)

// measuredSteps is the least number of time-steps of which sweeps are measured, where the chunk has as many: a launch should not count
// against few of them.
const measuredSteps = 64

// Sweeps are the seconds that a linearization and a product with the Gauss-Newton matrix took, with recurrent layers swept as one
// operation and with an operation for each of a time-step. Whole is 0 where the backend can sweep no layer as one.
type Sweeps struct {
	Whole float64 `json:"whole_seconds"`
	Steps float64 `json:"steps_seconds"`
}

// MeasureSweeps measures both ways of sweeping, where the backend has streams that can ([accel.Sweeper]), on the first time-steps of a
// chunk with the lengths and form of b, at any θ. What it returns differs from call to call; both ways leave the same bits. Where no layer
// is swept as one, there is one way, which is measured once.
func (n *Net[F]) MeasureSweeps(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (s Sweeps, err error) {
	piece, free, g := n.piece(b, measuredSteps), n.unbounded(), theta.New()
	free.swept = new(atomic.Bool)
	seconds := func(stepwise bool) float64 {
		if err != nil {
			return 0
		}
		free.stepwise = stepwise
		var least float64
		if least, err = fastest(func() error { return free.linearizedOnce(ctx, theta, piece, g) }); err != nil {
			err = fmt.Errorf("rnn: measuring sweeps: %w", err)
		}
		return least
	}
	first := seconds(false)
	if !free.swept.Load() {
		return Sweeps{Steps: first}, err
	}
	s = Sweeps{Whole: first, Steps: seconds(true)}
	return s, err
}

// linearizedOnce makes what is measured: a linearization and a product.
func (n *Net[F]) linearizedOnce(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F], g accel.Vector[F]) (err error) {
	l, err := n.Linearize(ctx, theta, b)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return l.AddGv(ctx, g, theta, 0)
}

// UseSteps has layers swept time-step by time-step from now on, or, with false, as one operation where the backend can. It is called
// before the net is used by more than one goroutine.
func (n *Net[F]) UseSteps(stepwise bool) { n.stepwise = stepwise }
