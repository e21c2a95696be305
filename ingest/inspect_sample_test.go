package ingest

import (
	"path/filepath"
	"strings"
	"testing"
)

// A sample is what its limit allows, is spread from the first unit to the last, and says so; within the limit all is looked at.
func TestInspectSample(t *testing.T) {
	t.Parallel()
	in := filepath.Join(t.TempDir(), "in.parquet")
	steps := shuffledSteps(4000, 30)
	writeSteps(t, in, 100, steps)
	src, err := Open(t.Context(), []string{in}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var sum int64
	for i := range src.Len() {
		sum += src.Unit(i).Bytes
	}
	o := RoleOptions{Layout: Flat, ID: []string{"serial"}, Inputs: []string{"t"}, Targets: []string{"id"}}
	for _, limit := range []int64{1, sum / 100, sum / 10, sum / 2, sum, 0} {
		report, err := Inspect(t.Context(), src, o, limit)
		if err != nil {
			t.Fatal(err)
		}
		if whole := limit == sum || limit == 0; whole != (report.Sample == nil) || whole == strings.Contains(report.Text(), "sample") {
			t.Errorf("limit %d of %d: sample %v, %s", limit, sum, report.Sample, report.Text())
		}
		if report.Sequences < 3990 || report.Sequences > 4010 {
			t.Errorf("limit %d: about %d sequences of 4000", limit, report.Sequences)
		}
		if report.Sample == nil {
			continue
		}
		some, s := sampleOf(src, limit)
		var used int64
		for i := range some.Len() {
			used += some.Unit(i).Bytes
		}
		if limit > 1 && (used > limit || some.Len() < 4) || s.Units > 1 && some.Unit(0).FirstRow != 0 || s.Units > 3 && some.Unit(s.Units-1).FirstRow < 3000 {
			t.Errorf("limit %d: %d bytes in %d units, the last from row %d on", limit, used, s.Units, some.Unit(s.Units-1).FirstRow)
		}
	}
}
