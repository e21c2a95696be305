package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// damping is the structural damping of the hidden layers that a backward sweep folds in (section 8.4).
type damping[F accel.Float] struct {
	mu F
	ry []accel.Mat[F] // R{y} of each layer, each row scaled by the weight of its case
}

// backward takes dz, the derivative with respect to z, to the derivatives of all parameters, which it adds to g:
//
//	dx_l = s_l′ dy_l,   dW_l = dx_l y_l₋₁ᵀ,   db_l = dx_l,   dy_l₋₁ = W_lᵀ dx_l
//
// With structural damping, dy_l of a hidden layer gains mu R{y_l} (squared distance) or dx_l gains mu R{y_l}: for the
// cross-entropy distance, whose curvature with respect to x is s′, that is mu s′ R{x_l}. dz is overwritten. seen, which may
// be nil, is shown dx of each layer.
func (s *sweep[F]) backward(ctx context.Context, dz accel.Mat[F], p pair[F], damp damping[F], g []layer[F], seen func(l int, dx accel.Mat[F])) error {
	dy := dz
	return s.downward(ctx, func(l int) {
		dx := dy
		damped := damp.mu != 0 && l < s.layers()
		if damped && s.Distance == nn.SquaredDistance {
			s.s.AddMat(dx, damp.mu, damp.ry[l])
		}
		s.mulDerivative(l, dx)
		if damped && s.Distance == nn.CrossEntropyDistance {
			s.s.AddMat(dx, damp.mu, damp.ry[l])
		}
		s.accumulate(l, dx, g)
		if seen != nil {
			seen(l, dx)
		}
		if l > 1 {
			dy = p.at(l-1, s.Sizes[l-1])
			s.s.MulPrepared(dx, s.w[l].w, 0, dy)
		}
	})
}

// accumulate adds dW_l = dx y_l₋₁ᵀ and db_l = dx of all cases to g.
func (s *sweep[F]) accumulate(l int, dx accel.Mat[F], g []layer[F]) {
	if l == 1 && s.shard.Sparse != nil {
		s.s.ScatterColumns(*s.shard.Sparse, dx, g[l].w)
	} else {
		s.s.GEMM(true, false, 1, dx, s.y[l-1], 1, g[l].w)
	}
	if g[l].b.V != nil {
		s.s.AddSumOfRows(g[l].b, dx)
	}
}
