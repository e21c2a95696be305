package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resumed returns the rows of metrics.jsonl that say what sessions read again, and the text of the log.
func resumed(t *testing.T, run string) (rows []map[string]any, log string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row["event"] == "resumed" {
			rows = append(rows, row)
		}
	}
	text, err = os.ReadFile(filepath.Join(run, "log.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return rows, string(text)
}

// A resumed run reads the row groups of its first iteration's minibatches again, no more, and says how much that is, in metrics.jsonl and in
// the log; what the first scan found is in the run directory, and without it the data are scanned again. The state that it goes on from,
// parameters aside, has less than 1 KB. A run that is resumed with other workers has the bits of one that never stopped.
func TestResumeSaysWhatItReadAgain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "train.parquet")
	must(t, "data", "convert", filepath.Join(small(), "train.parquet"), "-o", file, "--row-group-rows", "20")
	flags := []string{"--data", file, "--seed", "5", "--hidden", "5", "--cg-max", "5", "--batch-gradient", "40", "--batch-shuffle", "block", "--batch-block", "20", "-q"}
	whole, run := filepath.Join(dir, "whole"), filepath.Join(dir, "run")
	must(t, append([]string{"train", "--run", whole, "--iterations", "4"}, flags...)...)
	must(t, append([]string{"train", "--run", run, "--iterations", "2"}, flags...)...)
	state, err := os.ReadFile(filepath.Join(run, "checkpoints", "iter-000002", "state.json"))
	if err != nil || len(state) >= 1024 {
		t.Errorf("the state has %d bytes (%v)", len(state), err)
	}
	must(t, "resume", run, "--iterations", "3", "--workers", "3", "-q")
	if err := os.RemoveAll(filepath.Join(run, "manifest")); err != nil {
		t.Fatal(err)
	}
	must(t, "resume", run, "--iterations", "4", "--workers", "1", "-q")
	rows, log := resumed(t, run)
	if len(rows) != 2 || strings.Count(log, "were read again for iteration") != 2 {
		t.Fatalf("%v\n%s", rows, log)
	}
	for i, row := range rows {
		if row["iter"] != float64(3+i) || row["rescanned"] != (i == 1) || row["read_units"] != 2.0 || row["of_units"] != 15.0 || row["read_bytes"].(float64) <= 0 {
			t.Errorf("%v", row)
		}
	}
	var models [2][]byte
	for i, dir := range []string{whole, run} {
		if models[i], err = os.ReadFile(filepath.Join(dir, "checkpoints", "iter-000004", "model.safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	if string(models[0]) != string(models[1]) {
		t.Error("the resumed run has other parameters than the one that never stopped")
	}
}
