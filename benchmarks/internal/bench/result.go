package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Result is what a job came to, kept as a file beside its run.
type Result struct {
	Name       string            `json:"name"`
	Labels     map[string]string `json:"labels"`
	Digest     string            `json:"digest"` // of the settings it was done with
	State      string            `json:"state"`
	Reason     string            `json:"reason,omitempty"` // why training ended
	Limit      Limit             `json:"limit"`
	Iterations int               `json:"iterations"`
	Products   int               `json:"products"`
	Gradients  int               `json:"gradients"`          // evaluations of the gradient
	Losses     int               `json:"losses"`             // evaluations of f
	Sequences  int               `json:"training_sequences"` // of the gradient minibatches, repetitions counted
	Seconds    float64           `json:"seconds"`            // of training, as the run's own clock has it
	CPUSeconds float64           `json:"cpu_seconds"`        // of the program's calls, reading and evaluation included
	Loss       *float64          `json:"loss"`               // f after the last iteration, on its gradient minibatch
	BestLoss   *float64          `json:"best_valid_loss"`
	BestAt     int               `json:"best_iteration"`
	Test       *Score            `json:"test,omitempty"`
}

// A Score is what `curvestream eval` reports.
type Score struct {
	Loss        *float64 `json:"loss"`
	LossPerStep *float64 `json:"loss_per_step"`
	Accuracy    *float64 `json:"accuracy"`
	ErrorRate   *float64 `json:"error_rate"`
	Sequences   int      `json:"sequences"`
}

// An ending is what `curvestream train` reports.
type ending struct {
	Reason        string
	Iterations    int
	Products      int
	Seconds       float64
	Loss          *float64
	BestLoss      *float64 `json:"best_loss"`
	BestIteration int      `json:"best_iteration"`
}

// complete fills in what training reported and the run's metrics add up to.
func (r *Result) complete(end ending, run string) error {
	r.Reason, r.Iterations, r.Products, r.Seconds = end.Reason, end.Iterations, end.Products, end.Seconds
	r.Loss, r.BestLoss, r.BestAt = end.Loss, end.BestLoss, end.BestIteration
	rows, err := Metrics(run)
	if err != nil {
		return err
	}
	r.Sequences, r.Gradients, r.Losses = 0, 0, 0
	for _, row := range rows {
		gradients := int(Number(row, "grad_evals"))
		r.Sequences += gradients * int(Number(row, "grad_seqs"))
		r.Gradients += gradients
		r.Losses += int(Number(row, "f_evals"))
	}
	return nil
}

// Solved reports whether less than 1 % of the test sequences are wrong: the definition of success of Martens and Sutskever (2011).
func (r Result) Solved() bool {
	return r.State != Started && r.Test != nil && r.Test.ErrorRate != nil && *r.Test.ErrorRate < 0.01
}

// Result returns the result of a job; not known where it has none, or one of other settings.
func (d Desk) Result(j Job) (r Result, known bool, err error) {
	digest, err := j.Digest()
	if err != nil {
		return r, false, err
	}
	r, known, err = read(d.path(j.Name))
	return r, known && r.Digest == digest, err
}

// Results returns all results of the folder, in the order of their names, whatever their settings.
func (d Desk) Results() ([]Result, error) {
	names, err := filepath.Glob(filepath.Join(d.Dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Result
	for _, name := range names {
		r, known, err := read(name)
		if err != nil {
			return nil, err
		}
		if known {
			all = append(all, r)
		}
	}
	return all, nil
}

func (d Desk) path(name string) string { return filepath.Join(d.Dir, name+".json") }

func read(path string) (r Result, known bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, false, fmt.Errorf("%s: %w: remove it, and the row is done again", path, err)
	}
	return r, r.Digest != "", nil
}

// save replaces the result's file at once, so that whoever is interrupted leaves the old one or the new one.
func (d Desk) save(r Result) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	path := d.path(r.Name)
	if err := os.WriteFile(path+".new", append(data, '\n'), files); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
