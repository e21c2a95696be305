package hf

import (
	"context"
	"fmt"

	"curvestream/accel"
)

// A model is M(δ) = ½ δᵀBδ + ∇fᵀδ on the minibatch of a role, without damping: by it, too, an iterate can be chosen on data
// that CG has not seen (section 13, second recipe).
type model[F accel.Float] struct {
	lin      Linearization[F]
	grad, Bd accel.Vector[F]
	products int
}

// modelOn returns the model at θ on the minibatch of a role. Where it is not finite, its values are not either. Its linearization must be closed.
func (o *Optimizer[F]) modelOn(ctx context.Context, role Role) (*model[F], error) {
	m := &model[F]{grad: o.held, Bd: o.losses.trial}
	if _, err := o.extended.GradientOn(ctx, role, o.theta, m.grad); err != nil {
		return nil, fmt.Errorf("∇f on the %s minibatch: %w", role, err)
	}
	var err error
	if m.lin, err = o.extended.LinearizeAs(ctx, role, o.settings.Curvature, o.theta); err != nil {
		return nil, fmt.Errorf("the linearization on the %s minibatch: %w", role, err)
	}
	return m, nil
}

// value returns M(δ).
func (m *model[F]) value(ctx context.Context, delta accel.Vector[F]) (float64, error) {
	m.products++
	if err := m.lin.Product(ctx, m.Bd, delta, 0); err != nil {
		return 0, err
	}
	return delta.Dot(m.Bd)/2 + m.grad.Dot(delta), nil
}
