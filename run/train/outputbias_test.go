package train

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// A net that starts with the mean of the targets starts lower: the addition problem's variance of 1/24 is what is left, and the output
// weights add little.
func TestRunStartsAtTheMeanOfTheTargets(t *testing.T) {
	first := func(bias string) float64 {
		text := "seed: 1\ndata: {train: ['gen:addition?length=10&seed=1']}\nmodel: {arch: rnn, hidden: [4], init: gaussian, init_scale: 1e-3, init_output_bias: " + bias + "}\n" +
			"batch: {gradient: 500}\ncg: {max: 1}\nrun: {iterations: 1}\n"
		run := filepath.Join(t.TempDir(), "run")
		if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
			t.Fatal(err)
		}
		return firstObjective(t, run)
	}
	zero, mean := first("zero"), first("mean")
	if math.Abs(mean-1.0/48) > 0.002 || zero < 4*mean {
		t.Errorf("f starts at %g from zero and at %g from the mean, want 1/48", zero, mean)
	}
}

// firstObjective returns f before the first iteration of a run.
func firstObjective(t *testing.T, run string) float64 {
	t.Helper()
	rows, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(rows) {
		var row struct {
			Event string
			F0    float64
		}
		if err := json.Unmarshal(line, &row); err == nil && row.Event == "iter" {
			return row.F0
		}
	}
	t.Fatal("no iteration in metrics.jsonl")
	return 0
}
