package main

import (
	"math"
	"strings"
	"testing"

	"curvestream/checkpointing"
)

// The budget of a number of slots gives them, and a little less does not.
func TestSlots(t *testing.T) {
	p := problem(8, 16, 900)
	for _, want := range []int{0, 4, 9} {
		budget, err := slots(p, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := plan(p, budget)
		if err != nil {
			t.Fatal(err)
		}
		if want > 0 && got.Slots != want || want == 0 && got.Method != checkpointing.Triangular {
			t.Errorf("%d slots: %+v", want, got)
		}
		if less, err := plan(p, budget-budget/4); err == nil && less.Slots >= got.Slots {
			t.Errorf("%d slots: a budget of three quarters gives as many", want)
		}
	}
}

// What is counted is what no schedule goes below, from √(2T) slots on.
func TestCounts(t *testing.T) {
	rows, table, err := counts(t.Context(), options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rows.([]count) {
		if c.Gradient != c.LeastGradient || c.Product != c.LeastProduct {
			t.Errorf("%+v", c)
		}
	}
	if strings.Count(table, "\n") < 9 {
		t.Errorf("table:\n%s", table)
	}
}

// A conversation with a peer is three products and the memory; a peer that says something else is an error.
func TestConverse(t *testing.T) {
	said := `{"peer": "p", "method": "m", "check": [1, 2]}{"seconds": 3}{"seconds": 1}{"seconds": 2}{"peak_rss_bytes": 7}`
	var in closing
	var r peerRow
	if err := converse(&r, &in, strings.NewReader(said)); err != nil {
		t.Fatal(err)
	}
	if in.String() != "run\nrun\nrun\n" || !in.closed || r.Least != 1 || r.PeakRSS != 7 || r.Check[1] != 2 || math.IsInf(r.Least, 0) {
		t.Errorf("%q, closed %v, %+v", in.String(), in.closed, r)
	}
	if err := converse(&r, &closing{}, strings.NewReader("no JSON")); err == nil {
		t.Error("no error")
	}
}

type closing struct {
	strings.Builder
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }
