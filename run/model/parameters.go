package model

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"curvestream/accel"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/safetensors"
)

// shape returns the shape of a parameter in a file: vectors have one dimension.
func shape(p nn.Param) []int {
	if p.Rows == 1 && !p.Decays() {
		return []int{p.Cols}
	}
	return []int{p.Rows, p.Cols}
}

// EncodeParameters returns a safetensors file with the parameters by name.
func EncodeParameters[F accel.Float](layout nn.Layout, theta []F, metadata map[string]string) ([]byte, error) {
	tensors := make([]safetensors.Tensor[F], len(layout))
	for i, p := range layout {
		tensors[i] = safetensors.Tensor[F]{Name: p.Name, Shape: shape(p), Data: theta[p.Off : p.Off+p.Size()]}
	}
	return safetensors.Encode(tensors, metadata)
}

// DecodeParameters returns θ in the order of the layout. Names and shapes must be those of the layout, no more and no less.
// The file is named by what in errors.
func DecodeParameters[F accel.Float](layout nn.Layout, f *safetensors.File, what string) ([]F, error) {
	var wrong []string
	for _, name := range f.Names() {
		if _, ok := layout.Find(name); !ok {
			wrong = append(wrong, fmt.Sprintf("%s is not a parameter of the net", name))
		}
	}
	theta := make([]F, layout.Len())
	for _, p := range layout {
		got, ok := f.Shape(p.Name)
		switch want := shape(p); {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("%s of shape %v is missing", p.Name, want))
			continue
		case !slices.Equal(got, want) && !slices.Equal(got, []int{p.Rows, p.Cols}):
			wrong = append(wrong, fmt.Sprintf("%s has shape %v, the net needs %v", p.Name, got, want))
			continue
		}
		values, err := safetensors.Values[F](f, p.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		copy(theta[p.Off:], values)
	}
	if wrong != nil {
		e := fault.New(fault.Data, "model.parameters", "%s does not fit the net", what)
		e.Detail = wrong
		return nil, e.Fix("the net is set by model.hidden, model.biases and the like; it has %s", names(layout))
	}
	return theta, nil
}

func names(layout nn.Layout) string {
	parts := make([]string, len(layout))
	for i, p := range layout {
		parts[i] = fmt.Sprintf("%s%v", p.Name, shape(p))
	}
	return strings.Join(parts, " ")
}

// Initialize draws θ as the settings say, from their seed, or reads it from model.init_from: a file, or the model of a run.
func Initialize[F accel.Float](layout nn.Layout, c *config.Config, s Spec) ([]F, error) {
	if path := c.Model.InitFrom; path != "" {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			stored, err := Find(path, "")
			if err != nil {
				return nil, err
			}
			if err := sameWords(stored.Spec, s, path); err != nil {
				return nil, err
			}
			path = stored.Path
		}
		return read[F](layout, path)
	}
	scheme, err := nn.ParseScheme(c.Model.Init)
	if err != nil {
		return nil, err
	}
	in := nn.Init{Rule: nn.Rule{Scheme: scheme, Scale: c.Model.InitScale, FanIn: c.Model.InitFanIn}, SpectralRadius: c.Model.SpectralRadius,
		TanhShift: c.Model.InitTanhShift, Rules: map[string]nn.Rule{}}
	if in.SpectralRadius == 0 {
		in.SpectralRadius = -1
	}
	for name, factor := range c.Model.InitScales {
		in.Rules[name] = nn.Rule{Scheme: scheme, Scale: c.Model.InitScale * factor, FanIn: c.Model.InitFanIn}
	}
	for _, name := range append(slices.Clone(s.Activation), s.OutputActivation) {
		a, err := nn.ParseActivation(name)
		if err != nil {
			return nil, err
		}
		in.Activations = append(in.Activations, a)
	}
	theta := make([]F, layout.Len())
	if err := nn.Initialize(layout, theta, in, rand.New(rand.NewPCG(c.Seed.Value, initStream))); err != nil {
		return nil, fault.New(fault.Config, "config.init", "%v", err)
	}
	return theta, nil
}

// sameWords refuses to go on from a model whose inputs and outputs stand for other values: weights belong to them by their place.
func sameWords(from, s Spec, path string) error {
	words := func(e *ingest.Encoding) (all [][]string) {
		for _, c := range slices.Concat(e.Inputs, e.Static, e.Targets) {
			all = append(all, c.Vocabulary)
		}
		return all
	}
	if from.Arch == s.Arch && slices.EqualFunc(words(from.Encoding), words(s.Encoding), slices.Equal) {
		return nil
	}
	e := fault.New(fault.Config, "config.init_from", "%s cannot be gone on from: its net is %s with %d inputs, and this one is %s with %d, or their columns have other values",
		path, from.Arch, from.In, s.Arch, s.In)
	return e.Fix("train on data whose columns have the same values, or leave model.init_from out")
}

// initStream keeps the numbers that initial weights are drawn from apart from others of the same seed.
const initStream = 0x696e6974

// unreadable keeps what the system says about a file that is absent, and calls other trouble bad data.
func unreadable(path string, err error) error {
	if f := fault.Of(err); f.Exit == fault.NoInput || f.Exit == fault.NoPerm {
		return f
	}
	return fault.New(fault.Data, "model.unreadable", "%v", err).Fix("%s must be a whole safetensors file", path)
}
