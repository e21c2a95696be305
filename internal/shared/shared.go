// Package shared finds the reference data that lies beside the checkout, for tests: golden derivatives, fixed problems,
// real and malformed files.
package shared

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the path of a folder or file of the reference data. The data lies in ../shared, seen from the module's root;
// the environment variable CURVESTREAM_SHARED names another place. Where it is absent the test is skipped, saying so, or
// failed if CURVESTREAM_CI is set.
func Dir(t testing.TB, sub ...string) string {
	t.Helper()
	root := os.Getenv("CURVESTREAM_SHARED")
	if root == "" {
		root = filepath.Join(moduleRoot(t), "..", "shared")
	}
	path := filepath.Join(append([]string{root}, sub...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CURVESTREAM_CI") != "" {
			t.Fatalf("reference data needed by this test is absent: %v", err)
		}
		t.Skipf("SKIPPED: needs the reference data beside the checkout (set CURVESTREAM_SHARED): %v", err)
	}
	return path
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}
