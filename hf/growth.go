package hf

import (
	"fmt"
	"math"

	"curvestream/accel"
)

// Growth makes gradient minibatches larger when their gradient is too uncertain: Byrd, Chin, Nocedal and Wu (2012), as section 12.2
// describes them. A minibatch S of N cases is large enough where
//
//	‖Var(∇fᵢ)‖₁ / |S| · (N − |S|) / (N − 1) ≤ θ² ‖∇f‖²
//
// and otherwise ‖Var‖₁ / (θ² ‖∇f‖²) cases are asked for, from the next iteration on. Section 12.2 warns that both norms depend on
// the parameterization. The other rule of Byrd et al., which ends CG early, is [Sampling].
type Growth struct {
	Theta float64 // θ; zero means that minibatches do not grow
	// Factor is the most by which a minibatch grows at once. Zero means 2; Byrd et al. have no bound, and near a stationary point of
	// the minibatch their rule asks for everything.
	Factor float64
}

// A Sample is what Growth needs to know of a gradient.
type Sample struct {
	Cases    int     // in the gradient minibatch
	Whole    int     // in the training data; 0 where they have no end
	Variance float64 // ‖Var(∇fᵢ)‖₁ over those cases, weight decay left out
}

// A Resizer is an Objective whose minibatches can grow.
type Resizer[F accel.Float] interface {
	Objective[F]
	// Resize asks for gradient minibatches of at least so many cases, as far as there are as many, from the next Advance on.
	Resize(cases int)
	// Sample describes the last Gradient that was asked for the empirical Fisher diagonal, from which the variance comes.
	Sample() Sample
}

// next returns the cases that the next minibatch is to have, after one with the given sample and ‖∇f‖.
func (g Growth) next(s Sample, gradNorm float64) int {
	left := 1.0
	if s.Whole > 1 {
		left = float64(s.Whole-s.Cases) / float64(s.Whole-1)
	}
	allowed := g.Theta * g.Theta * gradNorm * gradNorm
	if !finite(s.Variance) || s.Variance/float64(s.Cases)*left <= allowed {
		return s.Cases
	}
	most := g.Factor * float64(s.Cases)
	if s.Whole > 0 {
		most = math.Min(most, float64(s.Whole))
	}
	return max(s.Cases, int(math.Ceil(math.Min(s.Variance/allowed, most))))
}

func (g Growth) withDefaults() Growth {
	g.Factor = orDefault(g.Factor, 2)
	return g
}

// resizer returns the objective as a Resizer, or nil where minibatches do not grow.
func resizer[F accel.Float](objective Objective[F], s Settings) (Resizer[F], error) {
	if s.Growth.Theta == 0 {
		return nil, nil
	}
	r, ok := objective.(Resizer[F])
	if !ok {
		return nil, fmt.Errorf("hf: setting Growth.Theta needs an objective whose minibatches can grow, and %T has none", objective)
	}
	return r, nil
}

// grow sets what the next iteration asks for.
func (o *Optimizer[F]) grow(r *Report) {
	if o.resizer == nil {
		return
	}
	sample := o.resizer.Sample()
	r.Variance = sample.Variance
	r.Cases = max(o.progress.Cases, o.settings.Growth.next(sample, r.GradNorm))
}
