package ingest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// pyarrow wrote testdata/numbers_*: the same columns plain, byte-stream-split and in LZ4 blocks, in pages and row groups of several
// sizes. What v15 cannot read is what the plain file holds.
func TestSplitBytesAndLZ4(t *testing.T) {
	want := allOf(t, "testdata/numbers_plain.parquet")
	for _, name := range []string{"numbers_split_none", "numbers_split_zstd", "numbers_split_lz4", "numbers_lz4_v2"} {
		got := allOf(t, filepath.Join("testdata", name+".parquet"))
		for c := range want {
			if !array.Equal(got[c], want[c]) {
				t.Errorf("%s: column %d is\n%v\nwant\n%v", name, c, got[c], want[c])
			}
		}
	}
}

// allOf reads all columns of a file, each as one array.
func allOf(t *testing.T, path string) []arrow.Array {
	t.Helper()
	src, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var columns []int
	for i := range src.Schema().NumFields() {
		columns = append(columns, i)
	}
	parts := make([][]arrow.Array, len(columns))
	for i := range src.Len() {
		rec, err := src.Read(t.Context(), i, columns)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for c := range columns {
			parts[c] = append(parts[c], rec.Column(c))
		}
	}
	all := make([]arrow.Array, len(columns))
	for c := range columns {
		if all[c], err = array.Concatenate(parts[c], &recycled); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Encodings that only the library decodes, in a codec that it lacks, are refused with the rewrite that helps.
func TestDeltaInLZ4IsRefused(t *testing.T) {
	src, err := Open(t.Context(), []string{"testdata/numbers_delta_lz4.parquet"}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for c, f := range src.Schema().Fields() {
		rec, err := src.Read(t.Context(), 0, []int{c})
		if err == nil {
			rec.Release()
		}
		delta := f.Name == "id" || f.Name == "k" || f.Name == "b"
		if delta != (err != nil) || delta && (!strings.Contains(err.Error(), "LZ4_RAW") || !strings.Contains(err.Error(), "fix: ")) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
