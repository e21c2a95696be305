package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// Products in 3xTF32 train as those in float32 do, but for rounding; float64 has none of fewer bits, and the processor does not mind.
func TestPrecision(t *testing.T) {
	runOf := func(dtype, device, precision string) ([]float64, error) {
		text := "seed: 1\ndtype: " + dtype + "\ndevice: " + device + "\nprecision: " + precision + "\ndata: {train: ['gen:addition?length=10&seed=1']}\nmodel: {arch: rnn, hidden: [4]}\n" +
			"batch: {gradient: 8}\ncg: {max: 3}\nrun: {iterations: 1}\n"
		run := filepath.Join(t.TempDir(), "run")
		if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
			return nil, err
		}
		return objectiveOf(t, run), nil
	}
	var f []float64
	for _, c := range [][2]string{{"emulate", "float32"}, {"emulate", "3xtf32"}, {"cpu", "tf32"}} {
		one, err := runOf("float32", c[0], c[1])
		if err != nil || len(one) != 1 {
			t.Fatalf("%s: f by iteration is %v: %v", c, one, err)
		}
		f = append(f, one[0])
	}
	if f[0] == f[1] || math.Abs(f[0]-f[1]) > 1e-4*f[0] {
		t.Errorf("f is %.9g in float32 and %.9g in 3xTF32", f[0], f[1])
	}
	if _, err := runOf("float64", "emulate", "tf32"); err == nil || !strings.Contains(err.Error(), "goes with dtype float32") {
		t.Errorf("the error is %v", err)
	}
}
