package ptx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShippedKernels sees that all kernels that are shipped are understood.
func TestShippedKernels(t *testing.T) {
	files, err := filepath.Glob("../kernels/*.ptx")
	if err != nil || len(files) == 0 {
		t.Fatalf("no kernels: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(string(source))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if want := strings.Count(string(source), ".visible .entry"); len(m.Kernels()) != want {
			t.Errorf("%s: %d kernels of %d", file, len(m.Kernels()), want)
		}
	}
}
