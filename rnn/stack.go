package rnn

import (
	"fmt"

	"curvestream/accel"
	"curvestream/nn"
)

// recurrence returns what the net computes at a time-step, but for its outputs: the nodes of its layers, one layer upon the other.
func (c Config) recurrence() recurrence {
	r := recurrence{top: inputs}
	for k, h := range c.InputLayers {
		r.stack(c.feedforward("in", r.width0(c.In), h), layerIndex(k), false)
	}
	recurrent := c.recurrentLayers()
	for k, h := range recurrent {
		index := layerIndex(k)
		if len(recurrent) == 1 {
			index = ""
		}
		r.stack(c.layerOf(r.width0(c.In), h), index, true)
	}
	for k, h := range c.OutputLayers {
		r.stack(c.feedforward("out", r.width0(c.In), h), layerIndex(k), false)
	}
	return r.finish()
}

// recurrentLayers returns the hidden units of each recurrent layer.
func (c Config) recurrentLayers() []int { return append([]int{c.Hidden}, c.Upper...) }

func layerIndex(k int) string { return fmt.Sprintf("_l%d", k) }

// width0 returns the width of what the next layer reads: of the topmost node, or of the inputs where there is none yet.
func (r *recurrence) width0(in int) int {
	if r.top == inputs {
		return in
	}
	return r.nodes[r.top].width
}

// feedforward returns a layer without recurrence: s(W in + b), its parameters named after the part of the net that it is in.
func (c Config) feedforward(part string, in, h int) recurrence {
	r := recurrence{params: []shape{{"W_" + part, h, in}}}
	n := node{width: h, acts: all(c.LayerActivation, h), products: []product{{weight: "W_" + part, hi: h, in: fromX}}}
	if c.Biases {
		r.params = append(r.params, shape{"b_" + part, 1, h})
		n.biases = []bias{{param: "b_" + part, hi: h}}
	}
	r.nodes = []node{n}
	return r
}

// stack puts a layer on top: what it reads of inputs becomes the node that was topmost, and its parameters' names get the index.
func (r *recurrence) stack(l recurrence, index string, recurrent bool) {
	first, below := len(r.nodes), fromX
	if r.top != inputs {
		below = ref{node: r.top, hi: r.nodes[r.top].width}
	}
	moved := func(to ref) ref {
		if to.isInput() {
			return below
		}
		to.node += first
		return to
	}
	for _, p := range l.params {
		p.name += index
		r.params = append(r.params, p)
	}
	for _, n := range l.nodes {
		for j := range n.products {
			p := &n.products[j]
			p.below = p.in.isInput() && !below.isInput()
			p.weight += index
			p.in = moved(p.in)
		}
		for j := range n.biases {
			n.biases[j].param += index
		}
		for j := range n.terms {
			t := &n.terms[j]
			t.p = moved(t.p)
			if !t.alone {
				t.q = moved(t.q)
			}
		}
		if n.carried() {
			n.initial += index
		}
		r.nodes = append(r.nodes, n)
	}
	r.top = first + l.top
	r.nodes[r.top].damped = recurrent
	r.layers = append(r.layers, layer{lo: first, hi: len(r.nodes), recurrent: recurrent})
}

// Layout returns the parameters in their order in θ: those of the input layers, of the recurrent layers from the first to the last, of
// the output layers, and W_zh and b_z. A recurrent layer has W_xh, W_hh, b_h, h_0 in the plain net; W_x, W_h, b, h_0, c_0 in the LSTM;
// W_x, W_h, b_x, b_h, h_0 in the GRU; W_fx, W_fh, W_hx, W_hf, b_h, h_0 in the multiplicative net. Where there are several recurrent
// layers, names end in the index of the layer from 0 on, as in W_hh_l1: the order is PyTorch's, but that initial states follow the
// layer's biases. A feedforward layer has W_in_l0 and b_in_l0 (W_out_l0, b_out_l0). Without biases there are no names with b.
func (c Config) Layout() nn.Layout {
	var l nn.Layout
	r := c.recurrence()
	for _, p := range r.params {
		l = l.Append(p.name, p.rows, p.cols)
	}
	l = l.Append("W_zh", c.Out, r.nodes[r.top].width)
	if c.Biases {
		l = l.Append("b_z", 1, c.Out)
	}
	return l
}

// validateLayers reports what is wrong with the layers above, below and after the first recurrent one.
func (c Config) validateLayers() (errs []error) {
	for _, part := range []struct {
		name  string
		sizes []int
	}{{"recurrent layer", c.Upper}, {"input layer", c.InputLayers}, {"output layer", c.OutputLayers}} {
		for k, n := range part.sizes {
			if n < 1 {
				errs = append(errs, fmt.Errorf("rnn: %d units in %s %d: there must be at least one", n, part.name, k+1))
			}
		}
	}
	if c.LayerActivation != accel.Linear && len(c.InputLayers)+len(c.OutputLayers) == 0 {
		errs = append(errs, fmt.Errorf("rnn: an activation of input and output layers is given, and there are none"))
	}
	return errs
}
