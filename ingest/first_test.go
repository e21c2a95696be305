package ingest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/internal/shared"
)

// The first rows of a unit are those of all of it, in all files at hand. Where a unit cannot be read, its first rows may be, but nothing panics and
// no memory is outstanding.
func TestFirstRows(t *testing.T) {
	for _, folder := range []string{"interop", "malformed/parquet", "malformed/ipc-file", "malformed/ipc-stream"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(shared.Dir(t, "data"), filepath.FromSlash(folder), "*"))
			if err != nil || len(files) < 20 {
				t.Fatal(len(files), err)
			}
			parts := 0
			for _, path := range files {
				parts += compareFirst(t, path)
			}
			if parts == 0 && folder == "interop" {
				t.Error("no part of a unit was read")
			}
		})
	}
}

// Of lists that go over many pages, or lie in buffers of Arrow IPC, no more is decoded than their share, and what is decoded is right.
func TestFirstRowsOfManyPages(t *testing.T) {
	t.Parallel()
	const rows, most = 4000, 1000
	for _, c := range [][2]string{{"parquet", "none"}, {"parquet", "zstd"}, {"arrow", "none"}, {"arrow", "lz4"}, {"arrow", "zstd"}} {
		path := filepath.Join(t.TempDir(), "long-"+c[1]+"."+c[0])
		writeLists(t, path, c[1], rows, most)
		if compareFirst(t, path) == 0 {
			t.Error("no part was read")
		}
		mem := &peakAllocator{}
		src, err := Open(t.Context(), []string{path}, OpenOptions{allocator: mem})
		if err != nil {
			t.Fatal(err)
		}
		columns := []int{0, 1}
		r, err := src.(beginner).readFirst(t.Context(), 0, 10, columns)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
		few := mem.most
		if r, err = src.Read(t.Context(), 0, columns); err != nil {
			t.Fatal(err)
		}
		r.Release()
		src.Close()
		if few*2 > mem.most {
			t.Errorf("%s: 10 of %d rows took %d bytes, all of them %d", filepath.Base(path), rows, few, mem.most)
		}
	}
}

// compareFirst compares first rows with all rows and returns how many parts of units it has read.
func compareFirst(t *testing.T, path string) (parts int) {
	mem := &peakAllocator{}
	src, err := Open(t.Context(), []string{path}, OpenOptions{MemoryLimit: 256 << 20, allocator: mem})
	if err != nil {
		return 0
	}
	defer func() {
		src.Close()
		if mem.now != 0 {
			t.Errorf("%s: %d bytes outstanding", filepath.Base(path), mem.now)
		}
	}()
	for i := range min(src.Len(), 20) {
		for c := range src.Schema().Fields() {
			whole, wholeErr := src.Read(t.Context(), i, []int{c})
			n := src.Unit(i).Rows
			for _, rows := range []int64{1, n / 3, n - 1, n, n + 1} {
				if rows < 1 {
					continue
				}
				part, err := src.(beginner).readFirst(t.Context(), i, rows, []int{c})
				switch {
				case err != nil && wholeErr == nil:
					t.Errorf("%s: column %d, %d of %d rows: %v", filepath.Base(path), c, rows, n, err)
				case err == nil && wholeErr == nil && !sameBegin(part, whole, min(rows, n)):
					t.Errorf("%s: column %d: the first %d of %d rows are others", filepath.Base(path), c, rows, n)
				}
				if err == nil {
					if rows < n {
						parts++
					}
					part.Release()
				}
			}
			if wholeErr == nil {
				whole.Release()
			}
		}
	}
	return parts
}

// sameBegin tells whether part is the first rows of whole. Floating-point numbers that are not finite are equal as text.
func sameBegin(part, whole arrow.Record, rows int64) bool {
	if part.NumRows() != rows || validate(part.Column(0).Data()) != nil {
		return false
	}
	begin := whole.NewSlice(0, rows)
	defer begin.Release()
	a, b := part.Column(0), begin.Column(0)
	return a.NullN() == b.NullN() && (array.Equal(a, b) || array.ApproxEqual(a, b, array.WithNaNsEqual(true), array.WithAbsTolerance(0)))
}

// writeLists writes rows of lists of up to most values, among them empty lists and nulls, in one row group.
func writeLists(t *testing.T, path, compression string, rows, most int) {
	t.Helper()
	schema := schemaOf("x", list(f64), "word", list(str))
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	x, words := b.Field(0).(*array.ListBuilder), b.Field(1).(*array.ListBuilder)
	for row := range rows {
		if row%7 == 3 {
			x.AppendNull()
		} else {
			x.Append(true)
			for k := range row * 31 % most {
				x.ValueBuilder().(*array.Float64Builder).Append(float64(row*most + k))
			}
		}
		words.Append(true)
		for k := range row * 17 % 50 {
			words.ValueBuilder().(*array.StringBuilder).Append(strings.Repeat("w", k%40))
		}
	}
	w, err := NewWriter(path, WriteOptions{Schema: schema, RowGroupRows: rows, Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	rec := b.NewRecord()
	defer rec.Release()
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
