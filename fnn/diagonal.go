package fnn

import (
	"context"
	"fmt"
	"math"

	"curvestream/accel"
	"curvestream/nn"
)

var _ nn.DiagonalLinearization[float64] = (*Linearization[float64])(nil)

// AddDiagonal implements nn.DiagonalLinearization. Squares of the derivatives of a case are products of squares, as in
// algorithm 6.
func (l *Linearization[F]) AddDiagonal(ctx context.Context, dst accel.Vector[F], mu float64, p nn.Probe) error {
	n := l.net
	widths := n.Sizes[n.layers():]
	if mu != 0 {
		if err := n.checkDistance(); err != nil {
			return err
		}
		widths = append([]int{n.Sizes[n.layers()]}, n.Sizes[1:n.layers()]...)
	}
	buffers := make([]gradientSweep[F], len(l.sweeps))
	giveBack, err := n.carve(l.sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) {
		s.carveSquares(a, &buffers[i])
	})
	if err != nil {
		return err
	}
	defer giveBack()
	for _, pass := range p.Passes(1, nn.Last, widths) {
		err := n.run(ctx, l.sweeps, func(i int, s *sweep[F]) error {
			return s.probe(ctx, pass, l.batch.Position, mu, &l.shards[i], &buffers[i])
		})
		if err != nil {
			return fmt.Errorf("fnn: diagonal: %w", err)
		}
		for i := range buffers {
			dst.Add(p.Weight(), rowVector(buffers[i].fisher))
		}
	}
	return nil
}

// probe leaves Σᵢ sq(Jᵢᵀ L″ᵢ^½ v) of a shard in g.fisher, v being that of a pass, hidden units that are damped included.
func (s *sweep[F]) probe(ctx context.Context, pass nn.Pass, position []int, mu float64, l *linearized[F], g *gradientSweep[F]) error {
	root, err := s.drawProbe(pass, position, mu, l)
	if err != nil {
		return err
	}
	s.s.Fill(g.fisher, 0)
	f := s.layersOf(rowVector(g.fisher))
	return s.backward(ctx, l.ry, root, func(k int, dx accel.Mat[F]) {
		s.addFisher(k, dx, g, f[k])
	})
}

// drawProbe puts the roots of the curvatures times v into l.ry, layer by layer, and returns mu^½.
func (s *sweep[F]) drawProbe(pass nn.Pass, position []int, mu float64, l *linearized[F]) (F, error) {
	if err := s.s.Sync(); err != nil {
		return 0, err
	}
	top := s.layers()
	v := make([]F, s.shard.Rows()*s.widest())
	h := make([]F, len(v))
	out := v[:s.shard.Rows()*s.Sizes[top]]
	elements(l.p).Read(h[:len(out)])
	s.shard.Outputs(pass, position, out)
	nn.MulLossRoot(s.Config.Loss, h[:len(out)], out, s.Sizes[top], s.shard.Targets.Weight)
	elements(l.ry[top]).Write(out)
	if mu == 0 {
		return 0, nil
	}
	for k := 1; k < top; k++ {
		hidden := v[:s.shard.Rows()*s.Sizes[k]]
		elements(s.y[k]).Read(h[:len(hidden)])
		s.shard.Hidden(pass, k, position, 0, s.shard.Steps(), hidden)
		nn.MulDistanceRoot(s.Distance, s.Activations[k-1], h[:len(hidden)], hidden, s.Sizes[k], s.shard.Weight)
		elements(l.ry[k]).Write(hidden)
	}
	return F(math.Sqrt(mu)), nil
}

// elements returns a dense matrix as a vector.
func elements[F accel.Float](m accel.Mat[F]) accel.Vector[F] {
	return m.V.View(m.Off, m.Off+m.Rows*m.Cols)
}
