package rnn

import (
	"fmt"
	"slices"
	"strings"
)

// A Cell is a kind of recurrence: what a net does with x_τ and the states before to get h_τ.
type Cell int

// The cells. Departure: the report has the first one only; the gated ones are those of the usual libraries (PyTorch's forms).
const (
	// Plain is the net of section 3: h = s(W_xh x + W_hh h₋₁ + b_h).
	Plain Cell = iota
	// LSTM has a second state c: (i, f, g, o) = W_x x + W_h h₋₁ + b, c = σ(f) c₋₁ + σ(i) tanh(g), h = σ(o) tanh(c).
	LSTM
	// GRU mixes a candidate and the state before: (r, u) = σ(W_x x + b_x + W_h h₋₁ + b_h), n = tanh(W_x x + b_x + r (W_h h₋₁ + b_h)),
	// h = (1 − u) n + u h₋₁; the rows of W_x and W_h are those of r, u and n.
	GRU
	// Multiplicative lets the input choose the recurrent weights through F factors: f = (W_fx x) (W_fh h₋₁),
	// h = tanh(W_hx x + W_hf f + b_h) (Sutskever, Martens & Hinton 2011).
	Multiplicative
)

var cellNames = []string{Plain: "rnn", LSTM: "lstm", GRU: "gru", Multiplicative: "mrnn"}

// CellNames returns the names of all cells.
func CellNames() []string { return slices.Clone(cellNames) }

// String returns the name that ParseCell takes.
func (c Cell) String() string { return cellNames[c] }

// ParseCell returns the cell of a name: rnn, lstm, gru or mrnn.
func ParseCell(name string) (Cell, error) {
	if i := slices.Index(cellNames, name); i >= 0 {
		return Cell(i), nil
	}
	return 0, fmt.Errorf("rnn: unknown cell %q: use one of %s", name, strings.Join(cellNames, ", "))
}
