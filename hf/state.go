package hf

import (
	"errors"
	"fmt"

	"curvestream/accel"
)

// Progress is the scalar part of a State. Its JSON form is part of a snapshot.
type Progress struct {
	Iteration  int     `json:"iteration"` // completed HF iterations
	Lambda     float64 `json:"lambda"`
	Mu         float64 `json:"mu"` // before it is multiplied by λ where it is tied to it
	Radius     float64 `json:"radius"`
	Rejections int     `json:"rejections"` // in a row
	NonFinite  int     `json:"non_finite"` // how many of those met a non-finite value
	Products   int64   `json:"products"`   // with B, of all iterations
	Losses     int64   `json:"losses"`     // evaluations of f, likewise
	Gradients  int64   `json:"gradients"`
	Cases      int     `json:"cases,omitempty"` // that Growth asks for; 0 before it asks
	// CGMax is the limit of the next CG run by CG.Truncation; 0 before it changed it.
	CGMax float64 `json:"cg_max,omitempty"`
}

// A State is all that an Optimizer keeps from one iteration to the next. An optimizer that is given it, with the same
// objective and settings, goes on with the same bits.
type State[F accel.Float] struct {
	Progress
	Theta []F
	Delta []F // where the next CG run starts, before the decay ζ; with MethodKSD the last step
	// Memory is what other methods keep, those of package firstorder; an Optimizer keeps none.
	Memory [][]F
}

// State returns a copy of the state, in host memory.
func (o *Optimizer[F]) State() State[F] {
	s := State[F]{Progress: o.progress, Theta: make([]F, o.theta.Len()), Delta: make([]F, o.theta.Len())}
	o.theta.Read(s.Theta)
	o.delta.Read(s.Delta)
	return s
}

// Progress returns the scalar part of the state.
func (o *Optimizer[F]) Progress() Progress { return o.progress }

// SetState puts the optimizer, and the vector θ that it was made with, into state s. It copies s.
func (o *Optimizer[F]) SetState(s State[F]) error {
	if err := s.check(o.theta.Len()); err != nil {
		return fmt.Errorf("hf: restoring a state: %w", err)
	}
	o.progress = s.Progress
	o.theta.Write(s.Theta)
	o.delta.Write(s.Delta)
	return nil
}

func (s State[F]) check(n int) error {
	var problems []error
	if len(s.Memory) > 0 {
		problems = append(problems, errors.New("it is that of a first-order method"))
	}
	for _, v := range []struct {
		name string
		x    []F
	}{{"theta", s.Theta}, {"delta", s.Delta}} {
		if len(v.x) != n {
			problems = append(problems, fmt.Errorf("%s has %d elements and the net %d parameters", v.name, len(v.x), n))
		}
		for i, x := range v.x {
			if !finite(float64(x)) {
				problems = append(problems, fmt.Errorf("%s[%d] = %v is not finite", v.name, i, x))
				break
			}
		}
	}
	for _, v := range []struct {
		name string
		x    float64
	}{{"lambda", s.Lambda}, {"mu", s.Mu}, {"radius", s.Radius}, {"iteration", float64(s.Iteration)}, {"cases", float64(s.Cases)}, {"cg_max", s.CGMax}} {
		if !finite(v.x) || v.x < 0 {
			problems = append(problems, fmt.Errorf("%s = %v must be finite and not negative", v.name, v.x))
		}
	}
	return errors.Join(problems...)
}
