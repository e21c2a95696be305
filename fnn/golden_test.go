package fnn_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/internal/shared"
	"curvestream/nn/golden"
)

func goldenConfig(c *golden.Case) fnn.Config {
	m := c.Model
	return fnn.Config{Sizes: m.Sizes, Activations: m.Activations, Loss: c.Loss, Biases: m.Biases}
}

// Every reference case of a feedforward net: f, ∇f, Jv, Gv, Hv, diagonals, eigenvalues, CG.
func TestGolden(t *testing.T) {
	files, err := golden.Files(shared.Dir(t, "golden"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, path := range files {
		c, err := golden.Load(path)
		if errors.Is(err, golden.ErrUnsupported) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.Model.Kind != "fnn" {
			continue
		}
		ran++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			backend := cpu.New[float64](cpu.Options{})
			net, err := fnn.New(backend, goldenConfig(c))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := golden.Check(t.Context(), c, backend, net)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if !r.OK {
					t.Errorf("%s: relative error %.3g, tolerance %g", r.Quantity, r.Error, r.Tolerance)
				}
			}
		})
	}
	if ran == 0 {
		t.Error("no feedforward case among the reference cases")
	}
}
