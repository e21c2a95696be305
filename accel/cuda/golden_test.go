package cuda_test

import (
	"testing"

	"curvestream/accel/cuda"
	"curvestream/internal/shared"
	"curvestream/run/check"
)

// TestGolden compares gradients, products with the curvature matrix and runs of CG of small nets, computed by the shipped kernels,
// with reference values.
func TestGolden(t *testing.T) {
	if cuda.RaceDetector {
		t.Skip("one goroutine asks for all of it")
	}
	r, err := check.Golden(t.Context(), shared.Dir(t, "golden"), "emulate", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK || len(r.Cases) == 0 {
		t.Errorf("%s", r)
	}
}
