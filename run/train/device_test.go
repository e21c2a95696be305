package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// HF iterations over the kernels for a GPU, run by their interpreter, are those of the processor but for rounding.
func TestEmulatedDeviceTrainsAlike(t *testing.T) {
	var objectives [][]float64
	for _, device := range []string{"cpu", "emulate"} {
		text := "seed: 1\ndtype: float64\ndevice: " + device + "\ndata: {train: ['gen:addition?length=10&seed=1']}\nmodel: {arch: rnn, hidden: [4]}\n" +
			"batch: {gradient: 16}\ncg: {max: 4}\ndamping: {structural_mu: 0.1}\nrun: {iterations: 2}\n"
		run := filepath.Join(t.TempDir(), "run")
		if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
			t.Fatalf("%s: %v", device, err)
		}
		objectives = append(objectives, objectiveOf(t, run))
	}
	cpu, emulated := objectives[0], objectives[1]
	if len(cpu) != 2 || len(emulated) != 2 || cpu[1] >= cpu[0] {
		t.Fatalf("f by iteration: %v on the processor, %v emulated", cpu, emulated)
	}
	for i := range cpu {
		if math.Abs(cpu[i]-emulated[i]) > 1e-9*cpu[i] {
			t.Errorf("iteration %d: f = %.15g on the processor, %.15g emulated", i+1, cpu[i], emulated[i])
		}
	}
}

// objectiveOf returns f by iteration of a run.
func objectiveOf(t *testing.T, run string) []float64 {
	t.Helper()
	metrics, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var f []float64
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		var row struct {
			Event string
			F     float64
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Event == "iter" {
			f = append(f, row.F)
		}
	}
	return f
}
