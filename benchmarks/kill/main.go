// Command kill proves that a run survives kill -9: it trains once without interruption, then again and again, killing the
// program at a random moment and resuming, and compares the final parameters bit for bit and metrics.jsonl line by line.
//
//	go run ./benchmarks/kill [-n 20] [-seed 1]
//
// It leaves benchmarks/results/kill.{json,md} and exits with 1 if any run differs.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	n := flag.Int("n", 20, "how often to kill")
	seed := flag.Uint64("seed", 1, "seed of the moments")
	flag.Parse()
	if err := run(context.Background(), *n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(1)
	}
}

// A row is one killed run.
type row struct {
	After      float64 `json:"killed_after_seconds"`
	Iterations int     `json:"iterations_when_killed"`
	Restarted  bool    `json:"killed_before_the_run_existed"`
	Equal      bool    `json:"parameters_equal"`
	Once       bool    `json:"each_iteration_once"`
}

func run(ctx context.Context, n int, seed uint64) error {
	dir, err := os.MkdirTemp("", "curvestream-kill")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := bench.Build(ctx, dir)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if o, err := p.Run(ctx, false, "gen", "addition", "--length", "20", "--train", "2000", "--valid", "500", "--test", "500", "--seed", "3", "-o", data); err != nil || o.Exit != 0 {
		return fmt.Errorf("gen: %v, exit %d: %s", err, o.Exit, o.Stderr)
	}
	train := func(name string) []string {
		return []string{"train", "--data", filepath.Join(data, "train.parquet"), "--valid", filepath.Join(data, "valid.parquet"),
			"--run", filepath.Join(dir, name), "--iterations", "12", "--seed", "5", "--hidden", "30", "--checkpoint-every", "1it", "--set", "batch.curvature=500"}
	}
	whole, err := p.Run(ctx, false, train("whole")...)
	if err != nil || whole.Exit != 0 {
		return fmt.Errorf("train: %v, exit %d: %s", err, whole.Exit, whole.Stderr)
	}
	want, err := os.ReadFile(filepath.Join(dir, "whole", "checkpoints", "iter-000012", "model.safetensors"))
	if err != nil {
		return err
	}
	fmt.Printf("the uninterrupted run takes %.1f s\n", whole.Seconds)

	rng := rand.New(rand.NewPCG(seed, 0))
	var rows []row
	good := true
	for i := range n {
		r, err := kill(ctx, p, train(fmt.Sprint("killed", i)), filepath.Join(dir, fmt.Sprint("killed", i)), time.Duration(rng.Float64()*whole.Seconds*float64(time.Second)), want)
		if err != nil {
			return fmt.Errorf("run %d: %w", i, err)
		}
		good = good && r.Equal && r.Once
		rows = append(rows, r)
		fmt.Printf("%2d  killed after %.2f s, %d iterations done: parameters equal %v, each iteration once %v\n", i, r.After, r.Iterations, r.Equal, r.Once)
	}
	var table strings.Builder
	table.WriteString("| killed after, s | iterations done | killed before the run existed | parameters equal bit for bit | each iteration once in metrics.jsonl |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %.2f | %d | %v | %v | %v |\n", r.After, r.Iterations, r.Restarted, r.Equal, r.Once)
	}
	if err := bench.Write("kill", fmt.Sprintf("go run ./benchmarks/kill -n %d -seed %d", n, seed), table.String(), rows); err != nil {
		return err
	}
	if !good {
		return fmt.Errorf("a killed run differs from the uninterrupted one")
	}
	return nil
}

// kill starts a run, kills it after the given time, resumes it to its end and compares it with the uninterrupted one.
func kill(ctx context.Context, p bench.Program, train []string, run string, after time.Duration, want []byte) (row, error) {
	r := row{After: after.Seconds()}
	cmd := exec.CommandContext(ctx, p.Path, train...)
	if err := cmd.Start(); err != nil {
		return r, err
	}
	time.Sleep(after)
	cmd.Process.Kill() // fails if the run has ended already, which is a case too
	cmd.Wait()
	if rows, err := bench.Metrics(run); err == nil {
		r.Iterations = len(rows)
	}
	args := []string{"resume", run}
	if _, err := os.Stat(filepath.Join(run, "checkpoints", "latest")); err != nil {
		r.Restarted = true // nothing was on disk yet: the same command starts it anew
		if err := os.RemoveAll(run); err != nil {
			return r, err
		}
		args = train
	}
	o, err := p.Run(ctx, false, args...)
	if err != nil {
		return r, err
	}
	if o.Exit != 0 {
		return r, fmt.Errorf("curvestream %s: exit %d: %s", strings.Join(args, " "), o.Exit, o.Stderr)
	}
	got, err := os.ReadFile(filepath.Join(run, "checkpoints", "iter-000012", "model.safetensors"))
	if err != nil {
		return r, err
	}
	r.Equal = bytes.Equal(got, want)
	rows, err := bench.Metrics(run)
	if err != nil {
		return r, err
	}
	r.Once = len(rows) == 12
	for i, line := range rows {
		r.Once = r.Once && int(bench.Number(line, "iter")) == i+1
	}
	return r, nil
}
