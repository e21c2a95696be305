package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

// A problem is a training run whose waiting for data is measured.
type problem struct {
	name, why string
	generate  []string // arguments of gen, behind which the folder comes; none where the data are at hand
	train     []string // arguments of train; DATA stands for the folder
}

// iterations are what each problem is trained for.
const iterations = "8"

var waitingProblems = []problem{
	{"addition T=100", "100 units, gradient on 2,000 sequences from files", []string{"addition", "--length", "100", "--train", "20000", "--valid", "500", "--test", "10", "--seed", "1"},
		[]string{"-c", "benchmarks/addition/addition.yaml", "--data", "DATA/train.parquet", "--valid", "DATA/valid.parquet"}},
	{"jsb chorales", "100 units, gradient on all 229 chorales", nil, []string{"-c", "benchmarks/problems/jsb_chorales.yaml"}},
	{"momentum, h=50", "recipe momentum on addition T=30: 1,000 fresh sequences an iteration, at most 50 CG iterations, no line search",
		[]string{"addition", "--length", "30", "--train", "50000", "--valid", "500", "--test", "10", "--seed", "1"},
		[]string{"--recipe", "momentum", "--hidden", "50", "--data", "DATA/train.parquet", "--valid", "DATA/valid.parquet"}},
}

// A waiting is how long the computation of a run waited for data, from the second iteration on: at the first there is nothing to compute
// while data are read.
type waiting struct {
	Problem    string  `json:"problem"`
	Iterations int     `json:"iterations"`
	Seconds    float64 `json:"seconds"`
	Waited     float64 `json:"seconds_waiting"`
	First      float64 `json:"seconds_waiting_first"`
}

func waits(ctx context.Context, o options) error {
	p, err := bench.Build(ctx, o.dir)
	if err != nil {
		return err
	}
	if p.Path, err = filepath.Abs(p.Path); err != nil {
		return err
	}
	var rows []waiting
	var b strings.Builder
	fmt.Fprintf(&b, "Of %s iterations, from the second on.\n\n| problem | | seconds | waiting for data, s | share | at the first iteration, s |\n|---|---|---|---|---|---|\n", iterations)
	for i, w := range waitingProblems {
		r, err := w.measure(ctx, p, filepath.Join(o.dir, fmt.Sprint(i)))
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		rows = append(rows, r)
		fmt.Fprintf(&b, "| %s | %s | %.1f | %.3f | %.2f %% | %.3f |\n", w.name, w.why, r.Seconds, r.Waited, 100*r.Waited/r.Seconds, r.First)
	}
	fmt.Fprintf(&b, "\nLoad of the machine at the end: %s.\n", load())
	return bench.Write("reading-waiting", "go run ./benchmarks/reading -waiting", b.String(), rows)
}

func (w problem) measure(ctx context.Context, p bench.Program, dir string) (waiting, error) {
	r, run := waiting{Problem: w.name}, dir+"-run"
	if len(w.generate) > 0 {
		if _, err := p.Run(ctx, false, append(append([]string{"gen"}, w.generate...), "-o", dir)...); err != nil {
			return r, err
		}
	}
	args := []string{"train", "--run", run, "--seed", "1", "--iterations", iterations}
	for _, a := range w.train {
		args = append(args, strings.ReplaceAll(a, "DATA", dir))
	}
	if _, err := p.Run(ctx, false, args...); err != nil {
		return r, err
	}
	defer os.RemoveAll(run)
	rows, err := bench.Metrics(run)
	if err != nil {
		return r, err
	}
	for i, row := range rows {
		if i == 0 {
			r.First = bench.Number(row, "sec_wait")
			continue
		}
		r.Iterations++
		r.Seconds += bench.Number(row, "sec")
		r.Waited += bench.Number(row, "sec_wait")
	}
	if r.Iterations == 0 {
		return r, fmt.Errorf("the run made %d iterations, too few to measure", len(rows))
	}
	return r, nil
}
