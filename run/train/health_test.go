package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/run/doctor"
)

// healthOf trains with the settings and returns the looks at the net's health, and what the doctor finds.
func healthOf(t *testing.T, text string) (looks []Health, findings []string) {
	t.Helper()
	run := filepath.Join(t.TempDir(), "run")
	text = "seed: 1\ndata: {train: ['gen:addition?length=10&seed=1']}\nbatch: {gradient: 64}\ncg: {max: 4}\n" + text
	if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(rows) {
		var h Health
		if err := json.Unmarshal(line, &h); err == nil && h.Event == "health" {
			looks = append(looks, h)
		}
	}
	r, err := doctor.Look(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		findings = append(findings, f.Code)
	}
	return looks, findings
}

// The looks come at the start and after iterations 2 and 4, say the same of a good net each time, and of bad ones what is wrong.
func TestHealthOfARun(t *testing.T) {
	good, findings := healthOf(t, "model: {arch: rnn, hidden: [8]}\nrun: {iterations: 5}\n")
	if len(good) != 3 || good[0].Iter != 0 || good[1].Iter != 2 || good[2].Iter != 4 {
		t.Fatalf("looks %+v, want those of iterations 0, 2 and 4", good)
	}
	for _, h := range good {
		if len(h.Saturated) != 1 || h.Products != (h.Iter > 0) || h.Difference != 0 || h.Asymmetry > 1e-4 || h.Saturated[0] > 0.5 || h.Linear[0] > 0.5 {
			t.Errorf("a good net: %+v", h)
		}
	}
	if slices.Contains(findings, "units_saturated") || slices.Contains(findings, "products_differ") {
		t.Errorf("a good net: %v", findings)
	}
	if _, findings := healthOf(t, "model: {arch: rnn, hidden: [8], init_scale: 100, spectral_radius: 0}\nrun: {iterations: 1}\n"); !slices.Contains(findings, "units_saturated") {
		t.Errorf("weights from N(0, 100²): %v", findings)
	}
	if _, findings := healthOf(t, "model: {arch: rnn, hidden: [8], init_scale: 1e-4, spectral_radius: 0}\nrun: {iterations: 1}\n"); !slices.Contains(findings, "units_linear") {
		t.Errorf("weights from N(0, 1e-8): %v", findings)
	}
	if off, _ := healthOf(t, "model: {arch: rnn, hidden: [8]}\ntrace: {health: false}\nrun: {iterations: 2}\n"); len(off) > 0 {
		t.Errorf("switched off, and yet %+v", off)
	}
}

// Products that differ from one time to the next, or are those of a matrix that is not symmetric, are told from good ones.
func TestVerifyProducts(t *testing.T) {
	const n = 5
	matrix := func(at func(i, j int) float64) func(dst, v accel.Vector[float64]) error {
		return func(dst, v accel.Vector[float64]) error {
			for i := range n {
				var sum float64
				for j, x := range v.(accel.Slice[float64]) {
					sum += at(i, j) * x
				}
				dst.(accel.Slice[float64])[i] = sum
			}
			return nil
		}
	}
	symmetric := matrix(func(i, j int) float64 { return 1 / float64(1+i+j) })
	calls, broken := 0, errors.New("broken")
	for _, c := range []struct {
		name                   string
		product                func(dst, v accel.Vector[float64]) error
		difference, asymmetric bool
		err                    error
	}{
		{"symmetric", symmetric, false, false, nil},
		{"not symmetric", matrix(func(i, j int) float64 { return float64(i + 2*j*j) }), false, true, nil},
		{"another one each time", func(dst, v accel.Vector[float64]) error {
			calls++
			err := symmetric(dst, v)
			dst.Add(1e-3*float64(calls), v)
			return err
		}, true, true, nil},
		{"zero", func(dst, _ accel.Vector[float64]) error { dst.Zero(); return nil }, false, false, nil},
		{"an error", func(accel.Vector[float64], accel.Vector[float64]) error { return broken }, false, false, broken},
	} {
		difference, asymmetry, err := verify(make(accel.Slice[float64], n), c.product)
		if (difference > 0) != c.difference || (asymmetry > 1e-12) != c.asymmetric || !errors.Is(err, c.err) {
			t.Errorf("%s: difference %g, asymmetry %g, %v", c.name, difference, asymmetry, err)
		}
	}
}
