package ingest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// partsOf splits files and returns the part of each identifier.
func partsOf(t *testing.T, dir string, seed uint64, files ...string) map[string]string {
	t.Helper()
	src, err := Open(t.Context(), files, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	parts := []Part{{"train", 0.6}, {"valid", 0.3}, {"test", 0.1}}
	written, err := Split(t.Context(), src, dir, parts, seed, RoleOptions{}, WriteOptions{Format: WriteParquet, RowGroupRows: 70})
	if err != nil {
		t.Fatal(err)
	}
	part := make(map[string]string)
	var all []step
	for _, w := range written {
		steps, _ := readSteps(t, w.Path)
		ids := make(map[string]bool)
		for _, s := range steps {
			if in, known := part[s.id]; known && in != w.Name {
				t.Fatalf("%s is in %s and in %s", s.id, in, w.Name)
			}
			part[s.id], ids[s.id] = w.Name, true
		}
		if int64(len(steps)) != w.Rows || int64(len(ids)) != w.Groups {
			t.Errorf("%s: %d rows, %d identifiers, told %d and %d", w.Name, len(steps), len(ids), w.Rows, w.Groups)
		}
		all = append(all, steps...)
	}
	whole, _ := readSteps(t, files...)
	if len(all) != len(whole) {
		t.Errorf("%d rows in all parts, %d in the data", len(all), len(whole))
	}
	return part
}

// A sequence is in one part, whatever else is in the data and however it is cut into row groups; the seed decides which.
func TestSplit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	steps := shuffledSteps(2400, 3)
	half, whole := filepath.Join(dir, "half.parquet"), filepath.Join(dir, "whole.arrow")
	writeSteps(t, half, 100, steps[:1000])
	writeSteps(t, whole, 33, steps)
	few, all := partsOf(t, filepath.Join(dir, "a"), 1, half), partsOf(t, filepath.Join(dir, "b"), 1, whole)
	for id, part := range few {
		if all[id] != part {
			t.Errorf("%s moved from %s to %s when data were added", id, part, all[id])
		}
	}
	counts := make(map[string]int)
	for _, part := range all {
		counts[part]++
	}
	n := float64(len(all))
	for part, fraction := range map[string]float64{"train": 0.6, "valid": 0.3, "test": 0.1} {
		if got := float64(counts[part]) / n; got < fraction-0.1 || got > fraction+0.1 {
			t.Errorf("%s has %.2f of the sequences, want about %.2f", part, got, fraction)
		}
	}
	if maps.Equal(all, partsOf(t, filepath.Join(dir, "c"), 2, whole)) {
		t.Error("another seed splits alike")
	}
}

// A part that gets nothing is an error, and files that exist are kept; neither leaves anything new.
func TestSplitAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.parquet")
	writeSteps(t, in, 100, shuffledSteps(30, 1))
	src, err := Open(t.Context(), []string{in}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, c := range []struct {
		parts []Part
		want  string
	}{
		{[]Part{{"a", 1 - 1e-9}, {"b", 1e-9}}, `no sequence falls into the part "b"`},
		{[]Part{{"a", 0.5}, {"in", 0.5}}, "exists"},
	} {
		_, err := Split(t.Context(), src, dir, c.parts, 1, RoleOptions{}, WriteOptions{Format: WriteParquet})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.parts, err, c.want)
		}
		left, err := os.ReadDir(dir)
		if err != nil || !slices.Equal([]string{"in.parquet"}, []string{left[0].Name()}) || len(left) != 1 {
			t.Errorf("%v: %v is left (%v)", c.parts, left, err)
		}
	}
}
