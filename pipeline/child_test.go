package pipeline_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// occupiedBy reads a file in a child process and returns the most that the process occupied, in bytes.
func occupiedBy(t *testing.T, path string, budget int64) int64 {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPeakRSS$", "-test.v")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", rssChild, budget, path))
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, said, found := strings.Cut(string(out), "occupied ")
	var kilobytes int64
	if _, err := fmt.Sscanf(said, "%d kB", &kilobytes); !found || err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return kilobytes << 10
}

// writeSequences writes n sequences of 1,000 to 1,499 numbers and a target, in row groups of 400.
func writeSequences(t *testing.T, path string, n int) string {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)}, {Name: "y", Type: arrow.PrimitiveTypes.Float32}}, nil)
	w, err := ingest.NewWriter(path, ingest.WriteOptions{Schema: schema, Compression: "none", RowGroupRows: 400})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	x := b.Field(0).(*array.ListBuilder)
	values := x.ValueBuilder().(*array.Float32Builder)
	for i := range n {
		x.Append(true)
		for k := range 1000 + i%500 {
			values.Append(float32(i) + float32(k)/512)
		}
		b.Field(1).(*array.Float32Builder).Append(float32(i))
		if (i+1)%400 == 0 || i == n-1 {
			r := b.NewRecord()
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
			r.Release()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
