// Package rnn is the recurrent net of section 3:
//
//	a_τ = W_xh x_τ + W_hh h_τ₋₁ + b_h,   h_τ = s(a_τ),   z_τ = s_z(W_zh h_τ + b_z)
//
// with a learned initial state h_0, and nets with other cells in the place of the first two equations: LSTM, GRU and the
// multiplicative RNN. A cell is data, a recurrence, which all sweeps carry out. The package computes f, ∇f, and products with the
// Gauss-Newton matrix and the Hessian, by sweeps over packed sequences of different lengths.
//
// A chunk is dealt into shards of columns, and a worker runs a whole sweep over its shard. A sweep goes block by block: a
// block is a few time-steps that together are enough rows for a large GEMM. What is the same matrix at all time-steps
// (W_xh X, V H, W_zh H and all dW) is one product a block; only W_hh h_τ₋₁ and its transpose go step by step.
package rnn

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"curvestream/accel"
	"curvestream/nn"
)

// A Config says what the net looks like.
type Config struct {
	In, Hidden, Out int
	Cell            Cell
	// Upper are the hidden units of further recurrent layers. Each has the same kind of cell and reads h of the one below, and the
	// last one's h goes to the outputs. Departure: the report has one layer; Hidden are its units.
	Upper []int
	// InputLayers and OutputLayers are the units of feedforward layers between x and the first recurrent layer, and between the last
	// one and z, each s(W in + b) with s = LayerActivation.
	InputLayers, OutputLayers []int
	LayerActivation           accel.Activation
	Factors                   int              // F of each layer of the multiplicative cell; 0 of the others
	Activation                accel.Activation // s, of the hidden units of the plain cell; the others have tanh, which need not be said
	// OutputActivation is s_z. It belongs to F, not to the loss: J contains its derivative (section 6.3). Linear, the zero
	// value, is the usual choice.
	OutputActivation accel.Activation
	Loss             accel.Loss
	Biases           bool                  // whether b_h and b_z exist; section 3 has none
	Distance         nn.StructuralDistance // d of the structural damping (section 8.4)
	// StateBudget bounds the bytes of hidden states, and of what else a cell keeps of a time-step, that Gradient and a linearization
	// keep, by recomputing the others (section 7.1). Zero means to keep all. Structural damping and the Hessian keep R{} of as
	// much besides, once and twice.
	StateBudget int64
	// Window, where not 0, cuts sequences into windows of so many time-steps: states are carried from one to the next and are computed
	// at θ anew, but count as given, and so derivatives of all kinds end at the beginning of a window. Gradient and a linearization are
	// then those of the same approximation of f, whose windows begin with constants; Loss and Outputs are what they are without.
	// Departure: the report differentiates through whole sequences.
	Window int
	// Store says where states go that the backend's memory does not hold, and what plans are chosen by.
	Store Store
	// UniformStates keeps every √T-th block of states and recomputes the others, as the report does, for comparison; what a state
	// budget leaves beyond that is not used.
	UniformStates bool
}

// Validate reports all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	for _, size := range []struct {
		name string
		n    int
	}{{"inputs", c.In}, {"hidden units", c.Hidden}, {"outputs", c.Out}} {
		if size.n < 1 {
			errs = append(errs, fmt.Errorf("rnn: %d %s: there must be at least one", size.n, size.name))
		}
	}
	errs = append(errs, c.validateCell())
	errs = append(errs, c.validateLayers()...)
	if c.StateBudget < 0 {
		errs = append(errs, fmt.Errorf("rnn: a state budget of %d bytes: it must be 0 (keep all states) or more", c.StateBudget))
	}
	if c.Window < 0 {
		errs = append(errs, fmt.Errorf("rnn: windows of %d time-steps: it must be 0 (whole sequences) or more", c.Window))
	}
	if c.Store.Device < 0 || c.Store.SpillBudget < 0 {
		errs = append(errs, fmt.Errorf("rnn: states may take %d bytes of the backend's memory and %d of a file: they must be 0 or more", c.Store.Device, c.Store.SpillBudget))
	}
	return errors.Join(errs...)
}

// validateCell reports what is wrong with the cell and with what depends on it.
func (c Config) validateCell() error {
	var errs []error
	if c.Cell < Plain || c.Cell > Multiplicative {
		return fmt.Errorf("rnn: there is no cell %d", int(c.Cell))
	}
	if c.Cell != Plain && c.Activation != accel.Linear && c.Activation != accel.Tanh {
		errs = append(errs, fmt.Errorf("rnn: the cell %v has tanh hidden units: other activations are for the cell %v", c.Cell, Plain))
	}
	switch {
	case c.Cell == Multiplicative && c.Factors < 1:
		errs = append(errs, fmt.Errorf("rnn: %d factors: the cell %v needs at least one", c.Factors, c.Cell))
	case c.Cell != Multiplicative && c.Factors != 0:
		errs = append(errs, fmt.Errorf("rnn: %d factors: the cell %v has none", c.Factors, c.Cell))
	}
	if c.Distance == nn.CrossEntropyDistance {
		switch {
		case c.Cell == LSTM || c.Cell == GRU:
			errs = append(errs, fmt.Errorf("rnn: structural damping by cross-entropy is with respect to what h is an activation of, and the cell %v has no such thing: use the squared distance", c.Cell))
		case c.Cell == Plain && c.Activation != accel.Tanh && c.Activation != accel.Logistic:
			errs = append(errs, fmt.Errorf("rnn: structural damping by cross-entropy needs tanh or logistic hidden units: use the squared distance"))
		}
	}
	return errors.Join(errs...)
}

// A Net computes with a configuration on a backend. It implements nn.Net.
type Net[F accel.Float] struct {
	Config
	backend  accel.Backend[F]
	layout   nn.Layout
	cell     recurrence
	scratch  *nn.Scratch[F]
	host     *nn.Scratch[F] // memory for copies of states
	stepwise bool           // see UseSteps
	swept    *atomic.Bool   // set when a layer is swept as one operation; nil where no one asks

	mu       sync.Mutex
	operands []*operands[F] // free for the next sweep to overwrite
}

var (
	_ nn.Net[float32] = (*Net[float32])(nil)
	_ nn.Net[float64] = (*Net[float64])(nil)
)

// New returns the net of a configuration.
func New[F accel.Float](backend accel.Backend[F], c Config) (*Net[F], error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Cell != Plain {
		c.Activation = accel.Tanh
	}
	return &Net[F]{Config: c, backend: backend, layout: c.Layout(), cell: c.recurrence(), scratch: nn.NewScratch(backend), host: newHost(backend)}, nil
}

// Layout implements nn.Net.
func (n *Net[F]) Layout() nn.Layout { return n.layout }
