package main

import (
	"strings"
	"testing"
)

// A goal costs all that was spent up to the end of the first iteration at or below it; a goal that is never reached says so, and what is
// not finite reaches none.
func TestCosts(t *testing.T) {
	row := func(f any, products, gradients float64) map[string]any {
		return map[string]any{"f": f, "gv_products": products, "grad_evals": gradients, "f_evals": 3.0}
	}
	rows := []map[string]any{row(9.0, 10, 1), row(nil, 5, 2), row(4.0, 7, 1), row(6.0, 1, 1), row(4.0, 1, 1)}
	got := costs(rows, []float64{20, 5, 4, 1})
	for i, want := range []cost{{20, true, 1, 10, 1, 3}, {5, true, 3, 22, 4, 9}, {4, true, 3, 22, 4, 9}, {1, false, 0, 24, 6, 15}} {
		if got[i] != want {
			t.Errorf("goal %g: %+v, want %+v", want.Goal, got[i], want)
		}
	}
	p := problem{goals: []float64{20, 1}, peers: []peer{{name: "a peer", products: map[float64]int{20: 77}}, {name: "no figures"}}}
	table := contestTable(p, []contest{{Recipe: "mine", Costs: costs(rows, p.goals), F: 4}})
	for _, want := range []string{"| mine | 10 + 1 | – | 4 |", "| a peer | 77 | | |"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
	if strings.Contains(table, "no figures") {
		t.Error("a peer without figures is in the table")
	}
}
