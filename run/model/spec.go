// Package model is what is needed to use a trained net: its shape, its parameters by name, and how data are encoded for it.
package model

import (
	"encoding/json"
	"errors"
	"fmt"

	"curvestream/accel"
	"curvestream/fnn"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/rnn"
	"curvestream/run/config"
)

const schema = "curvestream.model/1"

// A Spec is model.json: everything about a model but its parameters.
type Spec struct {
	Schema             string           `json:"schema"`
	Arch               string           `json:"arch"` // rnn, lstm, gru, mrnn or mlp
	In                 int              `json:"in"`
	Hidden             []int            `json:"hidden"`
	InputLayers        []int            `json:"input_layers,omitempty"`
	OutputLayers       []int            `json:"output_layers,omitempty"`
	LayerActivation    string           `json:"layer_activation,omitempty"` // of both
	Factors            int              `json:"factors,omitempty"`          // of mrnn
	Out                int              `json:"out"`
	Activation         []string         `json:"activation"` // of each hidden layer
	OutputActivation   string           `json:"output_activation"`
	Loss               string           `json:"loss"`
	LossCurvature      string           `json:"loss_curvature,omitempty"` // of a loss that is not convex: drop or shift
	Biases             bool             `json:"biases"`
	StructuralDistance string           `json:"structural_distance"`
	DType              string           `json:"dtype"`
	Encoding           *ingest.Encoding `json:"encoding"`
}

// NewSpec returns the Spec of resolved settings for data with the given encoding.
func NewSpec(c *config.Config, e *ingest.Encoding) Spec {
	activation := c.Model.Activation
	if len(activation) == 1 {
		activation = make([]string, len(c.Model.Hidden))
		for i := range activation {
			activation[i] = c.Model.Activation[0]
		}
	}
	factors := c.Model.Factors
	if c.Model.Arch == "mrnn" && factors == 0 {
		factors = c.Model.Hidden[0]
	}
	layerActivation := ""
	if len(c.Model.InputLayers)+len(c.Model.OutputLayers) > 0 {
		layerActivation = c.Model.LayerActivation
	}
	return Spec{Schema: schema, Arch: c.Model.Arch, In: e.In, Hidden: c.Model.Hidden,
		InputLayers: c.Model.InputLayers, OutputLayers: c.Model.OutputLayers, LayerActivation: layerActivation, Factors: factors, Out: e.Out, Activation: activation,
		OutputActivation: c.Model.OutputActivation, Loss: c.Model.Loss, Biases: c.Model.Biases,
		StructuralDistance: c.Model.StructuralDistance, DType: c.DType, Encoding: e}.withLossCurvature(c)
}

// NetLoss returns the loss of the net, with what it shows in the place of an indefinite L″ (section 6.3).
func (s Spec) NetLoss() (accel.Loss, error) {
	loss, err := nn.ParseLoss(s.Loss)
	if err != nil || s.LossCurvature == "" {
		return loss, err
	}
	convexity, err := nn.ParseConvexity(s.LossCurvature)
	return loss.Shows(convexity), err
}

// withLossCurvature records how training makes the curvature of the loss positive semi-definite, where the loss is not convex.
func (s Spec) withLossCurvature(c *config.Config) Spec {
	if loss, err := nn.ParseLoss(s.Loss); err == nil && !loss.Convex() {
		s.LossCurvature = c.Model.LossCurvature
	}
	return s
}

// Distance returns the structural distance that fits a net's hidden activations: cross-entropy where all of them are tanh or
// logistic, but for an lstm or a gru, whose hidden units are not activations of anything.
func Distance(arch string, activation []string) string {
	if arch == "lstm" || arch == "gru" {
		return "squared_error"
	}
	for _, a := range activation {
		if a != "tanh" && a != "logistic" {
			return "squared_error"
		}
	}
	return "cross_entropy"
}

// JSON returns the content of model.json.
func (s Spec) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return append(text, '\n'), nil
}

// ParseSpec reads model.json.
func ParseSpec(text []byte) (Spec, error) {
	var s Spec
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("model.json: %w", err)
	}
	if s.Schema != schema {
		return s, fmt.Errorf("model.json: schema %q is not %q: it was written by another version", s.Schema, schema)
	}
	if s.Encoding == nil {
		return s, errors.New("model.json: the encoding is missing")
	}
	return s, nil
}

// A Net is a net as package rnn and package fnn make them.
type Net[F accel.Float] interface {
	nn.Net[F]
	// Bytes returns the memory that a linearization on a chunk takes, structural damping included or not.
	Bytes(b *nn.Batch[F], structural bool) int64
}

// States says what a recurrent net keeps of its hidden states; the zero value means all of them.
type States struct {
	Budget  int64 // bytes of states of a chunk; the others are computed again. 0: no bound
	Uniform bool  // by the report's schedule (section 7.1)
	Window  int   // time-steps that derivatives go back at most; 0: all. See rnn.Config
	Store   rnn.Store
}

// NewNet returns the net that s describes, on a backend.
func NewNet[F accel.Float](backend accel.Backend[F], s Spec, states States) (Net[F], error) {
	loss, err := s.NetLoss()
	if err != nil {
		return nil, err
	}
	activations := make([]accel.Activation, len(s.Activation), len(s.Activation)+1)
	for i, name := range s.Activation {
		if activations[i], err = nn.ParseActivation(name); err != nil {
			return nil, err
		}
	}
	output, err := nn.ParseActivation(s.OutputActivation)
	if err != nil {
		return nil, err
	}
	distance := nn.CrossEntropyDistance
	if s.StructuralDistance == "squared_error" {
		distance = nn.SquaredDistance
	}
	if s.Arch == "mlp" {
		sizes := append(append([]int{s.In}, s.Hidden...), s.Out)
		return fnn.New(backend, fnn.Config{Sizes: sizes, Activations: append(activations, output), Loss: loss, Biases: s.Biases, Distance: distance})
	}
	cell, err := rnn.ParseCell(s.Arch)
	if err != nil {
		return nil, err
	}
	layers := accel.Linear
	if s.LayerActivation != "" {
		if layers, err = nn.ParseActivation(s.LayerActivation); err != nil {
			return nil, err
		}
	}
	return rnn.New(backend, rnn.Config{Cell: cell, Factors: s.Factors, In: s.In, Hidden: s.Hidden[0], Out: s.Out, Activation: activations[0],
		Upper: s.Hidden[1:], InputLayers: s.InputLayers, OutputLayers: s.OutputLayers, LayerActivation: layers, Window: states.Window,
		OutputActivation: output, Loss: loss, Biases: s.Biases, Distance: distance, StateBudget: states.Budget, UniformStates: states.Uniform, Store: states.Store})
}
