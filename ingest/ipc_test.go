package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A sample is a record of every type that is read, with rows from row on, and with nulls.
func sample(row, rows int) arrow.Record {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	numbers := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: arrow.PrimitiveTypes.Float64}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32), Nullable: true},
		{Name: "skip", Type: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "b", Type: arrow.BinaryTypes.String})},
		{Name: "xx", Type: arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Float64)), Nullable: true},
		{Name: "fixed", Type: arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32), Nullable: true},
		{Name: "large", Type: arrow.LargeListOf(arrow.PrimitiveTypes.Int16), Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "bytes", Type: arrow.BinaryTypes.LargeBinary, Nullable: true},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "label", Type: dict, Nullable: true},
		{Name: "labels", Type: arrow.ListOf(numbers), Nullable: true},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "price", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
		{Name: "nothing", Type: arrow.Null, Nullable: true},
		{Name: "view", Type: arrow.BinaryTypes.StringView, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	for i := row; i < row+rows; i++ {
		fill(b, i)
	}
	return b.NewRecord()
}

// fill appends row i: about one value in seven is null, and lists have 0 to 4 elements.
func fill(b *array.RecordBuilder, i int) {
	for c, f := range b.Fields() {
		if b.Schema().Field(c).Nullable && (i+c)%7 == 3 {
			f.AppendNull()
			continue
		}
		fillValue(f, i)
	}
}

func fillValue(f array.Builder, i int) {
	switch f := f.(type) {
	case *array.Int16Builder:
		f.Append(int16(i))
	case *array.Int32Builder:
		f.Append(int32(i))
	case *array.Int64Builder:
		f.Append(int64(i))
	case *array.Float32Builder:
		f.Append(float32(i) / 2)
	case *array.Float64Builder:
		f.Append(float64(i) / 3)
	case *array.BooleanBuilder:
		f.Append(i%3 == 0)
	case *array.StringBuilder:
		f.Append(fmt.Sprintf("row %d", i))
	case *array.BinaryBuilder:
		f.Append([]byte{byte(i), 0, 255})
	case *array.StringViewBuilder:
		f.Append(strings.Repeat("v", i)) // inline up to 12 bytes, in a buffer above
	case *array.Date32Builder:
		f.Append(arrow.Date32(i))
	case *array.Decimal128Builder:
		f.Append(decimal128.FromI64(int64(i)))
	case *array.NullBuilder:
		f.AppendNull()
	case *array.BinaryDictionaryBuilder:
		if err := f.AppendString([]string{"red", "green", "blue"}[i%3]); err != nil {
			panic(err)
		}
	case *array.Float64DictionaryBuilder:
		if err := f.Append(float64(i % 5)); err != nil {
			panic(err)
		}
	case *array.StructBuilder:
		f.Append(true)
		for k := range f.NumField() {
			fillValue(f.FieldBuilder(k), i)
		}
	case *array.FixedSizeListBuilder:
		f.Append(true)
		for k := range 3 {
			fillValue(f.ValueBuilder(), i+k)
		}
	case array.ListLikeBuilder:
		f.Append(true)
		for k := range i % 5 {
			fillValue(f.ValueBuilder(), i+k)
		}
	default:
		panic(fmt.Sprintf("no value for %T", f))
	}
}

// ipcBytes writes records with the Arrow library, as a file or as a stream.
func ipcBytes(t testing.TB, stream bool, records []arrow.Record, o ...ipc.Option) []byte {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	o = append(o, ipc.WithSchema(records[0].Schema()), ipc.WithDictionaryDeltas(true))
	var w interface {
		Write(arrow.Record) error
		Close() error
	}
	if stream {
		w = ipc.NewWriter(out, o...)
	} else if w, err = ipc.NewFileWriter(out, o...); err != nil {
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
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written puts bytes into a file of the test's directory.
func written(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Values of files and streams, of any compression and any projection, are those written; dictionaries are values.
func TestIPCValues(t *testing.T) {
	for _, stream := range []bool{false, true} {
		whole := sample(0, 64) // a file may not replace a dictionary
		records := []arrow.Record{whole.NewSlice(0, 40), whole.NewSlice(40, 41), whole.NewSlice(41, 64)}
		if stream {
			records = []arrow.Record{sample(0, 40), sample(40, 1), sample(41, 23)}
		}
		for name, o := range map[string][]ipc.Option{"none": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
			t.Run(fmt.Sprintf("stream=%v/%s", stream, name), func(t *testing.T) {
				mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer mem.AssertSize(t, 0)
				s, err := Open(t.Context(), []string{written(t, "any name", ipcBytes(t, stream, records, o...))}, OpenOptions{allocator: mem})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if s.Len() != len(records) {
					t.Fatalf("%d units, want %d", s.Len(), len(records))
				}
				for _, columns := range [][]int{{0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, {13, 14, 1}, {10}, {4, 9, 9}, {}} {
					for i, want := range records {
						compareUnit(t, s, i, columns, want)
					}
				}
			})
		}
	}
}

// compareUnit reads columns of a unit and compares every value, as text, with the record written.
func compareUnit(t *testing.T, s Source, i int, columns []int, want arrow.Record) {
	t.Helper()
	got, err := s.Read(t.Context(), i, columns)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if got.NumRows() != want.NumRows() || s.Unit(i).Rows != want.NumRows() {
		t.Fatalf("unit %d: %d rows, %d announced, want %d", i, got.NumRows(), s.Unit(i).Rows, want.NumRows())
	}
	for k, c := range columns {
		if got.ColumnName(k) != want.ColumnName(c) || !sameType(got.Column(k).DataType(), s.Schema().Field(c).Type) {
			t.Errorf("column %d is %s, want %s", k, got.Schema().Field(k), s.Schema().Field(c))
		}
		for row := range int(want.NumRows()) {
			if g, w := got.Column(k).ValueStr(row), plainString(want.Column(c), row); g != w {
				t.Fatalf("unit %d, column %q, row %d: %s, want %s", i, want.ColumnName(c), row, g, w)
			}
		}
	}
}

// plainString is ValueStr with values for dictionaries.
func plainString(a arrow.Array, row int) string {
	switch a := a.(type) {
	case *array.Dictionary:
		if a.IsNull(row) {
			return array.NullValueStr
		}
		return a.Dictionary().ValueStr(a.GetValueIndex(row))
	case *array.List:
		if d, ok := a.ListValues().(*array.Dictionary); ok && !a.IsNull(row) {
			from, to := a.ValueOffsets(row)
			b := array.NewFloat64Builder(memory.NewGoAllocator())
			for k := from; k < to; k++ {
				b.Append(d.Dictionary().(*array.Float64).Value(d.GetValueIndex(int(k))))
			}
			plain := array.NewListBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Float64)
			plain.Append(true)
			plain.ValueBuilder().(*array.Float64Builder).AppendValues(b.NewFloat64Array().Float64Values(), nil)
			return plain.NewListArray().ValueStr(0)
		}
	}
	return a.ValueStr(row)
}
