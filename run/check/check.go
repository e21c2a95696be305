// Package check compares the derivatives that nets compute with finite differences and with reference values.
package check

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"curvestream/accel"
	"curvestream/fnn"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/nn/golden"
	"curvestream/rnn"
	"curvestream/run/config"
	"curvestream/run/device"
	"curvestream/run/fault"
	"curvestream/run/metrics"
	"curvestream/run/model"
)

// A Case is one quantity that was checked.
type Case struct {
	Name      string  `json:"name"` // of the net
	Quantity  string  `json:"quantity"`
	Error     float64 `json:"error"` // the largest, relative to the largest magnitude of the quantity
	Tolerance float64 `json:"tolerance"`
	OK        bool    `json:"ok"`
}

// MarshalJSON writes an error that is not finite as null, and says in "nonfinite" what it was.
func (c Case) MarshalJSON() ([]byte, error) { return metrics.RowOf(c).MarshalJSON() }

// A Report is what `curvestream check` prints.
type Report struct {
	Cases       []Case   `json:"cases"`
	Unsupported []string `json:"unsupported"` // reference cases of nets that this program does not have
	OK          bool     `json:"ok"`
}

func (r *Report) add(name string, rows []derivative.Row) {
	for _, row := range rows {
		r.Cases = append(r.Cases, Case{name, row.Quantity, row.Error, row.Tolerance, row.OK})
	}
}

func (r *Report) judge() *Report {
	r.OK = len(r.Cases) > 0
	for _, c := range r.Cases {
		r.OK = r.OK && c.OK
	}
	return r
}

// String lays the report out for a person: all quantities of each net, or of the failed ones only where there are many nets.
func (r *Report) String() string {
	var b strings.Builder
	failed := 0
	for _, c := range r.Cases {
		verdict := "ok"
		if !c.OK {
			verdict = "WRONG"
			failed++
		}
		fmt.Fprintf(&b, "%-44s %-24s %10.2e  (at most %.0e)  %s\n", c.Name, c.Quantity, c.Error, c.Tolerance, verdict)
	}
	for _, name := range r.Unsupported {
		fmt.Fprintf(&b, "%-44s not checked: this program has no such net\n", name)
	}
	fmt.Fprintf(&b, "%d quantities checked, %d wrong, %d cases not supported\n", len(r.Cases), failed, len(r.Unsupported))
	return b.String()
}

// Golden compares the nets with reference values in the JSON files of a folder.
func Golden(ctx context.Context, dir, where string, threads int) (report *Report, err error) {
	files, err := golden.Files(dir)
	if err != nil {
		return nil, fault.New(fault.NoInput, "check.golden", "%v", err)
	}
	r := &Report{Unsupported: []string{}}
	backend, _, err := device.Open[float64](where, threads)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	for _, file := range files {
		c, err := golden.Load(file)
		if errors.Is(err, golden.ErrUnsupported) {
			r.Unsupported = append(r.Unsupported, file)
			continue
		}
		if err != nil {
			return nil, fault.New(fault.Data, "check.golden", "%v", err)
		}
		net, err := netOf(backend, c)
		if err != nil {
			return nil, err
		}
		rows, err := golden.Check(ctx, c, backend, net)
		if err != nil {
			return nil, err
		}
		r.add(c.Name, rows)
	}
	return r.judge(), nil
}

func netOf(backend accel.Backend[float64], c *golden.Case) (nn.Net[float64], error) {
	distance := nn.SquaredDistance
	if c.Structural != nil {
		distance = c.Structural.Distance
	}
	m := c.Model
	if m.Kind == "fnn" {
		return fnn.New(backend, fnn.Config{Sizes: m.Sizes, Activations: m.Activations, Loss: c.Loss, Biases: m.Biases, Distance: distance})
	}
	cell, err := rnn.ParseCell(m.Kind)
	if err != nil {
		return nil, err
	}
	return rnn.New(backend, rnn.Config{Cell: cell, Factors: m.Factors, In: m.Inputs, Hidden: m.Hidden, Out: m.Outputs, Activation: m.Activation,
		OutputActivation: m.OutputActivation, Loss: c.Loss, Biases: m.Biases, Distance: distance})
}

// The sizes of a toy: small, because a check computes explicit matrices; and the deviation of its parameters, which engages the
// nonlinearities without saturating them (section 7.2).
const (
	toyIn, toyHidden, toyOut, toyFactors = 3, 4, 3, 3
	toyScale                             = 0.5
)

// Net checks a small copy of the configured net in float64: its depth, activations, loss, biases and damping, with small
// widths, few time-steps and random parameters. Settings that only data settle (auto) are checked in each of their values, and with
// model.arch auto each cell that the other settings fit.
func Net(ctx context.Context, c *config.Config) (*Report, error) {
	r := &Report{Unsupported: []string{}}
	seed := c.Seed.Value
	for _, arch := range choices(c.Model.Arch, append(rnn.CellNames(), "mlp")...) {
		if c.Model.Arch == auto && !fits(arch, c) {
			continue
		}
		for _, loss := range choices(c.Model.Loss, nn.LossNames()...) {
			for _, form := range choices(c.Data.Form, "each", "last") {
				if arch == "mlp" && form != "last" && c.Data.Form == auto {
					continue // a feedforward net has one step
				}
				name := fmt.Sprintf("%s %s %s %s", arch, strings.Join(c.Model.Activation, ","), loss, form)
				rows, err := toy(ctx, c, arch, loss, form, seed)
				if err != nil {
					return nil, fmt.Errorf("check: %s: %w", name, err)
				}
				r.add(name, rows)
			}
		}
	}
	return r.judge(), nil
}

const auto = "auto"

// fits reports whether a cell has the activations and the structural distance of the settings.
func fits(arch string, c *config.Config) bool {
	switch arch {
	case "lstm", "gru":
		return slices.Equal(c.Model.Activation, []string{"tanh"}) && c.Model.StructuralDistance != "cross_entropy"
	case "mrnn":
		return slices.Equal(c.Model.Activation, []string{"tanh"})
	}
	return true
}

func choices(word string, all ...string) []string {
	if word == auto {
		return all
	}
	return []string{word}
}

// toySizes returns as many layers as there are, with few units.
func toySizes(layers []int) []int {
	small := make([]int, len(layers))
	for i := range small {
		small[i] = toyHidden
	}
	return small
}

func toy(ctx context.Context, c *config.Config, arch, loss, form string, seed uint64) (rows []derivative.Row, err error) {
	spec := model.NewSpec(c, &ingest.Encoding{In: toyIn, Out: toyOut})
	spec.Arch, spec.Loss, spec.LossCurvature = arch, loss, c.Model.LossCurvature
	if arch == "mrnn" {
		spec.Factors = toyFactors
	}
	spec.Hidden = toySizes(spec.Hidden)
	spec.InputLayers, spec.OutputLayers = toySizes(spec.InputLayers), toySizes(spec.OutputLayers)
	if spec.StructuralDistance == auto {
		spec.StructuralDistance = model.Distance(arch, spec.Activation)
	}
	backend, _, err := device.Open[float64](c.Device, c.Threads)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	net, err := model.NewNet(backend, spec, model.States{})
	if err != nil {
		return nil, fault.New(fault.Config, "config.model", "%v", err)
	}
	l, err := spec.NetLoss()
	if err != nil {
		return nil, err
	}
	y := derivative.Toy{In: toyIn, Out: toyOut, Loss: l, Lengths: []int{4, 2, 3, 4, 1}, Weighted: true}
	if form == "last" {
		y.Form = nn.Last
	}
	if arch == "mlp" {
		y.Lengths = []int{1, 1, 1, 1, 1}
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	b, err := y.Batch(rng)
	if err != nil {
		return nil, err
	}
	mu := c.Damping.StructuralMu
	if mu == 0 {
		mu = 0.1
	}
	return derivative.Check(ctx, backend, net, l, b, derivative.Theta(net.Layout(), toyScale, rng), mu, rng)
}
