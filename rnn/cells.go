package rnn

import (
	"curvestream/accel"
	"curvestream/nn"
)

// recurrence returns what the cell of a configuration computes.
func (c Config) recurrence() recurrence {
	switch c.Cell {
	case LSTM:
		return c.lstm().finish()
	case GRU:
		return c.gru().finish()
	case Multiplicative:
		return c.multiplicative().finish()
	}
	return c.plain().finish()
}

func (c Config) plain() recurrence {
	h := c.Hidden
	r := recurrence{params: []shape{{"W_xh", h, c.In}, {"W_hh", h, h}}}
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

func (c Config) lstm() recurrence {
	const gates, cell, squashed, hidden = 0, 1, 2, 3
	h := c.Hidden
	r := recurrence{hidden: hidden, params: []shape{{"W_x", 4 * h, c.In}, {"W_h", 4 * h, h}}}
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

func (c Config) gru() recurrence {
	const gates, reset, candidate, hidden = 0, 1, 2, 3
	h := c.Hidden
	r := recurrence{hidden: hidden, params: []shape{{"W_x", 3 * h, c.In}, {"W_h", 3 * h, h}}}
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

func (c Config) multiplicative() recurrence {
	const ofInput, ofState, factors, hidden = 0, 1, 2, 3
	h, f := c.Hidden, c.Factors
	r := recurrence{hidden: hidden,
		params: []shape{{"W_fx", f, c.In}, {"W_fh", f, h}, {"W_hx", h, c.In}, {"W_hf", h, f}}}
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

// Layout returns the parameters in their order in θ: those of the cell, then W_zh and b_z. The cell's are W_xh, W_hh, b_h, h_0 of the
// plain net; W_x, W_h, b, h_0, c_0 of the LSTM; W_x, W_h, b_x, b_h, h_0 of the GRU; W_fx, W_fh, W_hx, W_hf, b_h, h_0 of the
// multiplicative net. Without biases there are no names with b.
func (c Config) Layout() nn.Layout {
	var l nn.Layout
	for _, p := range c.recurrence().params {
		l = l.Append(p.name, p.rows, p.cols)
	}
	l = l.Append("W_zh", c.Out, c.Hidden)
	if c.Biases {
		l = l.Append("b_z", 1, c.Out)
	}
	return l
}
