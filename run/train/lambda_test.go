package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// With damping.init_per output, λ₀ is given for one output value; a sequence of form each has one at each time-step.
func TestInitialLambdaCountsOutputs(t *testing.T) {
	for _, test := range []struct {
		data, per string
		want      float64
	}{
		{"gen:noiseless-memory-5bit?length=6&seed=1", "sequence", 0.5},
		{"gen:noiseless-memory-5bit?length=6&seed=1", "output", 0.5 * 16 * 3}, // 6+10 time-steps, 3 symbols
		{"gen:temporal-order?length=20&seed=1", "output", 0.5 * 4},            // one answer of 4 classes
		{"gen:temporal-order?length=20&seed=1", "root_output", 0.5 * 2},
	} {
		text := "seed: 1\ndata: {train: ['" + test.data + "']}\nmodel: {arch: rnn, hidden: [4]}\nbatch: {gradient: 32}\ncg: {max: 1}\nrun: {iterations: 1}\n" +
			"damping: {init: 0.5, init_per: " + test.per + "}\n"
		run := filepath.Join(t.TempDir(), "run")
		if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
			t.Fatal(err)
		}
		if got := firstLambda(t, run); got != test.want {
			t.Errorf("%s per %s: λ₀ = %g, want %g", test.data, test.per, got, test.want)
		}
	}
}

// firstLambda returns the λ of the first iteration of a run.
func firstLambda(t *testing.T, run string) float64 {
	t.Helper()
	metrics, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		var row struct {
			Event string
			Used  float64 `json:"damping_used"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Event == "iter" {
			return row.Used
		}
	}
	t.Fatal("no iteration in metrics.jsonl")
	return 0
}
