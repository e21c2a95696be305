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
	Chunk  int64   `json:"chunk_bytes"` // inputs and targets as they were read
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
	m.Head("h=256 B=16 T=20,000", "budget of states MiB", "states, by the plan MiB", "linearization, by the plan MiB", "chunk MiB", "peak above baseline MiB", "peak / both (target ≤ 1.10)", "s a product")
	for _, share := range []float64{0.5, 0.25, 0.12} {
		p.StateBudget = int64(share * float64(all.All))
		got, err := child(ctx, job{p, 1})
		if err != nil {
			return nil, "", err
		}
		r := memoryRow{Share: share, Budget: p.StateBudget, Growth: got.Peak - got.Baseline, measured: got}
		r.Chunk = 4 * int64(p.Batch) * int64(p.Length) * int64(p.In+p.Out)
		r.Ratio = float64(r.Growth) / float64(got.Bytes+r.Chunk)
		rows = append(rows, r)
		m.Row(fmt.Sprintf("%.0f %% of %s MiB", 100*share, mib(all.All)), mib(p.StateBudget), mib(got.Plan.Bytes), mib(got.Bytes), mib(r.Chunk), mib(r.Growth), fmt.Sprintf("%.3f", r.Ratio), fmt.Sprintf("%.2f", got.least()))
	}
	m.Say("Each in a process of its own. The baseline is what it holds after it has had the same inputs with one hidden unit; a linearization is the packed batch, states, outputs, scratch and weights. In training, chunks as they were read belong to another share of --memory.")
	return rows, m.String(), nil
}
