// Command pathological trains a tanh recurrent net of 100 units on the long-range problems of Martens and Sutskever (2011), with
// one recipe and fresh data at every HF iteration, and reports which seeds solve them: less than 1 % of 10,000 test sequences wrong.
//
//	go run ./benchmarks/pathological [-tasks addition,temporal-order] [-lengths 50,100] [-seeds 1,2,3,4] [-limit 30m]
//	                                 [-without-structural] [-set key=value] [-dir benchmarks/local/pathological]
//
// Rows that were stopped are resumed by the same command, finished ones are read back. It leaves
// benchmarks/results/pathological.{json,md}, with all rows that lie in the folder.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	var o options
	tasks := flag.String("tasks", "addition,multiplication,xor,temporal-order,temporal-order-3bit,random-permutation,noiseless-memory-5bit,noiseless-memory-20bit", "the problems")
	lengths := flag.String("lengths", "50", "lengths T")
	seeds := flag.String("seeds", "1", "seeds of weights and data")
	flag.StringVar(&o.limit, "limit", "30m", "time limit of a row")
	flag.BoolVar(&o.plain, "without-structural", false, "no structural damping")
	flag.StringVar(&o.set, "set", "", "one more setting of training, as key=value; it becomes part of the row's name")
	flag.StringVar(&o.dir, "dir", filepath.Join("benchmarks", "local", "pathological"), "where the runs lie")
	flag.Parse()
	if err := run(context.Background(), o, strings.Split(*tasks, ","), strings.Split(*lengths, ","), strings.Split(*seeds, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "pathological:", err)
		os.Exit(1)
	}
}

type options struct {
	limit, set, dir string
	plain           bool
}

// A row is one problem, length and seed.
type row struct {
	Task       string  `json:"task"`
	Length     int     `json:"length"`
	Seed       int     `json:"seed"`
	Structural bool    `json:"structural_damping"`
	Set        string  `json:"set,omitempty"`
	Solved     bool    `json:"solved"`
	ErrorRate  float64 `json:"test_error_rate"`
	Iterations int     `json:"iterations"`
	Products   int     `json:"products"`
	Sequences  int     `json:"training_sequences"`
	Seconds    float64 `json:"seconds"`
}

func run(ctx context.Context, o options, tasks, lengths, seeds []string) error {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	p, err := bench.Build(ctx, o.dir)
	if err != nil {
		return err
	}
	if p.Path, err = filepath.Abs(p.Path); err != nil {
		return err
	}
	for _, task := range tasks {
		for _, length := range lengths {
			for _, seed := range seeds {
				if err := one(ctx, p, o, task, length, seed); err != nil {
					return fmt.Errorf("%s T=%s seed %s: %w", task, length, seed, err)
				}
				if err := report(o.dir); err != nil { // after each row: an interrupted table is a table
					return err
				}
			}
		}
	}
	return nil
}

// one trains, or resumes, and evaluates a row, and leaves it beside its run; a finished row is left alone.
func one(ctx context.Context, p bench.Program, o options, task, length, seed string) error {
	name := task + "-T" + length + "-seed" + seed
	if o.plain {
		name += "-plain"
	}
	if o.set != "" {
		name += "-" + strings.NewReplacer("=", "", ".", "_", "/", "_").Replace(o.set)
	}
	result := filepath.Join(o.dir, name+".json")
	if _, err := os.Stat(result); err == nil {
		return nil
	}
	dir := filepath.Join(o.dir, name)
	source := func(seed string, more string) string {
		return "gen:" + task + "?length=" + length + "&seed=" + seed + more
	}
	args := []string{"train", "-c", filepath.Join("benchmarks", "pathological", "recipe.yaml"), "--data", source(seed, ""), "--valid", source("7"+seed, "&n=2000"),
		"--run", dir, "--seed", seed, "--time-limit", o.limit}
	if o.plain {
		args = append(args, "--set", "damping.structural_mu=0")
	}
	if o.set != "" {
		args = append(args, "--set", o.set)
	}
	if task == "noiseless-memory-5bit" { // all 32 sequences form the batch
		args = append(args, "--set", "batch.gradient=all", "--set", "batch.curvature=all")
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoints", "latest")); err == nil {
		args = []string{"resume", dir, "--time-limit", o.limit}
	}
	var end struct {
		Iterations, Products int
		Seconds              float64
	}
	if _, err := p.JSON(ctx, true, &end, args...); err != nil {
		return err
	}
	var test struct {
		ErrorRate float64 `json:"error_rate"`
	}
	if _, err := p.JSON(ctx, false, &test, "eval", dir, "--data", source("9"+seed, "&n=10000")); err != nil {
		return err
	}
	metrics, err := bench.Metrics(dir)
	if err != nil {
		return err
	}
	r := row{Task: task, Structural: !o.plain, Set: o.set, Solved: test.ErrorRate < 0.01, ErrorRate: test.ErrorRate, Iterations: end.Iterations, Products: end.Products, Seconds: end.Seconds}
	for _, m := range metrics {
		r.Sequences += int(bench.Number(m, "grad_seqs"))
	}
	if r.Length, err = strconv.Atoi(length); err != nil {
		return err
	}
	if r.Seed, err = strconv.Atoi(seed); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(result, data, 0o644)
}

// report writes the table of all finished rows.
func report(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	var rows []row
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var r row
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		rows = append(rows, r)
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		if a.Task != b.Task {
			return a.Task < b.Task
		}
		if a.Length != b.Length {
			return a.Length < b.Length
		}
		if a.Structural != b.Structural {
			return a.Structural
		}
		return a.Seed < b.Seed
	})
	var b strings.Builder
	b.WriteString("A problem is solved when less than 1 % of 10,000 test sequences are wrong.\n\n")
	b.WriteString("| problem | T | seed | structural damping | solved | test sequences wrong | HF iterations | products | training sequences | seconds |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %s | %.2f %% | %d | %d | %d | %.0f |\n", strings.TrimSpace(r.Task+" "+r.Set), r.Length, r.Seed, yes(r.Structural), yes(r.Solved),
			100*r.ErrorRate, r.Iterations, r.Products, r.Sequences, r.Seconds)
	}
	return bench.Write("pathological", "go run ./benchmarks/pathological", b.String(), rows)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
