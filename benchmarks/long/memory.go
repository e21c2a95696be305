package main

import (
	"context"
	"fmt"

	"curvestream/benchmarks/internal/bench"
)

// A memoryRow compares the memory that a plan says with what is used.
type memoryRow struct {
	Share  float64 `json:"budget_share"`
	Budget int64   `json:"budget"`
	Growth int64   `json:"peak_rss_above_baseline"`
	Ratio  float64 `json:"ratio"`
	measured
}

// memory measures the peak resident memory of products under three budgets: h=256, B=16, T=20,000.
func memory(ctx context.Context, _ options) (any, string, error) {
	p := problem(256, 16, 20000)
	all, err := plan(p, 0)
	if err != nil {
		return nil, "", err
	}
	var rows []memoryRow
	var m bench.Markdown
	m.Head("h=256 B=16 T=20,000", "budget of states MiB", "states, by the plan MiB", "all, by the plan MiB", "peak above baseline MiB", "peak / plan (target ≤ 1.10)", "s a product")
	for _, share := range []float64{0.5, 0.25, 0.12} {
		p.StateBudget = int64(share * float64(all.All))
		got, err := child(ctx, job{p, 1})
		if err != nil {
			return nil, "", err
		}
		r := memoryRow{Share: share, Budget: p.StateBudget, Growth: got.Peak - got.Baseline, measured: got}
		r.Ratio = float64(r.Growth) / float64(got.Bytes)
		rows = append(rows, r)
		m.Row(fmt.Sprintf("%.0f %% of %s MiB", 100*share, mib(all.All)), mib(p.StateBudget), mib(got.Plan.Bytes), mib(got.Bytes), mib(r.Growth), fmt.Sprintf("%.3f", r.Ratio), fmt.Sprintf("%.2f", got.least()))
	}
	m.Say("Each in a process of its own. The baseline is what it holds after it has had the same inputs with one hidden unit; \"all\" is the packed batch, states, outputs, scratch and weights.")
	return rows, m.String(), nil
}
