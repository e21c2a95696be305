package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// A run that recorded its CG runs can be examined and drawn; what is missing on the command line is a usage error.
func TestDoctorAndPlot(t *testing.T) {
	run, picture := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "cg.svg")
	must(t, "train", "--data", filepath.Join(small(), "train.parquet"), "--run", run, "--hidden", "4", "--cg-max", "5", "--iterations", "3", "--set", "trace.cg=1", "-q")
	var r struct {
		Schema     string
		Iterations int
		Findings   []any
	}
	if err := json.Unmarshal([]byte(must(t, "doctor", run, "--json").stdout), &r); err != nil || r.Schema != "curvestream.doctor/1" || r.Iterations != 3 || r.Findings == nil {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, "doctor", run)
	must(t, "plot", run, "--what", "cg", "-o", picture)
	if _, err := os.Stat(picture); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"doctor"}, {"plot", run}, {"plot", "-o", picture}} {
		if o := call(args...); o.exit != 64 {
			t.Errorf("%v: exit %d", args, o.exit)
		}
	}
}
