package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// hessian is the scratch of a product with the exact Hessian: the R-operator applied to the gradient's own sweeps, so that the
// gradient's derivatives are computed in tandem (algorithm 4).
type hessian[F accel.Float] struct {
	rx []accel.Mat[F] // R{x} of each layer
	dy pair[F]        // dL/dy, then dL/dx
}

func (s *sweep[F]) carveHessian(a *nn.Arena[F]) hessian[F] {
	return hessian[F]{rx: s.carveLayers(a), dy: s.carvePair(a)}
}

// AddHv implements nn.Linearization (algorithm 4).
func (l *Linearization[F]) AddHv(ctx context.Context, dst, v accel.Vector[F]) error {
	if !l.hessian {
		l.hessian = true
		if err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { l.shards[i].hv = s.carveHessian(a) }); err != nil {
			return err
		}
	}
	return l.product(ctx, dst, v, true, func(i int, s *sweep[F]) error { return s.addHv(ctx, l.v, &l.shards[i]) })
}

// addHv leaves Σᵢ wᵢ Hᵢ v of a shard in l.sum.
func (s *sweep[F]) addHv(ctx context.Context, v weights[F], l *linearized[F]) error {
	err := s.upward(ctx, func(k int) {
		s.affineR(k, v, l.ry)
		s.s.CopyMat(l.hv.rx[k], l.ry[k])
		s.mulDerivative(k, l.ry[k])
	})
	if err != nil {
		return err
	}
	top, t := s.layers(), s.shard.Targets
	dz, rdz := l.hv.dy.at(top, s.Sizes[top]), l.pair.at(top, s.Sizes[top])
	s.s.CopyMat(dz, l.p)
	s.s.LossGradient(s.Config.Loss, dz, t)
	s.s.CopyMat(rdz, l.ry[top])
	s.s.LossCurvature(s.Config.Loss.Kind(), l.p, t, rdz)
	s.s.Fill(l.sum, 0)
	return s.downward(ctx, func(k int) { s.backwardR(k, v, l, l.dW) })
}

// backwardR is the R-operator of one layer of backward, in tandem with it:
//
//	R{dx_l} = s_l′ R{dy_l} + s_l″ R{x_l} dy_l,   R{dW_l} = R{dx_l} y_l₋₁ᵀ + dx_l R{y_l₋₁}ᵀ,   R{db_l} = R{dx_l}
//	R{dy_l₋₁} = W_lᵀ R{dx_l} + V_lᵀ dx_l
func (s *sweep[F]) backwardR(k int, v weights[F], l *linearized[F], g []layer[F]) {
	width := s.Sizes[k]
	d, rd := l.hv.dy.at(k, width), l.pair.at(k, width)
	s.mulDerivative(k, rd)
	if act := s.Activations[k-1]; act != accel.Linear {
		s.s.AddSecondDerivative(act, rd, d, s.y[k], l.hv.rx[k])
	}
	s.mulDerivative(k, d)
	s.accumulate(k, rd, g)
	if k == 1 {
		return
	}
	s.s.GEMM(true, false, 1, d, l.ry[k-1], 1, g[k].w)
	below, belowR := l.hv.dy.at(k-1, s.Sizes[k-1]), l.pair.at(k-1, s.Sizes[k-1])
	s.s.MulPrepared(rd, s.w[k].w, 0, belowR)
	s.s.MulPrepared(d, v[k].w, 1, belowR)
	s.s.MulPrepared(d, s.w[k].w, 0, below)
}
