package gen

import (
	"path/filepath"
	"testing"

	"curvestream/ingest"
)

// A file keeps what a task says about itself, in both formats.
func TestFilesKeepTheTask(t *testing.T) {
	for _, name := range []string{"a.parquet", "a.arrow"} {
		path := filepath.Join(t.TempDir(), name)
		g, err := New("temporal-order", 20, 1)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ingest.NewWriter(path, ingest.WriteOptions{Schema: g.Schema()})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := g.Record(0, 10)
		if err != nil {
			t.Fatal(err)
		}
		defer rec.Release()
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		src, err := ingest.Open(t.Context(), []string{path}, ingest.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		task, ok, err := ingest.TaskOf(src.Schema())
		if err != nil || !ok {
			t.Fatalf("%s: task %v, %v", name, ok, err)
		}
		if task.Task != "temporal-order" || task.Length != 20 || Criterion(task.Success) != Class || len(task.Encode["x"].Vocabulary) != 6 {
			t.Errorf("%s: %+v", name, task)
		}
	}
}
