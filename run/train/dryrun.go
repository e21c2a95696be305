package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"curvestream/accel"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/run/config"
	"curvestream/run/rundir"
)

// A Forecast says what a run would be and cost.
type Forecast struct {
	Schema          string            `json:"schema"`
	Run             string            `json:"run"`
	Settings        map[string]string `json:"settings"`
	Origins         map[string]string `json:"origins"`
	Data            []string          `json:"data"`
	Parameters      int               `json:"parameters"`
	Sequences       int               `json:"sequences"` // -1: without end
	Steps           int64             `json:"steps"`
	GradSeqs        int               `json:"grad_seqs"`
	CurvSeqs        int               `json:"curv_seqs"`
	Window          int               `json:"window,omitempty"` // time-steps that derivatives go back at most; 0: all
	PaddedSteps     int64             `json:"padded_steps"`     // rows of the chunks of the curvature minibatch that are no time-step of a sequence
	CurvSteps       int64             `json:"curv_steps"`       // time-steps of the curvature minibatch
	Chunks          int               `json:"chunks"`           // of the curvature minibatch
	ChunksKept      int               `json:"chunks_kept"`      // of them, those whose activations are kept for all products
	ActivationBytes int64             `json:"activation_bytes"` // that all of them need
	ActivationLimit int64             `json:"activation_limit"`
	HiddenStates    *StateForecast    `json:"hidden_states,omitempty"` // nil for feedforward nets
	CheckpointBytes int64             `json:"checkpoint_bytes"`
	// ProductSequences and GradientSequences are the sequences through the net in an iteration of as many products as the method makes at most.
	ProductSequences  int64 `json:"product_sequences"`
	GradientSequences int64 `json:"gradient_sequences"`

	yaml string
}

// DryRun does all that comes before the first iteration, but makes no run directory.
func DryRun(ctx context.Context, o Options) (*Forecast, error) {
	c := o.Config
	if _, err := os.Lstat(o.Run); err == nil {
		return nil, rundir.Taken(filepath.Clean(o.Run))
	}
	s, err := openSets(ctx, &c.Config, o, nil, nothingStored)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := infer(c, s.train); err != nil {
		return nil, err
	}
	f := &Forecast{Schema: "curvestream.forecast/1", Run: filepath.Clean(o.Run), Settings: map[string]string{}, Origins: map[string]string{},
		Data: s.train.Describe(), Sequences: s.train.Manifest.Len(), Steps: s.train.Manifest.TotalSteps(), ActivationLimit: keepBytes(&c.Config), yaml: c.YAML(true)}
	for _, key := range config.Keys() {
		f.Settings[key], f.Origins[key] = c.Value(key), c.Origin(key)
	}
	if c.DType == "float64" {
		return f, forecast[float64](ctx, c, s, f, 8)
	}
	return f, forecast[float32](ctx, c, s, f, 4)
}

func forecast[F accel.Float](ctx context.Context, c *config.Resolved, s sets, f *Forecast, width int64) error {
	m, err := assemble[F](ctx, &c.Config, s, f.Run)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.objective.Advance(ctx, 1); err != nil {
		return err
	}
	f.Parameters, f.HiddenStates, f.ActivationLimit = m.net.Layout().Len(), m.states, m.keep
	f.Window = c.Model.Window
	f.GradSeqs, f.CurvSeqs = m.objective.Size(hf.Gradient), m.objective.Size(hf.Curvature)
	f.CheckpointBytes = vectors(&c.Config) * width * int64(f.Parameters)
	f.GradientSequences, f.ProductSequences = int64(f.GradSeqs), int64(f.CurvSeqs)*int64(products(&c.Config))
	structural, room := c.Damping.StructuralMu > 0, f.ActivationLimit
	err = m.objective.Chunks(ctx, hf.Curvature, func(b *nn.Batch[F]) error {
		bytes := m.net.Bytes(b, structural)
		f.Chunks++
		addSteps(f, b)
		f.ActivationBytes += bytes
		if room -= bytes; room >= 0 {
			f.ChunksKept++
		}
		return nil
	})
	return explain(err, &c.Config)
}

// addSteps counts the time-steps of a chunk, and the rows that are none.
func addSteps[F accel.Float](f *Forecast, b *nn.Batch[F]) {
	steps := int64(0)
	for _, length := range b.Lengths {
		steps += int64(length)
	}
	f.CurvSteps += steps
	f.PaddedSteps += int64(b.Rows()) - steps
}

// String lays the forecast out for a person.
func (f *Forecast) String() string {
	var b strings.Builder
	b.WriteString(f.yaml)
	fmt.Fprintf(&b, "\n%s\n", strings.Join(f.Data, "\n"))
	fmt.Fprintf(&b, "parameters        %d\n", f.Parameters)
	fmt.Fprintf(&b, "an iteration      gradient on %d sequences, up to %d products on %d\n", f.GradSeqs, f.ProductSequences/int64(max(1, f.CurvSeqs)), f.CurvSeqs)
	if f.Window > 0 {
		fmt.Fprintf(&b, "windows           of %d time-steps: states are carried across, derivatives are not, an approximation of the gradient and the curvature\n", f.Window)
	}
	fmt.Fprintf(&b, "padding           %d of the %d time-steps of a product\n", f.PaddedSteps, f.CurvSteps)
	fmt.Fprintf(&b, "activations       %.1f MiB for %d chunks, limit %.1f MiB: ", mib(f.ActivationBytes), f.Chunks, mib(f.ActivationLimit))
	if f.ChunksKept == f.Chunks {
		fmt.Fprintln(&b, "kept for all products (section 7.1)")
	} else {
		fmt.Fprintf(&b, "%d chunks kept, the others are computed anew for each product; --memory %.0fMiB would keep all\n", f.ChunksKept, mib(f.ActivationBytes)/keepShare+1)
	}
	if f.HiddenStates != nil {
		b.WriteString(f.HiddenStates.String())
	}
	fmt.Fprintf(&b, "a checkpoint      %.1f MiB\nrun directory     %s (not made)\n", mib(f.CheckpointBytes), f.Run)
	return b.String()
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
