package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"curvestream/benchmarks/internal/bench"
)

// A ladder trains a net on the addition problem at one length after the other, each from the model of the one before.
type ladder struct {
	config string
	memory string   // in which the states of the last rungs do not fit
	first  []string // settings of the first rung
	later  []string // and of the others
}

// rungs are the lengths T.
var rungs = []int{30, 60, 125, 250, 500, 1000}

// A rung is training at one length until at most 0.4 % of 250 validation sequences are wrong.
type rung struct {
	Length     int     `json:"length"`
	Iterations int     `json:"iterations"`
	Products   int     `json:"products"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	PeakRSS    int64   `json:"peak_rss"`
	Kept       int64   `json:"kept_bytes"` // of the states of a minibatch
	All        int64   `json:"all_bytes"`
	Reason     string  `json:"reason"` // why training ended
	ErrorRate  float64 `json:"test_error_rate"`
}

func additionGRU(ctx context.Context, _ options) (any, string, error) {
	return ladder{config: "gru.yaml", memory: "72MiB", later: []string{"--set", "first_order.rate=1:2e-3"}}.climb(ctx)
}

func additionHF(ctx context.Context, _ options) (any, string, error) {
	return ladder{config: "linear.yaml", memory: "72MiB", first: []string{"--set", "run.target_error=none", "--set", "run.target_loss=1e-5"}}.climb(ctx)
}

func (l ladder) climb(ctx context.Context) (any, string, error) {
	dir, err := os.MkdirTemp("", "curvestream-long")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	p, err := bench.Build(ctx, dir)
	if err != nil {
		return nil, "", err
	}
	var rows []rung
	var m bench.Markdown
	m.Head("T", "iterations", "products", "s", "CPU s", "peak RSS MiB", "states kept, MiB of", "MiB", "ended by", "wrong of 10,000 test sequences")
	before := ""
	for _, T := range rungs {
		r, run, err := l.rung(ctx, p, dir, T, before)
		if err != nil {
			return nil, "", fmt.Errorf("length %d: %w", T, err)
		}
		rows, before = append(rows, r), run
		m.Row(fmt.Sprint(r.Length), fmt.Sprint(r.Iterations), fmt.Sprint(r.Products), fmt.Sprintf("%.0f", r.Seconds), fmt.Sprintf("%.0f", r.CPUSeconds), mib(r.PeakRSS),
			mib(r.Kept), mib(r.All), r.Reason, fmt.Sprintf("%.2f %%", 100*r.ErrorRate))
		if r.Reason != "target" && r.Reason != "target_error" {
			break // the next length would begin with a problem that is not solved
		}
	}
	m.Say("`train --data gen:addition?length=T -c benchmarks/long/" + l.config + " --init-from RUN-BEFORE --memory " + l.memory +
		"`, one thread, seed 1. A sequence is wrong if the output is off by more than 0.04; a problem counts as solved with less than 1 %% wrong. CPU seconds are those of training; seconds are on the wall clock.")
	return rows, m.String(), nil
}

// rung trains at length T, from a run if there is one, and tests.
func (l ladder) rung(ctx context.Context, p bench.Program, dir string, T int, from string) (r rung, run string, err error) {
	run = filepath.Join(dir, fmt.Sprint("T", T))
	args := []string{"train", "-c", filepath.Join("benchmarks", "long", l.config), "--data", fmt.Sprintf("gen:addition?length=%d&seed=1", T),
		"--valid", fmt.Sprintf("gen:addition?length=%d&seed=71&n=250", T), "--memory", l.memory, "--run", run, "--seed", "1"}
	if from == "" {
		args = append(args, l.first...)
	} else {
		args = append(append(args, "--init-from", from), l.later...)
	}
	var end struct {
		Iterations, Products int
		Seconds              float64
		Reason               string
	}
	o, err := p.JSON(ctx, true, &end, args...)
	if err != nil {
		return r, "", err
	}
	text, err := os.ReadFile(filepath.Join(run, "plan.json"))
	if err != nil {
		return r, "", err
	}
	r = rung{Length: T, Iterations: end.Iterations, Products: end.Products, Seconds: end.Seconds, CPUSeconds: o.CPUSeconds, PeakRSS: o.PeakRSS, Reason: end.Reason}
	var plan struct {
		Kept int64 `json:"kept_bytes"`
		All  int64 `json:"all_bytes"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return r, "", err
	}
	r.Kept, r.All = plan.Kept, plan.All
	var test struct {
		ErrorRate float64 `json:"error_rate"`
	}
	_, err = p.JSON(ctx, false, &test, "eval", run, "--data", fmt.Sprintf("gen:addition?length=%d&seed=72&n=10000", T), "--threads", "1")
	r.ErrorRate = test.ErrorRate
	return r, run, err
}
