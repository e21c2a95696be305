package hf

import (
	"context"
	"errors"
	"fmt"

	"curvestream/accel"
)

// A VarianceSource is a Linearization that knows how much its products vary from case to case.
type VarianceSource[F accel.Float] interface {
	// Variance returns ‖Var(Bᵢv)‖₁ over the cases i of the minibatch, the sum over all elements, and the number of cases. Weight
	// decay, which is the same for all, is left out, and so is structural damping.
	Variance(ctx context.Context, v accel.Vector[F]) (variance float64, cases int, err error)
}

// Sampling ends a CG run when its residual is no larger than the error that products have because they are averages over a minibatch H:
// Byrd, Chin, Nocedal and Wu (2012), as section 12.2 describes them. After iteration j that is where
//
//	‖r_j‖² ≤ ‖Var(Bᵢp₀)‖₁ / |H| · ‖x_j‖² / ‖p₀‖²
//
// p₀ being the first direction and Bᵢ the curvature matrix of a case. Finding the variance costs one product, and squares by
// sequence. Section 12.2 warns that the norms depend on the parameterization, and that the rule does not go well with a start
// from other than 0: choose StartZero with it.
type Sampling[F accel.Float] struct {
	Source VarianceSource[F]
}

// bound returns ‖Var(Bᵢp₀)‖₁ / (|H| ‖p₀‖²).
func (s *Sampling[F]) bound(ctx context.Context, p0 accel.Vector[F]) (float64, error) {
	variance, cases, err := s.Source.Variance(ctx, p0)
	if err != nil {
		return 0, fmt.Errorf("the variance of products: %w", err)
	}
	return variance / float64(cases) / p0.Dot(p0), nil
}

// sampling returns what ends the CG run by sampling error, or nil where no setting asks for it.
func (o *Optimizer[F]) sampling(lin Linearization[F]) (*Sampling[F], error) {
	if !o.settings.CG.Sampling {
		return nil, nil
	}
	source, ok := lin.(VarianceSource[F])
	if !ok {
		return nil, errors.New("the objective does not know the variance of its products: choose another rule to stop CG")
	}
	return &Sampling[F]{Source: source}, nil
}
