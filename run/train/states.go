package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/nn"
	"curvestream/rnn"
	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/fault"
	"curvestream/run/model"
)

// states bounds the hidden states of a chunk: what goes with them, such as outputs and the scratch of a product, has a quarter of
// what activations may take, and R{h} of structural damping or of the Hessian takes as much as they do, once or twice.
func states(c *config.Config, spill *checkpointing.Spill) model.States {
	room, file, along := keepBytes(c)/4*3, int64(c.Store.Spill), 0
	if c.Damping.StructuralMu > 0 {
		along = 1
	}
	if c.Curvature.Kind == "hessian" {
		along = 2
	}
	if c.CG.BacktrackBy == "model" {
		file /= 2 // there are two linearizations at a time
	}
	parts := int64(1 + along)
	return model.States{Window: c.Model.Window, Budget: room / parts, Uniform: c.States == "uniform", Store: rnn.Store{Device: int64(c.Store.Device) / parts, Spill: spill,
		SpillBudget: file / parts, Recompute: c.States == "recompute", Verify: c.Store.Verify, Along: along}}
}

// explain tells a person what to do where memory does not hold what an iteration needs.
func explain(err error, c *config.Config) error {
	var states *rnn.BudgetError
	if !errors.As(err, &states) {
		return data.Explain(err, trainShare)
	}
	if states.Device {
		needs := config.Bytes(float64(c.Store.Device)*float64(states.Need)/float64(states.Have)/(1<<20)+1) << 20
		e := fault.New(fault.Config, "memory.too_small", "%s needs %s of store.device for hidden states, which is %s", states.What, needs, c.Store.Device)
		return e.Fix("--set store.device=%s or more, or %s", needs, states.Fix)
	}
	needs := config.Bytes(float64(c.Memory)*float64(states.Need)/float64(states.Have)/(1<<20)+1) << 20
	e := fault.New(fault.Config, "memory.too_small", "%s needs %s of --memory for hidden states, which is %s", states.What, needs, c.Memory)
	return e.Fix("--memory %s or more, or %s", needs, states.Fix)
}

// A StateForecast says which hidden states of the curvature minibatch are kept (section 7.1). Method, Blocks, Slots, HostBlocks and
// SpillBlocks are those of the chunk that has the most states: of so many blocks of time-steps, so many are kept where they are
// computed, and of the first ones so many are stored in memory and in the file. It is plan.json of a run directory.
type StateForecast struct {
	Schema      string `json:"schema"`
	Method      string `json:"method"`
	Blocks      int    `json:"blocks"`
	Slots       int    `json:"slots"`
	HostBlocks  int    `json:"host_blocks"`
	SpillBlocks int    `json:"spill_blocks"`
	Chunks      int    `json:"chunks"`

	KeptBytes    int64 `json:"kept_bytes"`   // in memory, of all chunks
	DeviceBytes  int64 `json:"device_bytes"` // of them, where they are computed
	SpillBytes   int64 `json:"spill_bytes"`
	AllBytes     int64 `json:"all_bytes"`
	LimitBytes   int64 `json:"limit_bytes"`   // of one chunk, in memory
	DeviceLimit  int64 `json:"device_limit"`  // of one chunk; 0: none but LimitBytes
	SpillLimit   int64 `json:"spill_limit"`   // of one chunk
	StatesBeside int   `json:"states_beside"` // how many more of the size of a state go with each: R{h}, R{a}

	States           int64 `json:"states"`            // of all sequences at all time-steps
	RecomputedStates int64 `json:"recomputed_states"` // of them, those that a product computes again
	CopiedStates     int64 `json:"copied_states"`     // and those that it copies back from where they are stored

	// Costs of a state as measured; all 0 where all states are kept and nothing was to be chosen. Seconds are predicted for a product on
	// one thread.
	Costs   checkpointing.Costs `json:"costs"`
	Seconds float64             `json:"product_seconds"`

	Sweeps *SweepChoice `json:"sweeps,omitempty"` // nil where there was nothing to choose
}

// forecastStates returns how a net keeps the states of chunks.
func forecastStates[F accel.Float](net *rnn.Net[F], chunks []*nn.Batch[F]) (*StateForecast, error) {
	s := &StateForecast{Schema: "curvestream.plan/1", Chunks: len(chunks), LimitBytes: net.StateBudget, DeviceLimit: net.Store.Device,
		SpillLimit: net.Store.SpillBudget, StatesBeside: net.Store.Along, Costs: net.Store.Costs}
	largest := int64(-1)
	for _, b := range chunks {
		plan, err := net.PlanStates(b)
		if err != nil {
			return nil, err
		}
		s.KeptBytes += plan.Bytes
		s.DeviceBytes += plan.Device
		s.SpillBytes += plan.Spilled
		s.AllBytes += plan.All
		s.States += plan.States
		s.RecomputedStates += plan.Recomputed
		s.CopiedStates += plan.Copied
		s.Seconds += plan.Seconds
		if plan.States > largest {
			largest = plan.States
			s.Method, s.Blocks, s.Slots, s.HostBlocks, s.SpillBlocks = plan.Method.String(), plan.Blocks, plan.Slots, plan.Host, plan.Spill
		}
	}
	return s, nil
}

// addPlan adds plan.json to the files of a run, where there is something to plan.
func addPlan(files map[string][]byte, s *StateForecast) (err error) {
	if s != nil {
		files["plan.json"], err = s.JSON()
	}
	return err
}

// JSON returns the content of plan.json.
func (s *StateForecast) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("plan.json: %w", err)
	}
	return append(text, '\n'), nil
}

// String lays the forecast out for a person.
func (s *StateForecast) String() string { return s.kept() + s.Sweeps.String() }

func (s *StateForecast) kept() string {
	if s.RecomputedStates == 0 && s.CopiedStates == 0 {
		return fmt.Sprintf("hidden states     %.1f MiB, all kept (limit of a chunk %.1f MiB)\n", mib(s.AllBytes), mib(s.LimitBytes))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hidden states     %.1f MiB of %.1f MiB kept at a time (limit of a chunk %.1f MiB): schedule %s, %d of %d blocks of time-steps; a product computes %.2f times all states again\n",
		mib(s.KeptBytes), mib(s.AllBytes), mib(s.LimitBytes), s.Method, s.Slots, s.Blocks, float64(s.RecomputedStates)/float64(s.States))
	if s.CopiedStates > 0 {
		fmt.Fprintf(&b, "stored states     %d blocks in memory, %d in a file (%.1f MiB); a product copies %.2f times all states\n",
			s.HostBlocks, s.SpillBlocks, mib(s.SpillBytes), float64(s.CopiedStates)/float64(s.States))
	}
	if s.Seconds > 0 {
		c, n := s.Costs, float64(s.States)
		fmt.Fprintf(&b, "a product         %.3g s on one thread, as predicted; with all states kept %.3g s", s.Seconds, n*(c.Along+c.Backward))
		if c.Host > 0 {
			fmt.Fprintf(&b, "; copies %.1f GB/s to memory, %.1f GB/s to the file", 1e-9*c.Host, 1e-9*c.Spill)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
