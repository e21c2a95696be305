package rnn_test

import (
	"path/filepath"
	"strings"
	"testing"

	"curvestream/accel/cpu"
	"curvestream/internal/shared"
	"curvestream/nn/golden"
	"curvestream/rnn"
)

func goldenConfig(t *testing.T, c *golden.Case) rnn.Config {
	m := c.Model
	cell, err := rnn.ParseCell(m.Kind)
	check(t, err)
	config := rnn.Config{Cell: cell, Factors: m.Factors, In: m.Inputs, Hidden: m.Hidden, Out: m.Outputs, Activation: m.Activation,
		OutputActivation: m.OutputActivation, Loss: c.Loss, Biases: m.Biases}
	if c.Structural != nil {
		config.Distance = c.Structural.Distance
	}
	return config
}

// Every reference case of a recurrent net: f, ∇f, Jv, Gv, Hv, Dv, diagonals, eigenvalues, CG.
func TestGolden(t *testing.T) {
	files, err := golden.Files(shared.Dir(t, "golden"))
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, path := range files {
		c, err := golden.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if c.Model.Kind == "fnn" {
			continue
		}
		ran[c.Model.Kind]++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			backend := cpu.New[float64](cpu.Options{})
			net, err := rnn.New(backend, goldenConfig(t, c))
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
	for _, cell := range rnn.CellNames() {
		if ran[cell] == 0 {
			t.Errorf("no case of the cell %s among the reference cases", cell)
		}
	}
}
