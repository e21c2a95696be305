package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"curvestream/accel"
	"curvestream/hf"
)

// OpenOn builds a problem on a backend, such as a GPU, and does what products share. Its memory is not looked at before: what does not
// fit is the backend's error.
func OpenOn[F accel.Float](ctx context.Context, p Problem, backend accel.Backend[F]) (*Instance, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return openOn(ctx, p, backend, nil)
}

// An IterationTime is what an HF iteration (algorithm 3) took, by the clock.
type IterationTime struct {
	Seconds  float64
	Outside  float64 // of Seconds, those outside of ∇f, f, linearizations and products
	Products int     // with the Gauss-Newton matrix
}

// TimeIterationOn measures HF iterations with cg iterations of CG on a backend, each from the same state, some times, and returns the
// one that took the median time.
func TimeIterationOn[F accel.Float](ctx context.Context, p Problem, backend accel.Backend[F], cg, times int) (IterationTime, error) {
	i, err := newIteration(ctx, p, backend, cg)
	if err != nil {
		return IterationTime{}, err
	}
	all := make([]IterationTime, times)
	for k := range all {
		began, inside := time.Now(), i.clock()
		r, err := i.step(ctx)
		if err != nil {
			return IterationTime{}, fmt.Errorf("bench: an HF iteration: %w", err)
		}
		if r.Products == 0 {
			return IterationTime{}, errors.New("bench: an HF iteration made no products: it is none to measure")
		}
		seconds := time.Since(began).Seconds()
		all[k] = IterationTime{Seconds: seconds, Outside: seconds - (i.clock() - inside), Products: r.Products}
	}
	slices.SortFunc(all, func(a, b IterationTime) int { return cmp.Compare(a.Seconds, b.Seconds) })
	return all[len(all)/2], nil
}

// TrainOn makes some HF iterations on a backend, from the problem's θ, and returns f after each.
func TrainOn[F accel.Float](ctx context.Context, p Problem, backend accel.Backend[F], cg, steps int) ([]float64, error) {
	_, optimizer, err := newOptimizer(p, backend, cg)
	if err != nil {
		return nil, err
	}
	var f []float64
	for range steps {
		r, err := optimizer.Step(ctx)
		if err != nil {
			return f, fmt.Errorf("bench: iteration %d: %w", len(f)+1, err)
		}
		if r.Outcome == hf.NonFinite {
			return f, fmt.Errorf("bench: iteration %d met a value that is not finite", len(f)+1)
		}
		f = append(f, r.F)
	}
	return f, nil
}
