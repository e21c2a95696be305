package fnn

import (
	"context"

	"curvestream/accel"
	"curvestream/nn"
)

// hessian is the scratch of a product with the exact Hessian: the R-operator applied to the gradient's own sweeps, so that the
// gradient's derivatives are computed in tandem (algorithm 4).
type hessian[F accel.Float] struct {
	rx  []accel.Mat[F] // R{x} of each layer
	dx  []accel.Mat[F] // dL/dy, then dL/dx
	rdx []accel.Mat[F] // R{} of dx
}

func (s *sweep[F]) carveHessian(a *nn.Arena[F]) hessian[F] {
	return hessian[F]{rx: s.carveLayers(a), dx: s.carveLayers(a), rdx: s.carveLayers(a)}
}

// AddHv implements nn.Linearization (algorithm 4).
func (l *Linearization[F]) AddHv(ctx context.Context, dst, v accel.Vector[F]) error {
	if !l.hessian {
		l.hessian = true
		if err := l.carve(func(i int, s *sweep[F], a *nn.Arena[F]) { l.shards[i].hv = s.carveHessian(a) }); err != nil {
			return err
		}
	}
	dx, rdx := make([][]accel.Mat[F], len(l.shards)), make([][]accel.Mat[F], len(l.shards))
	for i := range l.shards {
		dx[i], rdx[i] = l.shards[i].hv.dx, l.shards[i].hv.rdx
	}
	var err error
	if l.v, err = l.net.prepare(l.v, v, true); err != nil {
		return err
	}
	if err := l.net.run(ctx, l.sweeps, func(i int, s *sweep[F]) error { return s.hv(ctx, l.v, &l.shards[i]) }); err != nil {
		return err
	}
	to := l.net.layersOf(dst)
	return l.net.backend.Run(len(l.net.parts), func(i int, stream accel.Stream[F]) error {
		p := l.net.parts[i]
		l.net.addPart(stream, p, to, l.sweeps, rdx)
		l.addPartR(stream, p, to, dx)
		return nil
	})
}

// addPartR adds dx_l R{y_l₋₁}ᵀ of all cases, for the rows of a part, to dst: the rest of R{dW_l}.
func (l *Linearization[F]) addPartR(stream accel.Stream[F], p part, dst []layer[F], dx [][]accel.Mat[F]) {
	if p.l == 1 {
		return // R{y_0} = 0
	}
	for i := range l.shards {
		stream.GEMM(true, false, 1, dx[i][p.l].ColRange(p.lo, p.hi), l.ry[i][p.l-1], 1, dst[p.l].w.RowRange(p.lo, p.hi))
	}
}

// hv leaves dL/dx of a shard and R{} of it, along v, in l.hv.
func (s *sweep[F]) hv(ctx context.Context, v weights[F], l *linearized[F]) error {
	err := s.upward(ctx, func(k int) {
		s.affineR(k, v, l.ry)
		s.s.CopyMat(l.hv.rx[k], l.ry[k])
		s.mulDerivative(k, l.ry[k])
	})
	if err != nil {
		return err
	}
	top, t := s.layers(), s.shard.Targets
	dz, rdz := l.hv.dx[top], l.hv.rdx[top]
	s.s.CopyMat(dz, l.p)
	s.s.LossGradient(s.Config.Loss, dz, t)
	s.s.CopyMat(rdz, l.ry[top])
	s.s.LossCurvature(s.Config.Loss.Kind(), l.p, t, rdz)
	return s.downward(ctx, func(k int) { s.backwardR(k, v, l) })
}

// backwardR is the R-operator of one layer of backward, in tandem with it:
//
//	R{dx_l} = s_l′ R{dy_l} + s_l″ R{x_l} dy_l,   R{dy_l₋₁} = W_lᵀ R{dx_l} + V_lᵀ dx_l
//
// From these are summed R{dW_l} = R{dx_l} y_l₋₁ᵀ + dx_l R{y_l₋₁}ᵀ and R{db_l} = R{dx_l}.
func (s *sweep[F]) backwardR(k int, v weights[F], l *linearized[F]) {
	d, rd := l.hv.dx[k], l.hv.rdx[k]
	s.mulDerivative(k, rd)
	if act := s.Activations[k-1]; act != accel.Linear {
		s.s.AddSecondDerivative(act, rd, d, s.y[k], l.hv.rx[k])
	}
	s.mulDerivative(k, d)
	if k == 1 {
		return
	}
	below, belowR := l.hv.dx[k-1], l.hv.rdx[k-1]
	s.s.MulPrepared(rd, s.w[k].w, 0, belowR)
	s.s.MulPrepared(d, v[k].w, 1, belowR)
	s.s.MulPrepared(d, s.w[k].w, 0, below)
}
