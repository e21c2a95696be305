package rnn_test

import (
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/nn"
	"curvestream/rnn"
)

// valuesOfRow counts what a net of 5 hidden units and 3 factors keeps of a time-step of a sequence.
var valuesOfRow = map[rnn.Cell]int{rnn.Plain: 5, rnn.LSTM: 7 * 5, rnn.GRU: 5 * 5, rnn.Multiplicative: 5 + 3*3}

func TestParseCell(t *testing.T) {
	for _, name := range rnn.CellNames() {
		if cell, err := rnn.ParseCell(name); err != nil || cell.String() != name {
			t.Errorf("%s is parsed as %v, %v", name, cell, err)
		}
	}
	if _, err := rnn.ParseCell("esn"); err == nil || !strings.Contains(err.Error(), "rnn, lstm, gru, mrnn") {
		t.Errorf("err = %v, want the names of all cells", err)
	}
}

// What a cell does not have is an error that says so.
func TestValidateCell(t *testing.T) {
	good := rnn.Config{In: 1, Hidden: 2, Out: 1}
	for name, test := range map[string]struct {
		change func(c *rnn.Config)
		want   string
	}{
		"unknown":            {func(c *rnn.Config) { c.Cell = 17 }, "no cell 17"},
		"logistic LSTM":      {func(c *rnn.Config) { c.Cell, c.Activation = rnn.LSTM, accel.Logistic }, "tanh hidden units"},
		"no factors":         {func(c *rnn.Config) { c.Cell = rnn.Multiplicative }, "needs at least one"},
		"factors of the GRU": {func(c *rnn.Config) { c.Cell, c.Factors = rnn.GRU, 3 }, "has none"},
		"cross-entropy":      {func(c *rnn.Config) { c.Cell, c.Distance = rnn.GRU, nn.CrossEntropyDistance }, "use the squared distance"},
		"linear":             {func(c *rnn.Config) { c.Distance = nn.CrossEntropyDistance }, "tanh or logistic"},
		"two mistakes":       {func(c *rnn.Config) { c.Cell, c.Hidden = rnn.Multiplicative, 0 }, "0 hidden units"},
	} {
		c := good
		test.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: err = %v, want %q", name, err, test.want)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

// A layout has the parameters of the cell's equations, with their sizes.
func TestLayout(t *testing.T) {
	for _, test := range []struct {
		config rnn.Config
		want   string
		n      int
	}{
		{rnn.Config{Biases: true}, "W_xh W_hh b_h h_0 W_zh b_z", 4*3 + 4*4 + 4 + 4 + 2*4 + 2},
		{rnn.Config{}, "W_xh W_hh h_0 W_zh", 4*3 + 4*4 + 4 + 2*4},
		{rnn.Config{Cell: rnn.LSTM, Biases: true}, "W_x W_h b h_0 c_0 W_zh b_z", 16*3 + 16*4 + 16 + 4 + 4 + 2*4 + 2},
		{rnn.Config{Cell: rnn.GRU, Biases: true}, "W_x W_h b_x b_h h_0 W_zh b_z", 12*3 + 12*4 + 12 + 12 + 4 + 2*4 + 2},
		{rnn.Config{Cell: rnn.Multiplicative, Factors: 5}, "W_fx W_fh W_hx W_hf h_0 W_zh", 5*3 + 5*4 + 4*3 + 4*5 + 4 + 2*4},
	} {
		test.config.In, test.config.Hidden, test.config.Out = 3, 4, 2
		l := test.config.Layout()
		var names []string
		for _, p := range l {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != test.want || l.Len() != test.n {
			t.Errorf("%v: %s with %d elements, want %s with %d", test.config.Cell, got, l.Len(), test.want, test.n)
		}
	}
}
