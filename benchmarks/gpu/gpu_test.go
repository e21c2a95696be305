package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

// here runs a step in this process.
func here(ctx context.Context, o options, s step) outcome { return s.carryOut(ctx, o) }

// TestQuick runs the steps at tiny sizes on the emulated device: all pass, and leave rows, a table of targets, and files.
func TestQuick(t *testing.T) {
	golden := shared.Dir(t, "golden")
	t.Chdir(t.TempDir())
	o := options{device: "emulate", golden: golden, quick: true, limit: 1 << 40, name: "quick",
		only: "facts,conformance,golden,derivatives,repeatable,training,leaks,rates,gv,pinned,iteration,torch,grid"}
	if err := run(t.Context(), o, here); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(filepath.Join("benchmarks", "results", "gpu", "quick.json"))
	if err != nil {
		t.Fatal(err)
	}
	var left struct{ Rows results }
	if err := json.Unmarshal(data, &left); err != nil {
		t.Fatal(err)
	}
	if len(left.Rows.Steps) != 13 || len(left.Rows.Targets) != 8 {
		t.Errorf("%d steps, %d targets", len(left.Rows.Steps), len(left.Rows.Targets))
	}
	for _, s := range left.Rows.Steps {
		if lacks := s.Step == "leaks" || s.Step == "torch"; s.Error != "" || lacks != (s.Skipped != "") || !lacks && len(s.Rows) == 0 {
			t.Errorf("%+v", s)
		}
	}
	text, err := os.ReadFile(filepath.Join("benchmarks", "results", "gpu", "quick.md"))
	if err != nil || !strings.Contains(string(text), "not judged: tiny sizes") || !strings.Contains(string(text), "SGEMM peak") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestStepsSurvive has a step fail and another panic: the results tell, keep what was found before, and the next steps run.
func TestStepsSurvive(t *testing.T) {
	defer func(all []step) { steps = all }(steps)
	steps = []step{
		{"fails", "", 1 << 40, func(_ context.Context, _ options, add func(row)) error {
			add(row{What: "found"})
			return errors.New("the device is gone")
		}},
		{"panics", "", 1 << 40, func(context.Context, options, func(row)) error { panic("out of order") }},
		{"lacks", "", 1 << 40, func(context.Context, options, func(row)) error { return lacking("no %s", "Python") }},
		{"works", "", 1 << 40, func(_ context.Context, _ options, add func(row)) error {
			add(row{What: "figure", Value: 7})
			return nil
		}},
	}
	t.Chdir(t.TempDir())
	err := run(t.Context(), options{only: "fails,panics,lacks,works", limit: 1 << 40, name: "x"}, here)
	if err == nil || !strings.HasSuffix(err.Error(), "fails, panics") {
		t.Errorf("the error is %v", err)
	}
	text, err := os.ReadFile(filepath.Join("benchmarks", "results", "gpu", "x.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"**Failed**: the device is gone", "| found |", "**Failed**: a panic: out of order", "Not done: no Python", "| figure | 7"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not told:\n%s", want, text)
		}
	}
	if err := run(t.Context(), options{only: "nothing"}, here); err == nil {
		t.Error("an unknown step runs")
	}
}

func TestVerdicts(t *testing.T) {
	r := results{Steps: []outcome{
		{Step: "gv", Rows: []row{{What: gvName("long"), Value: 11}, {What: gvName("pathological"), Value: 0.7}, {What: shareName("wide"), Value: 0.8}}},
		{Step: "pinned", Rows: []row{{What: pinnedRatio, Value: 1.2}}},
		{Step: "addition", Rows: []row{{What: solvedName, Value: 1}}},
	}}
	want := []string{"met", "not measured", "missed", "met", "not measured", "missed", "not measured", "met"}
	for i, v := range targets(r) {
		if v.Verdict != want[i] {
			t.Errorf("%s: %s, want %s", v.Target, v.Verdict, want[i])
		}
	}
}
