package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

const (
	solvedName = "solved"
	solvedAt   = "0.01" // share of validation sequences off by more than 0.04: solved, in section 5 of Martens and Sutskever (2011)
)

// programOf returns curvestream: the one that was named, or one that is built into dir.
func programOf(ctx context.Context, o options, dir string) (bench.Program, error) {
	if o.program != "" {
		path, err := filepath.Abs(o.program)
		if err != nil {
			return bench.Program{}, err
		}
		if _, err := os.Stat(path); err != nil {
			return bench.Program{}, fmt.Errorf("-program: %w", err)
		}
		return bench.Program{Path: path, Root: dir}, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return bench.Program{}, lacking("no Go to build curvestream with: name a built one by -program")
	}
	if _, err := os.Stat(filepath.Join("cmd", "curvestream")); err != nil {
		return bench.Program{}, lacking("this is not the project's root, so that curvestream cannot be built: name a built one by -program")
	}
	return bench.Build(ctx, dir)
}

// addition trains as a user would, by the built program: the data are generated, and the run goes on until it is solved or its time is over.
func addition(ctx context.Context, o options, add func(row)) error {
	dir, err := os.MkdirTemp("", "addition")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := programOf(ctx, o, dir)
	if err != nil {
		return err
	}
	length, train, valid, gradient, curvature, cg, limit := "200", "20000", "2000", "10000", "1000", "300", "120s"
	if o.quick {
		length, train, valid, gradient, curvature, cg, limit = "10", "20", "10", "10", "5", "2", "20s"
	}
	data := filepath.Join(dir, "data")
	made, err := program.Run(ctx, false, "gen", "addition", "--length", length, "--train", train, "--valid", valid, "--test", "100", "--seed", "1", "-o", data)
	if err != nil || made.Exit != 0 {
		return fmt.Errorf("generating data: %v, exit %d: %s", err, made.Exit, made.Stderr)
	}
	args := []string{"train", "--recipe", "rnn2011", "--data", filepath.Join(data, "train.parquet"), "--valid", filepath.Join(data, "valid.parquet"),
		"--run", filepath.Join(dir, "run"), "--device", o.device, "--set", "batch.gradient=" + gradient, "--set", "batch.curvature=" + curvature,
		"--set", "cg.max=" + cg, "--set", "run.target_error=" + solvedAt, "--seed", "1", "--time-limit", limit}
	if o.quick {
		args = append(args, "--iterations", "1", "--hidden", "2")
	}
	var end struct {
		Iterations int
		Seconds    float64
		Loss       float64
		Reason     string
	}
	if _, err := program.Decode(ctx, &end, []int{0, 75}, args...); err != nil {
		return err
	}
	if end.Iterations == 0 {
		return errors.New("no iteration was made")
	}
	solved := 0.0
	if strings.Contains(end.Reason, "target") {
		solved = 1
	}
	add(row{"seconds an iteration", end.Seconds / float64(end.Iterations), "s", fmt.Sprintf("%d iterations", end.Iterations)})
	add(row{"loss at the end", end.Loss, "", "ended by: " + end.Reason})
	add(row{solvedName, solved, "", "at most " + solvedAt + " of " + valid + " validation sequences wrong, within " + limit})
	return nil
}
