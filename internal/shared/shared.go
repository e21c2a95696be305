// Package shared is for tests that need what a machine may lack, above all the reference data beside the checkout: golden
// derivatives, fixed problems, real and malformed files.
package shared

import (
	"fmt"
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
		Skip(t, "the reference data beside the checkout (CURVESTREAM_SHARED names another place): %v", err)
	}
	return path
}

// Skip ends a test that cannot run here because something is lacking, which it names. The test is skipped, saying so, or failed if
// CURVESTREAM_CI is set: there nothing may be lacking.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	what := fmt.Sprintf(format, args...)
	if os.Getenv("CURVESTREAM_CI") != "" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("SKIPPED: needs %s", what)
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
