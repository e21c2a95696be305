package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheWholeWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	r := object(t, training(dir, "--iterations", "4", "--trace-cg", "2")...)
	for _, key := range strings.Fields("run status iterations products loss valid_loss seconds seconds_waiting") {
		if r[key] == nil {
			t.Errorf("train --json has no %s: %v", key, r)
		}
	}
	if r["status"] != "done" || r["iterations"] != 4.0 {
		t.Errorf("train: %v", r)
	}
	test := filepath.Join(small(), "test.parquet")
	e := object(t, "eval", dir, "--data", test)
	if e["sequences"] != 60.0 || e["steps"].(float64) < 600 || e["loss"] == nil || e["loss_per_step"] == nil || e["error_rate"] == nil {
		t.Errorf("eval: %v", e)
	}
	if other := object(t, "eval", "--checkpoint", "best", "--data", test, dir); other["loss"] != e["loss"] {
		t.Errorf("the model's loss is %v, that of the best checkpoint %v", e["loss"], other["loss"])
	}
	if model := object(t, "eval", filepath.Join(dir, "model"), "--data", test); model["loss"] != e["loss"] {
		t.Errorf("the run's loss is %v, that of its model alone %v", e["loss"], model["loss"])
	}
	checkPredictions(t, dir, test)
	checkTraces(t, dir)
	if o := must(t, "train", "-c", filepath.Join(dir, "config.yaml"), "--run", filepath.Join(t.TempDir(), "again"), "-q"); !strings.Contains(o.stdout, "at iteration 4") {
		t.Errorf("config.yaml as -c: %s", o.stdout)
	}
}

// checkPredictions demands that predictions have the ids of the data, in their order, in every format, and once.
func checkPredictions(t *testing.T, run, test string) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.jsonl")
	must(t, "predict", run, "--data", test, "-o", out)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 60 {
		t.Errorf("%d predictions of 60 sequences", len(lines))
	}
	for i, line := range lines {
		var row struct {
			ID         int
			Prediction *float64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.ID != 360+i || row.Prediction == nil {
			t.Fatalf("line %d is %s (%v), want id %d", i, line, err, 360+i)
		}
	}
	for _, ending := range []string{"parquet", "arrow"} {
		file := filepath.Join(dir, "out."+ending)
		must(t, "predict", run, "--data", test, "-o", file)
		if v := object(t, "data", "stats", file, "--layout", "flat", "--targets", "prediction"); v == nil {
			t.Error(ending)
		}
	}
	if o := call("predict", run, "--data", test, "-o", out); o.exit != 73 {
		t.Errorf("written over: exit %d", o.exit)
	}
	if o := must(t, "predict", run, "--data", test, "-o", "-", "--format", "jsonl"); o.stdout != string(text) {
		t.Error("standard output has other predictions than the file")
	}
}

func checkTraces(t *testing.T, run string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(run, "cg.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var row struct {
			Iter  int
			Steps []int
			M     []float64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Iter%2 != 0 || len(row.Steps) == 0 || len(row.M) != len(row.Steps) {
			t.Errorf("cg.jsonl: %s %v", line, err)
		}
	}
}

func TestSecondTrainIsRefusedAndChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, training(dir, "--iterations", "1")...)
	before := contents(t, dir)
	if o := call(training(dir, "--iterations", "2")...); o.exit != 73 || !strings.Contains(o.stderr, "resume") {
		t.Errorf("exit %d: %s", o.exit, o.stderr)
	}
	after := contents(t, dir)
	if len(before) != len(after) {
		t.Errorf("%d files before, %d after", len(before), len(after))
	}
	for name, text := range before {
		if !bytes.Equal(text, after[name]) {
			t.Errorf("%s changed", name)
		}
	}
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[strings.TrimPrefix(path, dir)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// state returns the bytes of the checkpoint after an iteration.
func state(t *testing.T, run string, iter int) []byte {
	t.Helper()
	var all []byte
	for _, file := range []string{"model.safetensors", "state.safetensors"} {
		b, err := os.ReadFile(filepath.Join(run, "checkpoints", fmt.Sprintf("iter-%06d", iter), file))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// iterations returns the numbers of the iterations in metrics.jsonl, which must be JSON in every line.
func iterations(t *testing.T, run string) (iters []int, objectives []float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var row struct {
			Event string
			Iter  int
			F     float64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("metrics.jsonl: %q: %v", line, err)
		}
		if row.Event == "iter" {
			iters, objectives = append(iters, row.Iter), append(objectives, row.F)
		}
	}
	return iters, objectives
}

func TestResumedRunsHaveTheSameBits(t *testing.T) {
	for name, more := range map[string][]string{
		"float32":     nil,
		"float64":     {"--dtype", "float64"},
		"structural":  {"--damping-structural-mu", "0.03", "--precond-kind", "none"},
		"endless":     {"--data", "gen:addition?length=10&seed=4"},
		"generations": {"--checkpoint-every", "1it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			whole, parts, threads := filepath.Join(dir, "whole"), filepath.Join(dir, "parts"), filepath.Join(dir, "threads")
			args := func(run string, rest ...string) []string {
				a := training(run, append(more, rest...)...)
				if name == "endless" {
					a = append(append([]string{}, a[:1]...), a[3:]...) // without the file
				}
				return a
			}
			must(t, args(whole, "--iterations", "6")...)
			must(t, args(parts, "--iterations", "2")...)
			must(t, "resume", parts, "--iterations", "+2", "-q")
			must(t, "resume", parts, "--iterations", "6", "-q")
			must(t, args(threads, "--iterations", "6", "-j", "1", "--memory", "32MiB")...)
			want := state(t, whole, 6)
			for _, run := range []string{parts, threads} {
				if !bytes.Equal(state(t, run, 6), want) {
					t.Errorf("%s ends with other bits", filepath.Base(run))
				}
			}
			if got, _ := iterations(t, parts); fmt.Sprint(got) != "[1 2 3 4 5 6]" {
				t.Errorf("metrics.jsonl has the iterations %v", got)
			}
		})
	}
}

func TestResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, training(dir, "--iterations", "5", "--checkpoint-every", "1it")...)
	want := state(t, dir, 5)

	t.Run("a finished run has nothing to do", func(t *testing.T) {
		if r := object(t, "resume", dir); r["iterations"] != 5.0 || r["status"] != "done" {
			t.Error(r)
		}
	})
	t.Run("what cannot change", func(t *testing.T) {
		o := call("resume", dir, "--set", "cg.max=3", "--hidden", "9", "--memory", "64MiB")
		for _, want := range []string{"2 settings", "model.hidden", "[8]  ->  [9]", "cannot change", "cg.max", "allowed with --fork"} {
			if o.exit != 78 || !strings.Contains(o.stderr, want) {
				t.Errorf("exit %d, %q is not in\n%s", o.exit, want, o.stderr)
			}
		}
	})
	t.Run("other data", func(t *testing.T) {
		o := call("resume", dir, "--data", filepath.Join(small(), "test.parquet"), "--iterations", "6")
		if o.exit != 78 || !strings.Contains(o.stderr, "training data changed") || !strings.Contains(o.stderr, "300 sequences") {
			t.Errorf("exit %d: %s", o.exit, o.stderr)
		}
	})
	t.Run("from an earlier checkpoint", func(t *testing.T) {
		if r := object(t, "resume", dir, "--from", "iter-000004", "--iterations", "5"); r["iterations"] != 5.0 {
			t.Error(r)
		}
		if !bytes.Equal(state(t, dir, 5), want) {
			t.Error("other bits")
		}
		if got, _ := iterations(t, dir); fmt.Sprint(got) != "[1 2 3 4 5]" {
			t.Errorf("metrics.jsonl has the iterations %v", got)
		}
		if o := call("resume", dir, "--from", "iter-000099"); o.exit != 66 {
			t.Errorf("exit %d", o.exit)
		}
	})
	t.Run("a damaged checkpoint", func(t *testing.T) {
		path := filepath.Join(dir, "checkpoints", "iter-000005", "model.safetensors")
		if err := os.Truncate(path, 100); err != nil {
			t.Fatal(err)
		}
		if o := must(t, "resume", dir, "--progress", "lines"); !strings.Contains(o.stderr, "damaged") {
			t.Errorf("no warning: %s", o.stderr)
		}
		if !bytes.Equal(state(t, dir, 5), want) {
			t.Error("other bits")
		}
	})
	t.Run("a fork", func(t *testing.T) {
		forked := filepath.Join(t.TempDir(), "fork")
		before := contents(t, dir)
		if r := object(t, "resume", dir, "--fork", forked, "--set", "cg.max=3", "--iterations", "+1"); r["iterations"] != 6.0 {
			t.Error(r)
		}
		for name, text := range contents(t, dir) {
			if !bytes.Equal(text, before[name]) {
				t.Errorf("%s of the old run changed", name)
			}
		}
		must(t, "eval", forked, "--data", filepath.Join(small(), "test.parquet"))
		must(t, "resume", forked, "--iterations", "+1", "-q")
	})
}

func TestReasonsToStop(t *testing.T) {
	for name, c := range map[string]struct {
		more []string
		want string
	}{
		"target":   {[]string{"--target-loss", "100"}, "target"},
		"error":    {[]string{"--target-error", "1"}, "target_error"},
		"patience": {[]string{"--patience", "1", "--damping-init", "1e9", "--no-lm-adapt", "--iterations", "50", "--max-rejection", "100"}, "patience"},
		"time":     {[]string{"--time-limit", "1ms"}, "time"},
		"products": {[]string{"--products", "1"}, "products"},
	} {
		t.Run(name, func(t *testing.T) {
			r := object(t, training(filepath.Join(t.TempDir(), "run"), c.more...)...)
			if r["reason"] != c.want || r["status"] != "done" {
				t.Error(r)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		kind string
		env  map[string]string
		want string
	}{
		{"auto", nil, "ρ"},
		{"lines", map[string]string{"LANG": "C", "COLUMNS": "0"}, "rho"},
		{"live", map[string]string{"NO_COLOR": "1", "COLUMNS": "70"}, "objective"},
		{"json", nil, `"event":"iter"`},
		{"none", nil, ""},
	} {
		t.Run(c.kind, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			args := training(filepath.Join(t.TempDir(), "run"), "--iterations", "3", "--progress", c.kind)
			args = append(args[:len(args)-5], args[len(args)-4:]...) // without -q
			o := must(t, args...)
			if strings.ContainsAny(o.stderr, "\r\x1b") || !strings.Contains(o.stderr, c.want) || c.want == "" && o.stderr != "" {
				t.Errorf("%q", o.stderr)
			}
			if c.kind == "lines" || c.kind == "auto" {
				if lines := regexp.MustCompile(`(?m)^ +[123] +~`).FindAllString(o.stderr, -1); len(lines) != 3 {
					t.Errorf("%d lines of iterations in\n%s", len(lines), o.stderr)
				}
			}
			if !strings.Contains(o.stdout, "stopped: the last iteration was done at iteration 3") {
				t.Errorf("standard output: %q", o.stdout)
			}
		})
	}
}

func TestDryRunMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	v := object(t, training(dir, "-n")...)
	if v["parameters"].(float64) < 50 || v["grad_seqs"] != 200.0 || v["curv_seqs"] != 50.0 || v["chunks_kept"] != v["chunks"] {
		t.Error(v)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a dry run made the run directory")
	}
}

func TestDivergedRunKeepsItsLastGoodState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := call(training(dir, "--init-scale", "1e30", "--iterations", "30")...)
	if o.exit != 80 || !strings.Contains(o.stderr, "numeric.diverged") {
		t.Errorf("exit %d: %s", o.exit, o.stderr)
	}
	if len(state(t, dir, 10)) == 0 {
		t.Error("no checkpoint")
	}
	iterations(t, dir) // every line is JSON although f is not finite
}

func TestRunDirectoryCanBeMoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, training(dir, "--iterations", "2")...)
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(moved, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "train.parquet")
	text, err := os.ReadFile(filepath.Join(small(), "train.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, text, 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "resume", moved, "--data", data, "--iterations", "+1", "-q")
	must(t, "predict", moved, "--data", data, "-o", filepath.Join(t.TempDir(), "p.parquet"))
	for name, text := range contents(t, moved) {
		if name != "/run.json" && name != "/log.txt" && name != "/config.yaml" && name != "/data.json" && bytes.Contains(text, []byte(dir)) {
			t.Errorf("%s has the path of the old folder", name)
		}
	}
}
