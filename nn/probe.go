package nn

import (
	"context"
	"math"
	"math/rand/v2"

	"curvestream/accel"
)

// A Probe says by which vectors v the diagonal of a curvature matrix Jᵀ L″ J is computed, as Σ sq(Jᵀ L″^½ v) (sections 11.2 and
// 11.4). v has an element for each output of each output row of a sequence, and with structural damping one for each hidden unit
// at each time-step: damped units are outputs too (section 8.4).
type Probe struct {
	Exact  bool   // all unit vectors, one after the other; the other fields then mean nothing
	Draws  int    // random v that are averaged over, ≥ 1
	Normal bool   // elements from N(0, 1) instead of {-1, 1}
	Seed   uint64 // decides v, with the place of a sequence in its minibatch: neither chunks nor shards do
}

// A DiagonalLinearization is a Linearization that knows the diagonal of its matrix.
type DiagonalLinearization[F accel.Float] interface {
	// AddDiagonal adds diag(Σᵢ wᵢ (Jᵢᵀ L″ᵢ Jᵢ + mu Dᵢ)), or an unbiased estimate of it, to dst. It costs a backward sweep for each v,
	// and what the diagonal of the empirical Fisher matrix costs besides: squares are those of whole sequences.
	AddDiagonal(ctx context.Context, dst accel.Vector[F], mu float64, p Probe) error
}

// A Pass is one v of a Probe: a draw, or a unit vector.
type Pass struct {
	seed         uint64 // of a draw
	normal, unit bool

	group, step, element int // of a unit vector; step −1 is any
}

// Passes returns the passes of p over b. widths are those of the groups of elements: first of the outputs, then of each damped
// layer of hidden units.
func (p Probe) Passes(steps int, form Form, widths []int) []Pass {
	var passes []Pass
	if !p.Exact {
		for i := range p.Draws {
			passes = append(passes, Pass{seed: p.Seed*1_000_003 + uint64(i), normal: p.Normal})
		}
		return passes
	}
	for group, width := range widths {
		for t := range steps {
			for e := range width {
				passes = append(passes, Pass{unit: true, group: group, step: t, element: e})
			}
			if group == 0 && form == Last { // whenever the last time-step is
				for i := range passes {
					passes[i].step = -1
				}
				break
			}
		}
	}
	return passes
}

// Weight is what a pass counts in the sum over the passes of p.
func (p Probe) Weight() float64 {
	if p.Exact {
		return 1
	}
	return 1 / float64(p.Draws)
}

// Outputs fills v, which has a row for each output row of the shard, with the pass's elements of group 0. position is the place
// of each column of the batch in the minibatch.
func (s *Shard[F]) Outputs(p Pass, position []int, v []F) {
	if len(s.OutputRow) == 0 {
		return
	}
	width := len(v) / len(s.OutputRow)
	s.fillProbe(p, 0, position, 0, s.Steps(), func(j, t int) []F {
		row := s.Offset[t] + j
		if s.Form == Last {
			if row = j; t < s.Lengths[j]-1 {
				return nil
			}
		}
		return v[row*width : (row+1)*width]
	})
}

// Hidden fills v, which has a row for each row of the shard at time-steps lo to hi−1, with the pass's elements of a group from 1 on.
func (s *Shard[F]) Hidden(p Pass, group int, position []int, lo, hi int, v []F) {
	width := len(v) / (s.Offset[hi] - s.Offset[lo])
	s.fillProbe(p, group, position, lo, hi, func(j, t int) []F {
		row := s.Offset[t] - s.Offset[lo] + j
		return v[row*width : (row+1)*width]
	})
}

// drawnSteps is how many time-steps of a sequence are drawn from one source of random numbers, so that those of a few time-steps are found
// without drawing all that come before.
const drawnSteps = 64

// fillProbe fills the rows of each sequence at time-steps lo to hi−1. at returns a row, or nil where there is none, of which nothing is
// drawn.
func (s *Shard[F]) fillProbe(p Pass, group int, position []int, lo, hi int, at func(j, t int) []F) {
	var unused []F
	for j, c := range s.Column {
		place := c
		if position != nil {
			place = position[c]
		}
		if lo >= s.Lengths[j] {
			continue
		}
		var rng *rand.Rand
		for t := lo / drawnSteps * drawnSteps; t < min(hi, s.Lengths[j]); t++ {
			if t%drawnSteps == 0 {
				rng = rand.New(rand.NewPCG(p.seed+uint64(t/drawnSteps)<<32, uint64(place)<<8|uint64(group)))
			}
			row := at(j, max(t, lo))
			if t < lo {
				unused = append(unused[:0], row...)
				row = unused
			}
			fill(p, row, group, t, rng)
		}
	}
}

// fill fills the row of a time-step with the elements of a pass.
func fill[F accel.Float](p Pass, row []F, group, t int, rng *rand.Rand) {
	for e := range row {
		switch {
		case p.unit:
			row[e] = 0
			if group == p.group && e == p.element && (p.step < 0 || p.step == t) {
				row[e] = 1
			}
		case p.normal:
			row[e] = F(rng.NormFloat64())
		default:
			row[e] = F(int(rng.Uint64()>>63)*2 - 1)
		}
	}
}

// MulLossRoot sets each row of v to √w S v, S being a matrix with S Sᵀ = L″ where the prediction is p and w the weight of the row:
// diag(√p) − p√pᵀ for softmax, whose p add up to 1, and the root of a diagonal for the others. All are in host memory. It panics where the
// loss is not convex, and L″ no function of p.
func MulLossRoot[F accel.Float](loss accel.Loss, p, v []F, width int, weight []F) {
	if !loss.Convex() {
		panic("nn: the root of L″ is known of convex losses only: choose a preconditioner that needs none")
	}
	for i := 0; i*width < len(v); i++ {
		root := 1.0
		if weight != nil {
			root = math.Sqrt(float64(weight[i]))
		}
		pi, vi := p[i*width:(i+1)*width], v[i*width:(i+1)*width]
		sum := 0.0
		if loss == accel.SoftmaxCrossEntropy {
			for e, x := range pi {
				sum += math.Sqrt(float64(x)) * float64(vi[e])
			}
		}
		for e := range vi {
			x, q := float64(vi[e]), float64(pi[e])
			switch loss {
			case accel.LogisticCrossEntropy:
				x *= math.Sqrt(q * (1 - q))
			case accel.SoftmaxCrossEntropy:
				x = math.Sqrt(q)*x - q*sum
			}
			vi[e] = F(root * x)
		}
	}
}

// MulDistanceRoot sets each row of v to √w times the root of the curvature of a structural distance, where the activities are h
// and w is the weight of the row. All are in host memory.
func MulDistanceRoot[F accel.Float](d StructuralDistance, act accel.Activation, h, v []F, width int, weight []F) {
	for i := range v {
		x := 1.0
		if weight != nil {
			x = float64(weight[i/width])
		}
		if d == CrossEntropyDistance {
			x *= slope(act, float64(h[i]))
		}
		v[i] *= F(math.Sqrt(x))
	}
}

// slope returns s′ at the input whose output is h.
func slope(act accel.Activation, h float64) float64 {
	switch act {
	case accel.Tanh:
		return 1 - h*h
	case accel.Logistic:
		return h * (1 - h)
	case accel.ReLU:
		if h <= 0 {
			return 0
		}
	}
	return 1
}
