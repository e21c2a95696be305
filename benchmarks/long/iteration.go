package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"curvestream/benchmarks/internal/bench"
)

// An iterationRow is one HF iteration on one sequence.
type iterationRow struct {
	Steps    int     `json:"steps"`
	Seconds  float64 `json:"seconds"`
	PerStep  float64 `json:"microseconds_a_step"`
	Products float64 `json:"products"`
	PeakRSS  int64   `json:"peak_rss"`
}

// iteration runs one HF iteration by the program itself: h=64, one sequence of 10,000 to 1,000,000 time-steps, in 1 GiB, with the same number
// of products.
func iteration(ctx context.Context, _ options) (any, string, error) {
	dir, err := os.MkdirTemp("", "curvestream-long")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	p, err := bench.Build(ctx, dir)
	if err != nil {
		return nil, "", err
	}
	var rows []iterationRow
	var m bench.Markdown
	m.Head("time-steps", "s of one HF iteration", "µs a time-step", "products", "peak RSS MiB (limit 1024)", "time a step, to 10,000's (target within 10 %)")
	for _, T := range []int{10000, 100000, 1000000} {
		r, err := iterate(ctx, p, dir, T)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, r)
		m.Row(bench.Thousands(float64(r.Steps)), fmt.Sprintf("%.2f", r.Seconds), fmt.Sprintf("%.2f", r.PerStep), fmt.Sprint(r.Products), mib(r.PeakRSS), fmt.Sprintf("%.3f", r.PerStep/rows[0].PerStep))
	}
	m.Say("`curvestream train --memory 1GiB --hidden 64`, addition, one sequence; timed by metrics.jsonl, without waiting for data. The preconditioner is the default, the Fisher diagonal.")
	return rows, m.String(), nil
}

func iterate(ctx context.Context, p bench.Program, dir string, T int) (r iterationRow, err error) {
	run := filepath.Join(dir, strconv.Itoa(T))
	data := filepath.Join(dir, fmt.Sprint("data", T))
	if o, err := p.Run(ctx, false, "gen", "addition", "--length", strconv.Itoa(T), "--train", "1", "--valid", "1", "--test", "1", "--seed", "1", "-o", data); err != nil || o.Exit != 0 {
		return r, fmt.Errorf("gen: %v, exit %d: %s", err, o.Exit, o.Stderr)
	}
	var end map[string]any
	o, err := p.JSON(ctx, true, &end, "train", "--data", filepath.Join(data, "train.parquet"), "--run", run, "--memory", "1GiB", "--hidden", "64",
		"--iterations", "1", "--seed", "1", "--cg-max", "4", "--set", "cg.stop=max", "--set", "batch.gradient=1", "--set", "cg.backtrack=last", "--set", "line_search.enabled=false")
	if err != nil {
		return r, err
	}
	rows, err := bench.Metrics(run)
	if err != nil {
		return r, err
	}
	if len(rows) == 0 {
		return r, fmt.Errorf("%d time-steps: no iteration in metrics.jsonl", T)
	}
	text, err := os.ReadFile(filepath.Join(run, "plan.json"))
	if err != nil {
		return r, err
	}
	var plan struct{ States int }
	if err := json.Unmarshal(text, &plan); err != nil {
		return r, err
	}
	last := rows[len(rows)-1]
	r = iterationRow{Steps: plan.States, Seconds: bench.Number(last, "sec") - bench.Number(last, "sec_wait"), Products: bench.Number(last, "gv_products"), PeakRSS: o.PeakRSS}
	r.PerStep = 1e6 * r.Seconds / float64(r.Steps)
	return r, nil
}
