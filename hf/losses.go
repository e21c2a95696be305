package hf

import (
	"context"
	"fmt"
	"time"

	"curvestream/accel"
)

// losses evaluates f on the minibatches of one HF iteration, at θ and along δ, and never twice the same.
type losses[F accel.Float] struct {
	objective    Objective[F]
	theta, trial accel.Vector[F]

	here, full [3]known // by role: f(θ), and f(θ+δ) of the chosen δ
	count      int
	seconds    float64
}

type known struct {
	f  float64
	ok bool
}

// begin forgets the values of the iteration before.
func (l *losses[F]) begin() {
	l.here, l.full = [3]known{}, [3]known{}
	l.count, l.seconds = 0, 0
}

// atTheta returns f(θ).
func (l *losses[F]) atTheta(ctx context.Context, role Role) (float64, error) {
	if l.here[role].ok {
		return l.here[role].f, nil
	}
	f, err := l.evaluate(ctx, role, l.theta)
	l.here[role] = known{f, err == nil}
	return f, err
}

// along returns f(θ + αδ).
func (l *losses[F]) along(ctx context.Context, role Role, alpha float64, delta accel.Vector[F]) (float64, error) {
	l.trial.Copy(l.theta)
	l.trial.Add(alpha, delta)
	return l.evaluate(ctx, role, l.trial)
}

// atStep returns f(θ+δ), δ being the same for all calls of an iteration.
func (l *losses[F]) atStep(ctx context.Context, role Role, delta accel.Vector[F]) (float64, error) {
	if l.full[role].ok {
		return l.full[role].f, nil
	}
	f, err := l.along(ctx, role, 1, delta)
	l.full[role] = known{f, err == nil}
	return f, err
}

func (l *losses[F]) evaluate(ctx context.Context, role Role, theta accel.Vector[F]) (float64, error) {
	defer since(time.Now(), &l.seconds)
	l.count++
	f, err := l.objective.Loss(ctx, role, theta)
	if err != nil {
		return 0, fmt.Errorf("f on the %s minibatch: %w", role, err)
	}
	return f, nil
}
