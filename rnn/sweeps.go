package rnn

import (
	"context"
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// measuredSteps is the least number of time-steps of which sweeps are measured, where the chunk has as many: a launch should not count
// against few of them.
const measuredSteps = 64

// Sweeps are the seconds that a linearization and a product with the Gauss-Newton matrix took, with recurrent layers swept as one
// operation and with an operation for each of a time-step.
type Sweeps struct {
	Whole float64 `json:"whole_seconds"`
	Steps float64 `json:"steps_seconds"`
}

// MeasureSweeps measures both ways of sweeping, where the backend has streams that can ([accel.Sweeper]), on the first time-steps of a
// chunk with the lengths and form of b, at any θ. What it returns differs from call to call; both ways leave the same bits.
func (n *Net[F]) MeasureSweeps(ctx context.Context, theta accel.Vector[F], b *nn.Batch[F]) (s Sweeps, err error) {
	piece, free, g := n.piece(b, measuredSteps), n.unbounded(), theta.New()
	for _, way := range []struct {
		stepwise bool
		seconds  *float64
	}{{false, &s.Whole}, {true, &s.Steps}} {
		free.stepwise = way.stepwise
		*way.seconds, err = fastest(func() error {
			l, err := free.Linearize(ctx, theta, piece)
			if err != nil {
				return err
			}
			defer l.Close()
			return l.AddGv(ctx, g, theta, 0)
		})
		if err != nil {
			return s, fmt.Errorf("rnn: measuring sweeps: %w", err)
		}
	}
	return s, nil
}

// UseSteps has layers swept time-step by time-step from now on, or, with false, as one operation where the backend can. It is called
// before the net is used by more than one goroutine.
func (n *Net[F]) UseSteps(stepwise bool) { n.stepwise = stepwise }
