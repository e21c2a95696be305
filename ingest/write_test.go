package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// writable is the sample without the columns that a format refuses.
func writable(rows int, without ...string) arrow.Record {
	whole := sample(0, rows)
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range whole.Schema().Fields() {
		if supported(f.Type) == nil && f.Name != "labels" && !strings.Contains(strings.Join(without, " "), f.Name) {
			fields, columns = append(fields, f), append(columns, whole.Column(i))
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(rows))
}

// writeAll writes records and returns the path.
func writeAll(t testing.TB, name string, o WriteOptions, records ...arrow.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	o.Schema = records[0].Schema()
	w, err := NewWriter(path, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is written in any format and compression, in pieces of any size, is read back, in row groups of the size asked for.
func TestWriterRoundTrip(t *testing.T) {
	for _, c := range []struct{ name, compression string }{
		{"a.parquet", ""}, {"a.parquet", "snappy"}, {"a.parquet", "gzip"}, {"a.parquet", "none"}, {"a.arrow", ""}, {"a.arrow", "zstd"}, {"a.arrow", "none"},
	} {
		t.Run(c.name+"/"+c.compression, func(t *testing.T) {
			r := writable(100, "label")
			path := writeAll(t, c.name, WriteOptions{RowGroupRows: 32, Compression: c.compression}, r.NewSlice(0, 7), r.NewSlice(7, 80), r.NewSlice(80, 80), r.NewSlice(80, 100))
			s, err := Open(t.Context(), []string{path}, OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			columns := make([]int, r.NumCols())
			for i := range columns {
				columns[i] = i
			}
			if s.Len() != 4 || s.Fingerprint()[0].Rows != 100 {
				t.Fatalf("%d units, %+v", s.Len(), s.Fingerprint())
			}
			for i := range s.Len() {
				from := s.Unit(i).FirstRow
				compareUnit(t, s, i, columns, r.NewSlice(from, from+s.Unit(i).Rows))
			}
		})
	}
}

// Fixed-size lists, whatever their elements' nullability, survive Parquet as lists of that size; null ones stay null.
func TestFixedSizeListsInParquet(t *testing.T) {
	for _, nullable := range []bool{false, true} {
		typ := arrow.FixedSizeListOfNonNullable(2, arrow.PrimitiveTypes.Float32)
		if nullable {
			typ = arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float32)
		}
		b := array.NewBuilder(memory.NewGoAllocator(), typ).(*array.FixedSizeListBuilder)
		for i := range 5 {
			b.Append(i != 2)
			b.ValueBuilder().(*array.Float32Builder).AppendValues([]float32{float32(i), float32(-i)}, nil)
		}
		r := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ, Nullable: true}}, nil), []arrow.Array{retyped(b.NewArray(), typ)}, 5)
		s, err := Open(t.Context(), []string{writeAll(t, "a.parquet", WriteOptions{}, r)}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Read(t.Context(), 0, []int{0})
		if err != nil {
			t.Fatal(err)
		}
		if want := "[[0 0] [1 -1] (null) [3 -3] [4 -4]]"; fmt.Sprint(got.Column(0)) != want {
			t.Errorf("nullable=%v: %v, want %s", nullable, got.Column(0), want)
		}
		s.Close()
	}
}

// Every form that a value has in JSON.
func TestWriterJSONL(t *testing.T) {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "y \"q\"", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)},
		{Name: "z", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "b", Type: arrow.BinaryTypes.Binary},
		{Name: "ok", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "none", Type: arrow.Null, Nullable: true},
	}, nil))
	for i, z := range []float64{0.1, math.NaN(), math.Inf(-1), 1e30} {
		b.Field(0).(*array.Int64Builder).Append(math.MaxInt64 - int64(i))
		l := b.Field(1).(*array.ListBuilder)
		l.Append(true)
		l.ValueBuilder().(*array.Float32Builder).AppendValues([]float32{0.1, float32(z)}, nil)
		b.Field(2).(*array.Float64Builder).Append(z)
		b.Field(3).(*array.StringBuilder).Append("<é\n\xff>")
		b.Field(4).(*array.BinaryBuilder).Append([]byte{0, 255})
		b.Field(5).(*array.BooleanBuilder).Append(i == 0)
		b.Field(6).(*array.NullBuilder).AppendNull()
	}
	got, err := os.ReadFile(writeAll(t, "a.jsonl", WriteOptions{}, b.NewRecord()))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":9223372036854775807,"y \"q\"":[0.1,0.1],"z":0.1,"s":"<é\n` + "\uFFFD" + `>","b":"AP8=","ok":true,"none":null}
{"id":9223372036854775806,"y \"q\"":[0.1,null],"z":null,"s":"<é\n` + "\uFFFD" + `>","b":"AP8=","ok":false,"none":null}
{"id":9223372036854775805,"y \"q\"":[0.1,null],"z":null,"s":"<é\n` + "\uFFFD" + `>","b":"AP8=","ok":false,"none":null}
{"id":9223372036854775804,"y \"q\"":[0.1,1e+30],"z":1e+30,"s":"<é\n` + "\uFFFD" + `>","b":"AP8=","ok":false,"none":null}
`
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Standard output gets a stream that can be read back, and each record at once.
func TestWriterStdout(t *testing.T) {
	r := writable(10, "label")
	var out bytes.Buffer
	w, err := NewWriter("-", WriteOptions{Schema: r.Schema(), Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		before := out.Len()
		if err := w.Write(r.NewSlice(5*i, 5*i+5)); err != nil {
			t.Fatal(err)
		}
		if out.Len() == before {
			t.Errorf("record %d was not passed on", i)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), []string{"-"}, OpenOptions{Stdin: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 2 {
		compareUnit(t, s, i, []int{0, 1, 2, 3}, r.NewSlice(int64(5*i), int64(5*i+5)))
	}
}

// What cannot be written is refused, and says why; the file that was there stays, and nothing else is left.
func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.parquet")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := sample(0, 3)
	schema := arrow.NewSchema(r.Schema().Fields()[:2], nil)
	for name, c := range map[string]struct {
		path string
		o    WriteOptions
		code string
		want string
	}{
		"exists":         {old, WriteOptions{Schema: schema}, "output.exists", "exists"},
		"directory":      {dir, WriteOptions{Schema: schema, Format: "arrow", Overwrite: true}, "output.cannot_create", "is a directory"},
		"no directory":   {filepath.Join(dir, "no", "a.arrow"), WriteOptions{Schema: schema}, "output.cannot_create", "mkdir -p"},
		"no format":      {filepath.Join(dir, "a"), WriteOptions{Schema: schema}, "output.usage", ".parquet, .arrow or .jsonl"},
		"unknown format": {filepath.Join(dir, "a"), WriteOptions{Schema: schema, Format: "csv"}, "output.usage", `unknown format "csv"`},
		"codec":          {filepath.Join(dir, "a.arrow"), WriteOptions{Schema: schema, Compression: "gzip"}, "output.usage", "lz4, none, zstd"},
		"no stdout":      {"-", WriteOptions{Schema: schema}, "output.usage", "standard output"},
		"parquet pipe":   {"-", WriteOptions{Schema: schema, Format: "parquet", Stdout: &bytes.Buffer{}}, "output.usage", "arrow or jsonl"},
		"no columns":     {filepath.Join(dir, "a.arrow"), WriteOptions{}, "output.usage", "no columns"},
		"struct":         {filepath.Join(dir, "a.arrow"), WriteOptions{Schema: r.Schema()}, "output.usage", `column "skip": structs`},
		"dictionary":     {filepath.Join(dir, "a.parquet"), WriteOptions{Schema: arrow.NewSchema(r.Schema().Fields()[9:10], nil)}, "output.usage", "dictionary"},
	} {
		w, err := NewWriter(c.path, c.o)
		var e *OutputError
		if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v (writer %v), want %s with %q", name, err, w, c.code, c.want)
		}
	}
	onlyHolds(t, dir, "old.parquet")
}

// onlyHolds fails the test if a directory holds anything else.
func onlyHolds(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v in the directory, want %v", got, want)
	}
}

// Nothing is visible before Close; nothing is left after Abort or a failure; an existing file is replaced only when asked.
func TestWriterIsAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.parquet")
	r := writable(5, "label")
	begin := func(overwrite bool) *Writer {
		w, err := NewWriter(path, WriteOptions{Schema: r.Schema(), Overwrite: overwrite, RowGroupRows: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		return w
	}
	begin(false).Abort()
	onlyHolds(t, dir)

	w := begin(false)
	if err := w.Write(sample(0, 1)); err == nil {
		t.Error("a record with other columns was taken")
	}
	if err := w.Close(); err == nil {
		t.Error("Close succeeded after a failed Write")
	}
	onlyHolds(t, dir)

	first, second := begin(false), begin(false)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is visible before Close")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	var e *OutputError
	if err := second.Close(); !errors.As(err, &e) || e.Code != "output.exists" {
		t.Errorf("%v, want output.exists: the file appeared in the meantime", err)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, before) {
		t.Error("the file was changed")
	}
	if err := begin(true).Close(); err != nil {
		t.Error(err)
	}
	first.Abort() // does nothing after Close
	if err := first.Write(r); err == nil {
		t.Error("written after Close")
	}
	onlyHolds(t, dir, "a.parquet")
}

// Writing lists takes linear time: what is allocated, and copied, is a small multiple of what is written. Without the growing
// allocator it is seven times as much already for these few, and grows with the square of their number.
func TestWriterIsLinear(t *testing.T) {
	b := array.NewListBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Float32)
	values := make([]float32, 200)
	for range 4000 {
		b.Append(true)
		b.ValueBuilder().(*array.Float32Builder).AppendValues(values, nil)
	}
	r := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: b.Type()}}, nil), []arrow.Array{b.NewArray()}, 4000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	writeAll(t, "a.parquet", WriteOptions{}, r)
	runtime.ReadMemStats(&after)
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 200 {
		t.Errorf("%d MB allocated for 3.2 MB", mb)
	} else {
		t.Logf("%d MB allocated", mb)
	}
}
