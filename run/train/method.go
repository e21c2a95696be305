package train

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/hf/firstorder"
	"curvestream/nn"
	"curvestream/run/config"
	"curvestream/run/fault"
)

// A method moves the parameters by one iteration after the other: an hf.Optimizer or a firstorder.Optimizer.
type method[F accel.Float] interface {
	// Step makes an iteration.
	Step(ctx context.Context) (hf.Report, error)
	// Progress returns the scalar part of the state.
	Progress() hf.Progress
	// State returns a copy of the state.
	State() hf.State[F]
	// SetState goes back to a state.
	SetState(s hf.State[F]) error
}

// newMethod returns what the settings ask for, at θ, with λ₀. share is what a gradient minibatch has of the training
// data, 0 where they have no end.
func newMethod[F accel.Float](c *config.Config, layout nn.Layout, share, lambda float64, objective hf.Objective[F], theta accel.Vector[F]) (m method[F], err error) {
	switch c.Method.Kind {
	case "hf", "ksd":
		var s hf.Settings
		if s, err = optimizerSettings(c); err != nil {
			break
		}
		s.Lambda = lambda
		if s.Scale, err = scaleOf(layout, c.Damping.Scale); err != nil {
			break
		}
		if c.LM.Modest {
			if s.Rho.Share = share; share == 0 {
				err = errors.New("lm.modest needs training data that have an end, to know the minibatch's share of them")
				break
			}
		}
		m, err = hf.New(objective, theta, s)
	default:
		var s firstorder.Settings
		if s, err = firstOrderSettings(c); err != nil {
			break
		}
		m, err = firstorder.New(objective, theta, s)
	}
	if err != nil {
		return nil, fault.New(fault.Config, "config.method", "%v", err)
	}
	return m, nil
}

// scaleOf returns s, one element for each parameter of the net (section 11.2), or nil where no scale is given.
func scaleOf(layout nn.Layout, byName map[string]float64) ([]float64, error) {
	if len(byName) == 0 {
		return nil, nil
	}
	s, names := make([]float64, layout.Len()), make([]string, len(layout))
	for i, p := range layout {
		names[i] = p.Name
		x, ok := byName[p.Name]
		if !ok {
			x = 1
		}
		for j := range p.Size() {
			s[p.Off+j] = x
		}
	}
	for name := range byName {
		if _, ok := layout.Find(name); !ok {
			return nil, fmt.Errorf("damping.scale names %s, which is not a parameter of the net: it has %s", name, strings.Join(names, ", "))
		}
	}
	return s, nil
}

// firstOrderSettings turns settings into what package firstorder asks.
func firstOrderSettings(c *config.Config) (firstorder.Settings, error) {
	o := c.FirstOrder
	s := firstorder.Settings{Rate: hf.Schedule(o.Rate), MuMax: o.MomentumMax, Momentum: hf.Schedule(o.Momentum), Clip: o.Clip,
		Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, Pairs: o.Pairs, MaxRejections: c.Run.MaxRejection}
	if s.MuMax == 0 {
		s.MuMax = -1 // none
	}
	return s, s.Method.UnmarshalText([]byte(c.Method.Kind))
}

// vectors returns how many vectors of the length of θ a checkpoint of the method holds at most.
func vectors(c *config.Config) int64 {
	switch c.Method.Kind {
	case "adam":
		return 3
	case "lbfgs":
		return 1 + 2*int64(c.FirstOrder.Pairs)
	}
	return 2
}

// products returns how many products with the curvature matrix the CG run, or the subspace, of an iteration takes at most.
func products(c *config.Config) int {
	switch c.Method.Kind {
	case "hf":
		most := c.CG.Max
		if len(c.CG.MaxSchedule) > 0 {
			most = 0
		}
		for _, p := range c.CG.MaxSchedule {
			most = max(most, int(p.Value))
		}
		return max(most, c.CG.MaxGrown)
	case "ksd":
		return c.KSD.Size + 1 // and the previous step
	}
	return 0
}
