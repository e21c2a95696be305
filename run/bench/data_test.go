package bench

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"curvestream/ingest"
	"curvestream/internal/shared"
)

// Every stage of every set of files is measured once, and its figures agree with each other.
func TestRunData(t *testing.T) {
	files := []string{filepath.Join(shared.Dir(t, "data"), "jsb_chorales_test.parquet")}
	for _, c := range []struct {
		name      string
		request   DataRequest
		stages    []string
		sequences int
	}{
		{"generated", DataRequest{Sequences: 300}, []string{"write", "scan", "decode", "packed", "copy"}, 300},
		{"files", DataRequest{Files: files}, []string{"scan", "decode", "packed", "copy"}, 77},
	} {
		c.request.Workers, c.request.Repetitions, c.request.Memory = 2, 2, 1<<30
		told := 0
		r, err := RunData(t.Context(), c.request, func(DataRow) { told++ })
		if err != nil {
			t.Fatal(c.name, err)
		}
		if told != len(r.Rows) || len(r.Rows)%len(c.stages) != 0 || c.name == "files" && len(r.Rows) != len(c.stages) {
			t.Errorf("%s: %d rows, %d told", c.name, len(r.Rows), told)
		}
		first := true
		for i, row := range r.Rows {
			f := row.DataFigures
			if row.Stage != c.stages[i%len(c.stages)] || f.Sequences != c.sequences || f.DecodedBytes <= 0 || f.AllocatedBytes <= 0 || f.Seconds <= 0 || f.MBPerSecond <= 0 || f.SequencesPerSecond <= 0 {
				t.Errorf("%s, row %d: %+v", c.name, i, row)
			}
			if row.Stage == stagePacked {
				if row.Stages[1].Items == 0 || row.Stages[2].Items != int64(4*c.sequences) {
					t.Errorf("%s: stages %+v", c.name, row.Stages)
				}
				if first && r.DataFigures != f {
					t.Errorf("%s: the report has %+v, its first packed row %+v", c.name, r.DataFigures, f)
				}
				first = false
			}
		}
	}
}

func TestRunDataRefuses(t *testing.T) {
	if _, err := RunData(t.Context(), DataRequest{}, nil); err == nil {
		t.Error("no workers: no error")
	}
	good := DataRequest{Files: []string{"no.parquet"}, Workers: 1, Repetitions: 1, Memory: 1 << 20}
	var e *ingest.Error
	if _, err := RunData(t.Context(), good, nil); !errors.As(err, &e) || !e.Missing {
		t.Errorf("%v, want a missing file", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	good.Files, good.Sequences = nil, 10
	if _, err := RunData(ctx, good, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the cancellation", err)
	}
}
