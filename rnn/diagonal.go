package rnn

import (
	"context"
	"fmt"
	"math"

	"curvestream/accel"
	"curvestream/nn"
)

var _ nn.DiagonalLinearization[float64] = (*Linearization[float64])(nil)

// probe is what a shard needs for the diagonal of its curvature matrix.
type probe[F accel.Float] struct {
	gradientSweep[F]            // of L″^½ v in the place of ∇L
	rh               []strip[F] // root of the curvature of the damped units times v, by block
}

// AddDiagonal implements nn.DiagonalLinearization. All states and derivatives of a sequence are needed at once, as for the
// diagonal of the empirical Fisher matrix: there is no diagonal within a state budget that does not hold all of them.
func (l *Linearization[F]) AddDiagonal(ctx context.Context, dst accel.Vector[F], mu float64, p nn.Probe) error {
	n := l.net
	if need := n.fisherBytes(l.batch.Lengths); !n.keepsFor(need) {
		if n.UniformStates {
			return fmt.Errorf("rnn: the diagonal of the curvature needs all states at once, and the uniform schedule keeps some of them: choose the other one or choose another preconditioner")
		}
		return n.noDiagonal(need, fmt.Sprintf("the diagonal of the curvature of %d sequences", l.batch.Columns()))
	}
	widths := []int{n.Out}
	if mu != 0 {
		widths = append(widths, n.recurrentLayers()...)
	}
	probes := make([]probe[F], len(l.sweeps))
	giveBack, err := n.carve(l.sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) {
		probes[i] = s.carveProbe(a, &l.shards[i], mu != 0)
	})
	if err != nil {
		return err
	}
	defer giveBack()
	for _, pass := range p.Passes(l.batch.Steps(), l.batch.Form, widths) {
		err := n.run(ctx, l.sweeps, func(i int, _ *sweep[F]) error {
			return probes[i].run(ctx, pass, l.batch.Position, mu, l.shards[i].kept)
		})
		if err != nil {
			return fmt.Errorf("rnn: diagonal: %w", err)
		}
		for i := range probes {
			dst.Add(p.Weight(), rowVector(probes[i].fisher.sum))
		}
	}
	return nil
}

func (s *sweep[F]) carveProbe(a *nn.Arena[F], l *linearized[F], damped bool) probe[F] {
	p := probe[F]{gradientSweep: gradientSweep[F]{states: l.states, derivatives: l.derivatives, sum: l.sum}}
	p.kept = kept[F]{p: l.rz, z: l.kept.z}
	p.fisher = s.carveFisher(a)
	if damped {
		p.rh = make([]strip[F], len(s.blocks))
		for k := range s.blocks {
			p.rh[k] = s.carveSome(a, func(i int) bool { return s.cell.nodes[i].damped }, s.blocks[k].rows(), s.blocks[k].enter)
		}
	}
	return p
}

// run leaves Σᵢ sq(Jᵢᵀ L″ᵢ^½ v) of a shard in p.fisher.sum, v being that of a pass, hidden units that are damped included.
func (p *probe[F]) run(ctx context.Context, pass nn.Pass, position []int, mu float64, at kept[F]) error {
	if err := p.s.Sync(); err != nil {
		return err
	}
	v, predicted := make([]F, len(p.shard.Owner)*p.Out), make([]F, len(p.shard.Owner)*p.Out)
	elements(at.p).Read(predicted)
	p.shard.Outputs(pass, position, v)
	nn.MulLossRoot(p.Config.Loss, predicted, v, p.Out, p.shard.Targets.Weight)
	elements(p.kept.p).Write(v)
	var damped [][]F // of each recurrent layer
	if mu != 0 {
		for k, h := range p.recurrentLayers() {
			damped = append(damped, make([]F, p.shard.Rows()*h))
			p.shard.Hidden(pass, k+1, position, damped[k])
		}
	}
	p.s.Fill(p.sum, 0)
	sum := p.params(rowVector(p.sum))
	var failed error
	err := p.backwardUse(ctx, nil, func(k int, b *block) {
		dz := rowsOf(b, p.kept.p)
		if p.kept.z.V != nil && dz.Rows > 0 {
			p.s.MulDerivative(p.OutputActivation, dz, rowsOf(b, p.kept.z))
		}
		var damp damping[F]
		if mu != 0 && failed == nil {
			damp = damping[F]{mu: F(math.Sqrt(mu)), r: p.rh[k]}
			failed = p.dampBlock(k, damped)
		}
		p.backward(k, p.in(p.h, k), dz, &p.derivatives, damp, sum)
		p.keepDerivatives(k, b)
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return p.addFisher(ctx)
}

// dampBlock puts the root of the curvature of structural damping times v into the strip of block k; v has all rows of each recurrent
// layer.
func (p *probe[F]) dampBlock(k int, v [][]F) error {
	if err := p.s.Sync(); err != nil {
		return err
	}
	b, next := &p.blocks[k], 0
	var weight []F
	if p.shard.Weight != nil {
		weight = p.shard.Weight[b.row[0]:b.row[1]]
	}
	for i := range p.cell.nodes {
		if !p.cell.nodes[i].damped {
			continue
		}
		width := p.cell.nodes[i].width
		part := v[next][b.row[0]*width : b.row[1]*width]
		h := make([]F, len(part))
		elements(p.inside(b, p.in(p.h, k), i)).Read(h)
		nn.MulDistanceRoot(p.Distance, p.Activation, h, part, width, weight)
		elements(p.inside(b, p.rh[k], i)).Write(part)
		next++
	}
	return nil
}

// elements returns a dense matrix as a vector.
func elements[F accel.Float](m accel.Mat[F]) accel.Vector[F] {
	return m.V.View(m.Off, m.Off+m.Rows*m.Cols)
}
