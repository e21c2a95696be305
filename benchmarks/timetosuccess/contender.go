package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"curvestream/benchmarks/internal/bench"
)

// A contender is a net and a method. One with a cell is PyTorch's; the others are this program's, with its YAML files over addition.yaml.
type contender struct {
	name, title string
	config      []string
	cell        string
	rate        float64
}

var contenders = []contender{
	{name: "hf", title: "curvestream: tanh RNN, HF"},
	{name: "adam", title: "curvestream: tanh RNN, Adam, lr 1e-3", config: []string{"adam.yaml"}},
	{name: "sgd", title: "curvestream: tanh RNN, SGD with Nesterov momentum", config: []string{"sgd.yaml"}},
	{name: "gru", title: "curvestream: GRU, Adam, lr 5e-3", config: []string{"adam.yaml", "gru.yaml"}},
	{name: "torch-gru", title: "PyTorch: GRU, Adam, lr 5e-3", cell: "gru", rate: 5e-3},
	{name: "torch-lstm", title: "PyTorch: LSTM, Adam, lr 5e-3", cell: "lstm", rate: 5e-3},
	{name: "torch-rnn", title: "PyTorch: tanh RNN, Adam, lr 1e-3", cell: "rnn", rate: 1e-3},
}

func names() (all []string) {
	for _, c := range contenders {
		all = append(all, c.name)
	}
	return all
}

func find(name string) (contender, bool) {
	i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == name })
	if i < 0 {
		return contender{}, false
	}
	return contenders[i], true
}

var script = filepath.Join("benchmarks", "peers", "addition_torch.py")

// job returns what trains the contender on data, without a limit. All stop when at most 0.5 % of the validation sequences are wrong.
func (c contender) job(data, length, seed string, threads int) bench.Job {
	j := bench.Job{
		Name:   c.name + "-T" + length + "-seed" + seed + "-threads" + strconv.Itoa(threads),
		Labels: map[string]string{"contender": c.name, "length": length, "seed": seed, "threads": strconv.Itoa(threads)},
	}
	if c.cell != "" {
		j.Config, j.Args = []string{script}, []string{data, c.cell, fmt.Sprint(c.rate), seed, strconv.Itoa(threads)}
		return j
	}
	j.Config = []string{filepath.Join("benchmarks", "addition", "addition.yaml")}
	for _, name := range c.config {
		j.Config = append(j.Config, filepath.Join("benchmarks", "timetosuccess", name))
	}
	j.Args = []string{"--data", filepath.Join(data, "train.parquet"), "--valid", filepath.Join(data, "valid.parquet"), "--seed", seed, "--threads", strconv.Itoa(threads),
		"--set", "run.target_error=0.005", "--set", "run.target_loss=none", "--set", "run.iterations=0"}
	j.Test = filepath.Join(data, "test.parquet")
	return j
}

// peer returns what trains a contender of PyTorch.
func peer(python string, c contender) bench.Trainer {
	return func(ctx context.Context, j bench.Job, run string, r *bench.Result) error {
		if err := os.MkdirAll(run, 0o755); err != nil {
			return err
		}
		threads, err := strconv.Atoi(j.Labels["threads"])
		if err != nil {
			return err
		}
		seed, err := strconv.Atoi(j.Labels["seed"])
		if err != nil {
			return err
		}
		problem, err := json.Marshal(map[string]any{"data": j.Args[0], "cell": c.cell, "rate": c.rate, "threads": threads, "seed": seed,
			"limit": j.Limit.Time.Seconds(), "run": run})
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, python, script, string(problem))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", j.Name, err)
		}
		r.CPUSeconds += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		return answered(out.Bytes(), r)
	}
}

// answered completes a result by what a peer printed.
func answered(out []byte, r *bench.Result) error {
	var a struct {
		Updates, Sequences int
		Seconds            float64
		Done               bool
		TestError          *float64 `json:"test_error"`
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return fmt.Errorf("%s: %w in %q", r.Name, err, out)
	}
	r.Iterations, r.Gradients, r.Sequences, r.Seconds = a.Updates, a.Updates, a.Sequences, a.Seconds
	r.Test = &bench.Score{ErrorRate: a.TestError}
	if r.State, r.Reason = bench.AtLimit, "time"; a.Done {
		r.State, r.Reason = bench.Finished, "target_error"
	}
	return nil
}
