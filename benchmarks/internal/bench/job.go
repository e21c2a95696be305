package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A Job is one row of a table: a training run that is remembered. What it is called, what it is trained with, and where it ends.
type Job struct {
	Name   string            // of its folder and of its result; unique among the jobs of a Desk
	Labels map[string]string // what the table groups rows by
	Config []string          // YAML files, the last one the strongest
	Args   []string          // of `curvestream train`: data, settings and seed; neither --run nor a limit
	Test   string            // what the model is evaluated on in the end; "" for nothing
	Limit  Limit
}

// A Limit is what a job may use; 0 is no limit. Products and iterations end a job at the same iteration on every machine.
type Limit struct {
	Products   int           `json:"products,omitempty"`
	Iterations int           `json:"iterations,omitempty"`
	Time       time.Duration `json:"nanoseconds,omitempty"`
}

// args returns the flags that set the limit.
func (l Limit) args() []string {
	limit := "none"
	if l.Time > 0 {
		limit = l.Time.String()
	}
	args := []string{"--products", strconv.Itoa(l.Products), "--time-limit", limit}
	if l.Iterations > 0 {
		args = append(args, "--iterations", strconv.Itoa(l.Iterations))
	}
	return args
}

// String says what the limit is, for a table.
func (l Limit) String() string {
	text := ""
	if l.Products > 0 {
		text += fmt.Sprintf(", %d products", l.Products)
	}
	if l.Iterations > 0 {
		text += fmt.Sprintf(", %d iterations", l.Iterations)
	}
	if l.Time > 0 {
		text += ", " + l.Time.String()
	}
	if text == "" {
		return "none"
	}
	return text[2:]
}

// beyond reports whether a run that ended for reason at limit old may go on under l.
func (l Limit) beyond(old Limit, reason string) bool {
	more := func(now, before int64) bool { return before > 0 && (now == 0 || now > before) }
	switch reason {
	case "products":
		return more(int64(l.Products), int64(old.Products))
	case "time":
		return more(int64(l.Time), int64(old.Time))
	case "iterations":
		return l.Iterations > 0 && more(int64(l.Iterations), int64(old.Iterations))
	}
	return false
}

// Digest returns what identifies all that a job's result follows from but the program: configuration files, arguments and test data.
func (j Job) Digest() (string, error) {
	h := sha256.New()
	for _, name := range j.Config {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("bench: %s: %w", j.Name, err)
		}
		fmt.Fprintf(h, "%d\n%s", len(text), text)
	}
	fmt.Fprintf(h, "%q %q", j.Args, j.Test)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// How far a job is.
const (
	Started  = "started"  // it was interrupted, or is at work
	AtLimit  = "limit"    // it used its limit; it goes on where the limit is raised
	Finished = "finished" // it ended by itself: at its target, or where it could not go on
)

const (
	diverged = 80 // exit code of a run that did; it is a result
	folders  = os.FileMode(0o755)
	files    = os.FileMode(0o644)
)

// A Desk is where jobs are done: a built program and the folder of runs and results.
type Desk struct {
	Program Program
	Dir     string
}

// Open builds the program for the jobs in dir, which is made where it is missing.
func Open(ctx context.Context, dir string) (Desk, error) {
	if err := os.MkdirAll(dir, folders); err != nil {
		return Desk{}, err
	}
	p, err := Build(ctx, dir)
	if err != nil {
		return Desk{}, err
	}
	if p.Path, err = filepath.Abs(p.Path); err != nil {
		return Desk{}, err
	}
	return Desk{p, dir}, nil
}

// Do brings a job to its end and returns its result. One that has ended is not done again, unless its limit was raised: then it goes on, as
// one that was interrupted does, from its last checkpoint. One that was done with other settings is done anew.
func (d Desk) Do(ctx context.Context, j Job) (Result, error) { return d.DoBy(ctx, j, d.train) }

// A Trainer brings a job to its end, or to its limit, in the folder run: it goes on from what lies there, and completes the result.
type Trainer func(ctx context.Context, j Job, run string, r *Result) error

// DoBy does as Do, where something else than the program trains.
func (d Desk) DoBy(ctx context.Context, j Job, train Trainer) (Result, error) {
	r, known, err := d.Result(j)
	if err != nil {
		return r, err
	}
	if known && r.State != Started && !j.Limit.beyond(r.Limit, r.Reason) {
		return r, nil
	}
	run := d.Run(j)
	if !known {
		if err := os.RemoveAll(run); err != nil {
			return r, err
		}
		r = Result{Name: j.Name, Labels: j.Labels, State: Started}
		if r.Digest, err = j.Digest(); err != nil {
			return r, err
		}
	}
	r.Limit, r.State = j.Limit, Started
	if err := d.save(r); err != nil {
		return r, err
	}
	if err := train(ctx, j, run, &r); err != nil {
		return r, errors.Join(err, d.save(r))
	}
	return r, d.save(r)
}

// Run returns the run directory of a job.
func (d Desk) Run(j Job) string { return filepath.Join(d.Dir, j.Name) }

// train trains or resumes, evaluates, and completes the result.
func (d Desk) train(ctx context.Context, j Job, run string, r *Result) error {
	args := []string{"train"}
	for _, name := range j.Config {
		args = append(args, "-c", name)
	}
	args = append(append(args, j.Args...), "--run", run)
	if _, err := os.Stat(filepath.Join(run, "checkpoints", "latest")); err == nil {
		args = []string{"resume", run}
	} else if err := os.RemoveAll(run); err != nil { // it was interrupted before its first checkpoint
		return err
	}
	var end ending
	o, err := d.Program.Decode(ctx, &end, []int{0, diverged}, append(append(args, "--progress", "none"), j.Limit.args()...)...)
	r.CPUSeconds += o.CPUSeconds
	if err != nil {
		return fmt.Errorf("bench: %s: %w", j.Name, err)
	}
	if err := r.complete(end, run); err != nil {
		return err
	}
	if j.Test != "" {
		r.Test = &Score{}
		if _, err := d.Program.JSON(ctx, false, r.Test, "eval", run, "--data", j.Test); err != nil {
			return fmt.Errorf("bench: %s: %w", j.Name, err)
		}
	}
	r.State = Finished
	if r.Reason == "products" || r.Reason == "time" || r.Reason == "iterations" && j.Limit.Iterations > 0 {
		r.State = AtLimit
	}
	return nil
}
