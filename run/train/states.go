package train

import (
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
	"curvestream/rnn"
	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/fault"
	"curvestream/run/model"
)

// states bounds the hidden states of a chunk: what goes with them, such as outputs and the scratch of a product, has a quarter of
// what activations may take, and R{h} of structural damping or of the Hessian takes as much as they do, once or twice.
func states(c *config.Config) model.States {
	room := keepBytes(c) / 4 * 3
	if c.Damping.StructuralMu > 0 {
		room /= 2
	}
	if c.Curvature.Kind == "hessian" {
		room /= 3
	}
	return model.States{Budget: room, Uniform: c.States == "uniform"}
}

// explain tells a person what to do where memory does not hold what an iteration needs.
func explain(err error, c *config.Config) error {
	var states *rnn.BudgetError
	if !errors.As(err, &states) {
		return data.Explain(err, trainShare)
	}
	needs := config.Bytes(float64(c.Memory)*float64(states.Need)/float64(states.Have)/(1<<20)+1) << 20
	e := fault.New(fault.Config, "memory.too_small", "%s needs %s of --memory for hidden states, which is %s", states.What, needs, c.Memory)
	return e.Fix("--memory %s or more, or %s", needs, states.Fix)
}

// A StateForecast says which hidden states of the curvature minibatch are kept (section 7.1). Blocks and Slots are those of the
// chunk that has the most states: of so many blocks of time-steps, so many are kept at a time.
type StateForecast struct {
	Method           string `json:"method"`
	Blocks           int    `json:"blocks"`
	Slots            int    `json:"slots"`
	KeptBytes        int64  `json:"kept_bytes"` // of all chunks
	AllBytes         int64  `json:"all_bytes"`
	LimitBytes       int64  `json:"limit_bytes"`       // of one chunk
	States           int64  `json:"states"`            // of all sequences at all time-steps
	RecomputedStates int64  `json:"recomputed_states"` // of them, those that a product computes again

	largest int64
}

// addStates adds a chunk to the forecast; feedforward nets have no states to speak of.
func addStates[F accel.Float](f *Forecast, net nn.Net[F], b *nn.Batch[F]) error {
	planner, ok := net.(interface {
		PlanStates(b *nn.Batch[F]) (rnn.StatePlan, error)
	})
	if !ok {
		return nil
	}
	plan, err := planner.PlanStates(b)
	if err != nil {
		return err
	}
	if f.HiddenStates == nil {
		f.HiddenStates = &StateForecast{}
	}
	s := f.HiddenStates
	s.KeptBytes += plan.Bytes
	s.AllBytes += plan.All
	s.States += plan.States
	s.RecomputedStates += plan.Recomputed
	if plan.States > s.largest {
		s.largest, s.Method, s.Blocks, s.Slots = plan.States, plan.Method.String(), plan.Blocks, plan.Slots
	}
	return nil
}

// String lays the forecast out for a person.
func (s *StateForecast) String() string {
	if s.RecomputedStates == 0 {
		return fmt.Sprintf("hidden states     %.1f MiB, all kept (limit of a chunk %.1f MiB)\n", mib(s.AllBytes), mib(s.LimitBytes))
	}
	return fmt.Sprintf("hidden states     %.1f MiB of %.1f MiB kept at a time (limit of a chunk %.1f MiB): schedule %s, %d of %d blocks of time-steps; a product computes %.2f times all states again\n",
		mib(s.KeptBytes), mib(s.AllBytes), mib(s.LimitBytes), s.Method, s.Slots, s.Blocks, float64(s.RecomputedStates)/float64(s.States))
}
