package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// backward takes dx[L], which holds the derivatives with respect to z, to those with respect to the inputs of all units, which it
// leaves in dx:
//
//	dx_l = s_l′ dy_l,   dy_l₋₁ = W_lᵀ dx_l
//
// With structural damping, dy_l of a hidden layer gains mu R{y_l} (squared distance) or dx_l gains mu R{y_l}: for the
// cross-entropy distance, whose curvature with respect to x is s′, that is mu s′ R{x_l}. dx then holds R{y_l} of the hidden layers,
// each row scaled by the weight of its case (section 8.4). seen, which may be nil, is shown dx of each layer.
func (s *sweep[F]) backward(ctx context.Context, dx []accel.Mat[F], mu F, seen func(l int, dx accel.Mat[F])) error {
	return s.downward(ctx, func(l int) {
		if l == s.layers() {
			s.mulDerivative(l, dx[l])
		} else {
			s.backwardHidden(l, dx, mu)
		}
		if seen != nil {
			seen(l, dx[l])
		}
	})
}

// backwardHidden does the step of backward to hidden layer l.
func (s *sweep[F]) backwardHidden(l int, dx []accel.Mat[F], mu F) {
	if mu == 0 || s.Distance == nn.SquaredDistance {
		s.s.MulPrepared(dx[l+1], s.w[l+1].w, mu, dx[l])
		s.mulDerivative(l, dx[l])
		return
	}
	dy := s.spare.at(s.Sizes[l])
	s.s.MulPrepared(dx[l+1], s.w[l+1].w, 0, dy)
	s.mulDerivative(l, dy)
	s.s.AddMat(dy, mu, dx[l])
	s.s.CopyMat(dx[l], dy)
}
