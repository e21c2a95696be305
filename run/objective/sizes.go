package objective

import (
	"fmt"

	"curvestream/accel"
	"curvestream/hf"
)

// Sizes let gradient minibatches grow (section 12.2). The size of an iteration is a pure function of the iteration and of what
// hf.Growth has asked for, which is part of its state.
type Sizes struct {
	Schedule hf.Schedule // sequences by iteration; empty means Base
	Base     int         // sequences without a schedule
	Largest  int         // there can be; 0 means no limit
	Whole    int         // sequences of the training data; 0 where they have no end
	// Plan returns the plan whose gradient minibatches have so many sequences.
	Plan func(sequences int) (Plan, error)
}

var _ hf.Resizer[float64] = (*Objective[float64])(nil)

// Resize implements hf.Resizer.
func (o *Objective[F]) Resize(cases int) { o.asked = cases }

// Sample implements hf.Resizer.
func (o *Objective[F]) Sample() hf.Sample {
	return hf.Sample{Cases: o.Size(hf.Gradient), Whole: o.settings.Sizes.Whole, Variance: o.variance}
}

// resize changes to the plan of iteration k.
func (o *Objective[F]) resize(k int) error {
	s := o.settings.Sizes
	if s == nil {
		return nil
	}
	size := max(1, int(s.Schedule.At(k, float64(s.Base))), o.asked)
	if s.Whole > 0 && size > s.Base && size < s.Whole { // no small rest at the end of an epoch
		parts := s.Whole / size
		size = (s.Whole + parts - 1) / parts
	}
	if s.Largest > 0 {
		size = min(size, s.Largest)
	}
	if size == o.size {
		return nil
	}
	plan, err := s.Plan(size)
	if err != nil {
		return fmt.Errorf("objective: minibatches of %d sequences: %w", size, err)
	}
	o.plan, o.size = plan, size
	return nil
}

// measure keeps ‖Var(∇fᵢ)‖₁ = Σ (1/N Σᵢ (∇fᵢ)² − (∇f)²), from both averages before weight decay.
func (o *Objective[F]) measure(grad, fisher accel.Vector[F]) {
	if o.settings.Sizes == nil || fisher == nil {
		return
	}
	if o.ones == nil {
		o.ones = grad.New()
		o.ones.Shift(1)
	}
	o.variance = fisher.Dot(o.ones) - grad.Dot(grad)
}
