package rnn

import (
	"curvestream/accel"
)

// layerOf returns what a recurrent layer of h units computes from in inputs, parameters without the index of the layer.
func (c Config) layerOf(in, h int) recurrence {
	switch c.Cell {
	case LSTM:
		return c.lstm(in, h)
	case GRU:
		return c.gru(in, h)
	case Multiplicative:
		return c.multiplicative(in, h)
	}
	return c.plain(in, h)
}

func (c Config) plain(in, h int) recurrence {
	r := recurrence{params: []shape{{"W_xh", h, in}, {"W_hh", h, h}}}
	n := node{width: h, acts: all(c.Activation, h), initial: "h_0",
		products: []product{{weight: "W_xh", hi: h, in: fromX}, {weight: "W_hh", hi: h, in: ref{0, 0, h, true}}}}
	if c.Biases {
		r.params = append(r.params, shape{"b_h", 1, h})
		n.biases = []bias{{param: "b_h", hi: h}}
	}
	r.params = append(r.params, shape{"h_0", 1, h})
	r.nodes = []node{n}
	return r
}

func (c Config) lstm(in, h int) recurrence {
	const gates, cell, squashed, hidden = 0, 1, 2, 3
	r := recurrence{top: hidden, params: []shape{{"W_x", 4 * h, in}, {"W_h", 4 * h, h}}}
	a := node{width: 4 * h,
		acts:     []activated{{accel.Logistic, 0, 2 * h}, {accel.Tanh, 2 * h, 3 * h}, {accel.Logistic, 3 * h, 4 * h}},
		products: []product{{weight: "W_x", hi: 4 * h, in: fromX}, {weight: "W_h", hi: 4 * h, in: ref{hidden, 0, h, true}}}}
	if c.Biases {
		r.params = append(r.params, shape{"b", 1, 4 * h})
		a.biases = []bias{{param: "b", hi: 4 * h}}
	}
	r.params = append(r.params, shape{"h_0", 1, h}, shape{"c_0", 1, h})
	i, f, g, o := ref{gates, 0, h, false}, ref{gates, h, 2 * h, false}, ref{gates, 2 * h, 3 * h, false}, ref{gates, 3 * h, 4 * h, false}
	r.nodes = []node{
		gates:    a,
		cell:     {width: h, initial: "c_0", terms: []term{{alpha: 1, p: f, q: ref{cell, 0, h, true}}, {alpha: 1, p: i, q: g}}},
		squashed: {width: h, acts: all(accel.Tanh, h), terms: []term{{p: ref{cell, 0, h, false}, alone: true}}},
		hidden:   {width: h, initial: "h_0", terms: []term{{alpha: 1, p: o, q: ref{squashed, 0, h, false}}}},
	}
	return r
}

func (c Config) gru(in, h int) recurrence {
	const gates, reset, candidate, hidden = 0, 1, 2, 3
	r := recurrence{top: hidden, params: []shape{{"W_x", 3 * h, in}, {"W_h", 3 * h, h}}}
	before := ref{hidden, 0, h, true}
	a := node{width: 2 * h, acts: all(accel.Logistic, 2*h),
		products: []product{{weight: "W_x", hi: 2 * h, in: fromX}, {weight: "W_h", hi: 2 * h, in: before}}}
	g := node{width: h, products: []product{{weight: "W_h", lo: 2 * h, hi: 3 * h, in: before}}} // what the reset gate multiplies
	n := node{width: h, acts: all(accel.Tanh, h), products: []product{{weight: "W_x", lo: 2 * h, hi: 3 * h, in: fromX}},
		terms: []term{{alpha: 1, p: ref{gates, 0, h, false}, q: ref{reset, 0, h, false}}}}
	if c.Biases {
		r.params = append(r.params, shape{"b_x", 1, 3 * h}, shape{"b_h", 1, 3 * h})
		a.biases = []bias{{param: "b_x", hi: 2 * h}, {param: "b_h", hi: 2 * h}}
		g.biases = []bias{{param: "b_h", lo: 2 * h, hi: 3 * h}}
		n.biases = []bias{{param: "b_x", lo: 2 * h, hi: 3 * h}}
	}
	r.params = append(r.params, shape{"h_0", 1, h})
	u, now := ref{gates, h, 2 * h, false}, ref{candidate, 0, h, false}
	r.nodes = []node{gates: a, reset: g, candidate: n,
		hidden: {width: h, initial: "h_0", terms: []term{{p: now, alone: true}, {alpha: -1, p: u, q: now}, {alpha: 1, p: u, q: before}}},
	}
	return r
}

func (c Config) multiplicative(in, h int) recurrence {
	const ofInput, ofState, factors, hidden = 0, 1, 2, 3
	f := c.Factors
	r := recurrence{top: hidden,
		params: []shape{{"W_fx", f, in}, {"W_fh", f, h}, {"W_hx", h, in}, {"W_hf", h, f}}}
	n := node{width: h, acts: all(accel.Tanh, h), initial: "h_0",
		products: []product{{weight: "W_hx", hi: h, in: fromX}, {weight: "W_hf", hi: h, in: ref{factors, 0, f, false}}}}
	if c.Biases {
		r.params = append(r.params, shape{"b_h", 1, h})
		n.biases = []bias{{param: "b_h", hi: h}}
	}
	r.params = append(r.params, shape{"h_0", 1, h})
	r.nodes = []node{
		ofInput: {width: f, products: []product{{weight: "W_fx", hi: f, in: fromX}}},
		ofState: {width: f, products: []product{{weight: "W_fh", hi: f, in: ref{hidden, 0, h, true}}}},
		factors: {width: f, terms: []term{{alpha: 1, p: ref{ofInput, 0, f, false}, q: ref{ofState, 0, f, false}}}},
		hidden:  n,
	}
	return r
}

// all says that all units of a node have an activation.
func all(act accel.Activation, width int) []activated {
	if act == accel.Linear {
		return nil
	}
	return []activated{{act, 0, width}}
}
