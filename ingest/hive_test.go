package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// numbers makes a record of one column.
func numbers(name string, values ...int64) arrow.Record {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(values, nil)
	a := b.NewArray()
	defer a.Release()
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: name, Type: a.DataType()}}, nil), []arrow.Array{a}, int64(len(values)))
}

// folders writes a file of rows 1 and 2 of column x for each path.
func folders(t *testing.T, column string, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range paths {
		path := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(p, ".parquet") && !strings.HasSuffix(p, ".arrow") {
			if err := os.WriteFile(path, []byte("no data"), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		r := numbers(column, 1, 2)
		w, err := NewWriter(path, WriteOptions{Schema: r.Schema()})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	return dir
}

// A directory as Spark writes it is read with its folders as columns.
func TestSparkDirectory(t *testing.T) {
	for _, c := range []struct {
		name  string
		paths []string
		types string   // of the added columns
		rows  []string // first row of each unit
	}{
		{"flat", []string{"part-0.parquet", "part-1.parquet", "_SUCCESS", "_metadata", "_common_metadata", ".part-0.parquet.crc"}, "", []string{"1", "1"}},
		{"whole numbers", []string{"y=2020/part-0.parquet", "y=-3/part-0.parquet", "_SUCCESS"}, "y:int64", []string{"1 -3", "1 2020"}},
		{"numbers", []string{"lr=0.5/part-0.parquet", "lr=1/part-0.arrow"}, "lr:float64", []string{"1 0.5", "1 1"}},
		{"days", []string{"d=2024-02-29/p.parquet", "d=__HIVE_DEFAULT_PARTITION__/p.parquet"}, "d:date32", []string{"1 2024-02-29", "1 (null)"}},
		{"texts", []string{"s=a%2Fb%20c/p.parquet", "s=%/p.parquet", "s=1/p.parquet"}, "s:utf8", []string{"1 %", "1 1", "1 a/b c"}},
		{"two keys", []string{"y=1/m=a/p.parquet", "y=1/m=b/p.parquet", "y=2/m=__HIVE_DEFAULT_PARTITION__/p.parquet"}, "y:int64 m:utf8", []string{"1 1 a", "1 1 b", "1 2 (null)"}},
		{"nulls only", []string{"y=__HIVE_DEFAULT_PARTITION__/p.parquet"}, "y:utf8", []string{"1 (null)"}},
		{"the file's own column", []string{"x=7/p.parquet"}, "", []string{"1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := Open(t.Context(), []string{folders(t, "x", c.paths...)}, OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			var types []string
			for _, f := range src.Schema().Fields()[1:] {
				types = append(types, f.Name+":"+f.Type.String())
			}
			if got := strings.Join(types, " "); got != c.types {
				t.Errorf("columns %s, want %s", got, c.types)
			}
			for i := range src.Len() {
				r, err := src.Read(t.Context(), i, allColumns(src))
				if err != nil {
					t.Fatal(err)
				}
				var row []string
				for _, column := range r.Columns() {
					row = append(row, column.ValueStr(0))
				}
				if got := strings.Join(row, " "); i >= len(c.rows) || got != c.rows[i] {
					t.Errorf("unit %d: %q, want %q", i, got, c.rows)
				}
				r.Release()
				last := len(row) - 1 // columns may be read alone and in any order
				if r, err = src.Read(t.Context(), i, []int{last, 0, last}); err != nil || r.Column(0).ValueStr(1) != r.Column(2).ValueStr(0) && last > 0 || r.Column(1).ValueStr(1) != "2" {
					t.Errorf("%v, %v", r, err)
				}
				r.Release()
			}
			if _, err := Inspect(t.Context(), src, RoleOptions{}, 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// Folders that contradict each other are refused by name.
func TestHiveRefused(t *testing.T) {
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{[]string{"p.parquet", "y=1/p.parquet"}, "its folders give values of y, those of"},
		{[]string{"y=1/p.parquet", "z=1/p.parquet"}, "its folders give values of z, those of"},
		{[]string{"y=1/y=2/p.parquet"}, `two folders of its path give a value of "y"`},
	} {
		_, err := Open(t.Context(), []string{folders(t, "x", c.paths...)}, OpenOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "fix:") {
			t.Errorf("%v: %v, want %s", c.paths, err, c.want)
		}
	}
}
