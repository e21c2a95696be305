package main

import (
	"context"
	"fmt"
	"slices"

	text "curvestream/benchmarks/internal/bench"
	"curvestream/run/bench"
)

// A timing is a problem within one budget.
type timing struct {
	What  string  `json:"what"`
	Name  string  `json:"name"`
	Ratio float64 `json:"ratio"` // to keeping all
	measured
}

// ratio measures a gradient and a product under the fewest slots of the triangular schedule, and under fewer, over keeping all states:
// h=256, B=64, T=4000.
func ratio(ctx context.Context, _ options) (any, string, error) {
	var rows []timing
	var m text.Markdown
	m.Head("h=256 B=64 T=4000", "states kept", "MiB", "slots of blocks", "computed again, of all", "s", "over all kept", "target")
	for _, what := range []string{"gv", "gradient"} {
		p := problem(256, 64, 4000)
		p.What = what
		triangle, err := slots(p, 0)
		if err != nil {
			return nil, "", err
		}
		quarter, err := slots(p, 4)
		if err != nil {
			return nil, "", err
		}
		base := 0.0
		for _, c := range []struct {
			name       string
			budget     int64
			unverified bool
			target     string
		}{{"all", 0, false, ""}, {"√(2 blocks)", triangle, false, map[string]string{"gv": "≤ 1.55", "gradient": "≤ 1.40"}[what]},
			{"√(2 blocks), not verified", triangle, true, ""}, {"4 blocks", quarter, false, ""}} {
			p.StateBudget, p.Unverified = c.budget, c.unverified
			got, err := child(ctx, job{p, 3})
			if err != nil {
				return nil, "", err
			}
			if base == 0 {
				base = got.least()
			} else if !slices.Equal(got.Check, rows[len(rows)-1].Check) {
				return nil, "", fmt.Errorf("%s, %s: other numbers than before: %v", what, c.name, got.Check)
			}
			rows = append(rows, timing{what, c.name, got.least() / base, got})
			m.Row(what, c.name, mib(got.Plan.Bytes), fmt.Sprintf("%d of %d", got.Plan.Slots, got.Plan.Blocks), fmt.Sprintf("%.2f", float64(got.Plan.Recomputed)/float64(got.Plan.States)),
				fmt.Sprintf("%.3f", got.least()), fmt.Sprintf("%.3f", got.least()/base), c.target)
		}
	}
	m.Say("The fastest of 3 after a first one, each in a process of its own. A gradient computes every state once more than the column says. All rows of a kind give the same numbers.")
	return rows, m.String(), nil
}

// tiers measures a product whose states are in memory beside the slots, or in a file: h=256, B=64, T=2000, a tenth of the states in
// slots.
func tiers(ctx context.Context, _ options) (any, string, error) {
	p := problem(256, 64, 2000)
	all, err := plan(p, 0)
	if err != nil {
		return nil, "", err
	}
	device := all.All / 6
	var rows []timing
	var m text.Markdown
	m.Head("h=256 B=64 T=2000", "slots MiB", "memory beside MiB", "file MiB", "computed again, of all", "s", "over all kept", "copied GB/s")
	for _, c := range []struct {
		name string
		set  func(p *bench.Problem)
	}{
		{"all kept", func(*bench.Problem) {}},
		{"computed again", func(p *bench.Problem) { p.StateBudget = device }},
		{"in memory", func(p *bench.Problem) { p.StateDevice = device }},
		{"in a file", func(p *bench.Problem) { p.StateBudget, p.Spill = device, 2*all.All }},
		{"in memory and computed again", func(p *bench.Problem) { p.StateBudget, p.StateDevice = 3*device, device }},
		{"in memory and in a file", func(p *bench.Problem) { p.StateBudget, p.StateDevice, p.Spill = 3*device, device, 2*all.All }},
	} {
		q := p
		c.set(&q)
		got, err := child(ctx, job{q, 3})
		if err != nil {
			return nil, "", err
		}
		if len(rows) > 0 && !slices.Equal(got.Check, rows[0].Check) {
			return nil, "", fmt.Errorf("%s: other numbers than with all states kept: %v", c.name, got.Check)
		}
		rows = append(rows, timing{"gv", c.name, 1, got})
		first, t := rows[0].least(), &rows[len(rows)-1]
		t.Ratio = got.least() / first
		copied := float64(got.Plan.Copied) / float64(got.Plan.States) * float64(got.Plan.All) / got.least()
		m.Row(c.name, mib(got.Plan.Device), mib(got.Plan.Bytes-got.Plan.Device), mib(got.Plan.Spilled), fmt.Sprintf("%.2f", float64(got.Plan.Recomputed)/float64(got.Plan.States)),
			fmt.Sprintf("%.3f", got.least()), fmt.Sprintf("%.3f", t.Ratio), fmt.Sprintf("%.2f", 1e-9*copied))
	}
	m.Say("The fastest of 3 after a first one. Copies run beside the computation, so what is copied a second is what was asked for, not what the memory or the disk can; a file of this size stays in the page cache where memory is free. All rows give the same numbers.")
	return rows, m.String(), nil
}
