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
	gradientSweep[F]          // of L″^½ v in the place of ∇L
	rh               strip[F] // root of the curvature of the damped units of a block, times v
}

// AddDiagonal implements nn.DiagonalLinearization. Where the state budget does not hold the states and derivatives of all
// time-steps, a pass is a backward sweep for each few sequences, under the schedule of products; the bits are the same.
func (l *Linearization[F]) AddDiagonal(ctx context.Context, dst accel.Vector[F], mu float64, p nn.Probe) error {
	n := l.net
	keep := n.keepsFor(n.fisherBytes(l.batch.Lengths))
	widths := []int{n.Out}
	if mu != 0 {
		widths = append(widths, n.recurrentLayers()...)
	}
	probes := make([]probe[F], len(l.sweeps))
	giveBack, err := n.carve(l.sweeps, func(i int, s *sweep[F], a *nn.Arena[F]) {
		probes[i] = s.carveProbe(a, &l.shards[i], mu != 0, keep)
	})
	if err != nil {
		return err
	}
	defer giveBack()
	for _, pass := range p.Passes(l.batch.Steps(), l.batch.Form, widths) {
		err := n.run(ctx, l.sweeps, func(i int, _ *sweep[F]) error {
			return probes[i].runAll(ctx, pass, l.batch.Position, mu, l.shards[i].kept)
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

func (s *sweep[F]) carveProbe(a *nn.Arena[F], l *linearized[F], damped, keep bool) probe[F] {
	p := probe[F]{gradientSweep: gradientSweep[F]{states: l.states, derivatives: l.derivatives, sum: l.sum}}
	p.kept = kept[F]{p: l.rz, z: l.kept.z}
	if keep {
		p.fisher = s.carveFisher(a)
	} else {
		p.fisher = s.carveGathering(a, s.gatheredAtOnce())
	}
	if damped {
		p.rh = s.carveSome(a, func(i int) bool { return s.cell.nodes[i].damped }, s.largest((*block).rows), s.largest(func(b *block) int { return b.enter }))
	}
	return p
}

// gatheredAtOnce returns how many sequences are gathered in one backward sweep: as many as take the memory of a few strips, for each
// strip is in the plan of states, and one at least.
func (s *sweep[F]) gatheredAtOnce() int {
	var one nn.Arena[F]
	s.carveSequence(&one)
	const strips = 4
	return max(1, min(len(s.shard.Column), strips*s.largestStrip()/one.Used))
}

// runAll leaves Σᵢ sq(Jᵢᵀ L″ᵢ^½ v) of a shard in p.fisher.sum, in as many sweeps as it takes.
func (p *probe[F]) runAll(ctx context.Context, pass nn.Pass, position []int, mu float64, at kept[F]) error {
	f := &p.fisher
	if f.da != nil {
		p.continues = false
		return p.run(ctx, pass, position, mu, at)
	}
	for f.first = 0; f.first < len(p.shard.Column); f.first += len(f.columns) {
		p.continues = f.first > 0
		if err := p.run(ctx, pass, position, mu, at); err != nil {
			return err
		}
	}
	return nil
}

// run adds sq(Jᵢᵀ L″ᵢ^½ v) of the sequences that are gathered, v being that of a pass, hidden units that are damped included.
func (p *probe[F]) run(ctx context.Context, pass nn.Pass, position []int, mu float64, at kept[F]) error {
	if err := p.s.Sync(); err != nil {
		return err
	}
	v, predicted := make([]F, len(p.shard.Owner)*p.Out), make([]F, len(p.shard.Owner)*p.Out)
	elements(at.p).Read(predicted)
	p.shard.Outputs(pass, position, v)
	nn.MulLossRoot(p.Config.Loss, predicted, v, p.Out, p.shard.Targets.Weight)
	elements(p.kept.p).Write(v)
	p.s.Fill(p.sum, 0)
	p.beginFisher()
	sum := p.params(rowVector(p.sum))
	var failed error
	err := p.backwardUse(ctx, nil, func(k int, b *block) {
		dz := rowsOf(b, p.kept.p)
		if p.kept.z.V != nil && dz.Rows > 0 {
			p.s.MulDerivative(p.OutputActivation, dz, rowsOf(b, p.kept.z))
		}
		var damp damping[F]
		if mu != 0 && failed == nil {
			damp = damping[F]{mu: F(math.Sqrt(mu)), r: p.rh}
			failed = p.dampBlock(k, pass, position)
		}
		p.backward(k, p.in(p.h, k), dz, &p.derivatives, damp, sum)
		p.passFisher(k, b)
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return p.endFisher(ctx)
}

// dampBlock puts the root of the curvature of structural damping times v, of the rows of block k, into p.rh.
func (p *probe[F]) dampBlock(k int, pass nn.Pass, position []int) error {
	if err := p.s.Sync(); err != nil {
		return err
	}
	b, group := &p.blocks[k], 0
	var weight []F
	if p.shard.Weight != nil {
		weight = p.shard.Weight[b.row[0]:b.row[1]]
	}
	for i := range p.cell.nodes {
		if !p.cell.nodes[i].damped {
			continue
		}
		group++
		width := p.cell.nodes[i].width
		v, h := make([]F, b.rows()*width), make([]F, b.rows()*width)
		p.shard.Hidden(pass, group, position, b.lo, b.hi, v)
		elements(p.inside(b, p.in(p.h, k), i)).Read(h)
		nn.MulDistanceRoot(p.Distance, p.Activation, h, v, width, weight)
		elements(p.inside(b, p.rh, i)).Write(v)
	}
	return nil
}

// elements returns a dense matrix as a vector.
func elements[F accel.Float](m accel.Mat[F]) accel.Vector[F] {
	return m.V.View(m.Off, m.Off+m.Rows*m.Cols)
}
