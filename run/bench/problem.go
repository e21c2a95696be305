package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"curvestream/nn"
)

// A Problem is a net and a chunk of data made of numbers that any language can make again (stream), so that programs can
// compare what they compute and how fast. Its JSON form is what the peers under benchmarks/peers take.
type Problem struct {
	Net    string `json:"net"`              // rnn (section 3, with b_h and b_z) or fnn (section 2)
	Hidden int    `json:"hidden,omitempty"` // rnn: hidden units
	Batch  int    `json:"batch"`            // sequences, or cases of an fnn
	Length int    `json:"length,omitempty"` // rnn: time-steps of each sequence
	In     int    `json:"in,omitempty"`     // rnn: inputs a time-step
	Out    int    `json:"out,omitempty"`    // rnn: outputs
	Form   string `json:"form,omitempty"`   // rnn: outputs at "each" time-step or the "last"
	Sizes  []int  `json:"sizes,omitempty"`  // fnn: units of every layer, the input first
	// Activations are those of the hidden units (rnn, one) or of every layer after the input (fnn).
	Activations []string `json:"activations,omitempty"`
	Loss        string   `json:"loss"`  // squared_error, logistic_cross_entropy or softmax_cross_entropy
	DType       string   `json:"dtype"` // float32 or float64
	Threads     int      `json:"threads"`
	Device      string   `json:"device,omitempty"` // as run/device opens it; nothing means the processor
	What        string   `json:"what"`             // gv or gradient
	Method      string   `json:"method,omitempty"` // of a peer; nothing means its fastest
	Seed        int      `json:"seed"`
	// StateBudget, StateDevice and Spill bound the bytes of an rnn's hidden states in memory, of those where they are computed, and of
	// the file for others, as rnn.Config has them; 0: no bound, and no file.
	StateBudget int64 `json:"state_budget,omitempty"`
	StateDevice int64 `json:"state_device,omitempty"`
	Spill       int64 `json:"spill,omitempty"`
	// Unverified switches the comparison of states that are computed again off.
	Unverified bool `json:"unverified,omitempty"`
}

// curvesSizes are the units of the deep autoencoder of Martens (2010) for the CURVES data.
var curvesSizes = []int{784, 400, 200, 100, 50, 25, 6, 25, 50, 100, 200, 400, 784}

// Recurrent returns the problem of an RNN of tanh units with squared error, in float32 on one thread.
func Recurrent(hidden, batch, length, in, out int, form string) Problem {
	return Problem{Net: "rnn", Hidden: hidden, Batch: batch, Length: length, In: in, Out: out, Form: form,
		Activations: []string{"tanh"}, Loss: "squared_error", DType: "float32", Threads: 1, What: "gv", Seed: 1}
}

// Curves returns the problem of the CURVES autoencoder: logistic units, a linear code of 6, and cross-entropy.
func Curves(cases int) Problem {
	activations := slices.Repeat([]string{"logistic"}, len(curvesSizes)-1)
	activations[5], activations[11] = "linear", "linear"
	return Problem{Net: "fnn", Batch: cases, Sizes: curvesSizes, Activations: activations, Loss: "logistic_cross_entropy",
		DType: "float32", Threads: 1, What: "gv", Seed: 1}
}

// ParseProblem reads the JSON form of a problem.
func ParseProblem(text string) (Problem, error) {
	p := Problem{Loss: "squared_error", DType: "float32", Threads: 1, What: "gv", Seed: 1}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("bench: reading a problem: %w", err)
	}
	return p, p.Validate()
}

// Validate reports all that is wrong.
func (p Problem) Validate() error {
	var errs []error
	word := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("bench: %s is %q: use one of %s", key, value, strings.Join(allowed, ", ")))
		}
	}
	positive := func(key string, n int) {
		if n < 1 {
			errs = append(errs, fmt.Errorf("bench: %s is %d: it must be 1 or more", key, n))
		}
	}
	word("net", p.Net, "rnn", "fnn")
	word("dtype", p.DType, "float32", "float64")
	word("what", p.What, "gv", "gradient")
	positive("batch", p.Batch)
	positive("threads", p.Threads)
	layers := len(p.Activations)
	switch p.Net {
	case "rnn":
		layers = 1
		word("form", p.Form, "each", "last")
		positive("hidden", p.Hidden)
		positive("length", p.Length)
		positive("in", p.In)
		positive("out", p.Out)
	case "fnn":
		layers = max(len(p.Sizes)-1, 1)
		for _, n := range p.Sizes {
			positive("a layer's size", n)
		}
		if len(p.Sizes) < 2 {
			errs = append(errs, errors.New("bench: sizes lists fewer than two layers: give the input's and every layer's units"))
		}
	}
	if len(p.Activations) != layers {
		errs = append(errs, fmt.Errorf("bench: %d activations for %d layers: give one for each", len(p.Activations), layers))
	}
	for _, a := range p.Activations {
		_, err := nn.ParseActivation(a)
		errs = append(errs, err)
	}
	_, err := nn.ParseLoss(p.Loss)
	return errors.Join(append(errs, err)...)
}

// inputs, outputs, rows and outputRows are the sizes of the batch.
func (p Problem) inputs() int {
	if p.Net == "rnn" {
		return p.In
	}
	return p.Sizes[0]
}

func (p Problem) outputs() int {
	if p.Net == "rnn" {
		return p.Out
	}
	return p.Sizes[len(p.Sizes)-1]
}

func (p Problem) steps() int {
	if p.Net == "rnn" {
		return p.Length
	}
	return 1
}

func (p Problem) rows() int { return p.Batch * p.steps() }

func (p Problem) outputRows() int {
	if p.Net == "rnn" && p.Form == "each" {
		return p.rows()
	}
	return p.Batch
}

// width returns the hidden units: of an fnn, those of its widest hidden layer.
func (p Problem) width() int {
	if p.Net == "rnn" {
		return p.Hidden
	}
	if len(p.Sizes) == 2 {
		return 0
	}
	return slices.Max(p.Sizes[1 : len(p.Sizes)-1])
}

// onProcessor reports whether the problem is computed by the processor.
func (p Problem) onProcessor() bool { return p.Device == "" || p.Device == "cpu" }
