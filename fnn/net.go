// Package fnn is the feedforward net of section 2, of any depth:
//
//	y_0 = x,   y_l = s_l(W_l y_l₋₁ + b_l),   z = y_L
//
// It computes f, ∇f, and products with the Gauss-Newton matrix and the Hessian (algorithms 1, 4, 5 and 6). Layers count from 1,
// so that W_l leads into layer l; the report counts activations from 1 and weights by the layer they start from.
package fnn

import (
	"errors"
	"fmt"
	"sync"

	"curvestream/accel"
	"curvestream/nn"
)

// A Config says what the net looks like.
type Config struct {
	Sizes       []int              // of the input, of each hidden layer and of the output
	Activations []accel.Activation // s_l of each layer but the input: one fewer than Sizes
	// The last activation is part of F, not of the loss (section 6.2): Linear, except for what section 6.3 is about.
	Loss     accel.Loss
	Biases   bool                  // whether the b_l exist
	Distance nn.StructuralDistance // d of the structural damping of the hidden layers (section 8.4)
}

// Validate reports all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if len(c.Sizes) < 2 {
		errs = append(errs, fmt.Errorf("fnn: %d layer sizes: there must be an input and an output at least", len(c.Sizes)))
	}
	for i, n := range c.Sizes {
		if n < 1 {
			errs = append(errs, fmt.Errorf("fnn: layer %d has %d units: there must be at least one", i, n))
		}
	}
	if len(c.Activations) != max(0, len(c.Sizes)-1) {
		errs = append(errs, fmt.Errorf("fnn: %d activations for %d layer sizes: there must be one for each layer but the input",
			len(c.Activations), len(c.Sizes)))
	}
	return errors.Join(errs...)
}

// A Net computes with a configuration on a backend. It implements nn.Net. Its batches have sequences of length 1 only.
type Net[F accel.Float] struct {
	Config
	backend accel.Backend[F]
	layout  nn.Layout
	parts   []part
	scratch *nn.Scratch[F]

	mu      sync.Mutex
	weights []weights[F] // free for the next sweep to overwrite
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
	layout := c.Layout()
	return &Net[F]{Config: c, backend: shardsFor(backend, layout.Len()), layout: layout, parts: c.parts(), scratch: nn.NewScratch(backend)}, nil
}

// Layout returns the parameters in their order in θ: W_1, b_1, W_2, b_2 …
func (c Config) Layout() nn.Layout {
	var l nn.Layout
	for i := 1; i < len(c.Sizes); i++ {
		l = l.Append(fmt.Sprintf("W_%d", i), c.Sizes[i], c.Sizes[i-1])
		if c.Biases {
			l = l.Append(fmt.Sprintf("b_%d", i), 1, c.Sizes[i])
		}
	}
	return l
}

// Layout implements nn.Net.
func (n *Net[F]) Layout() nn.Layout { return n.layout }

// layers returns L, the number of layers that compute.
func (c Config) layers() int { return len(c.Sizes) - 1 }
