package ingest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"curvestream/internal/shared"
)

// compareWithLibrary decodes every column of every row group of a Parquet file twice, here and with the library, and returns how many
// were decoded here and compared.
func compareWithLibrary(t *testing.T, path string) (compared int) {
	t.Helper()
	opened, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		return 0
	}
	defer opened.Close()
	s := opened.(*source)
	p := s.opened[0].decoder.(*parquetFile)
	for i := range s.Len() {
		for column, f := range s.schema.Fields() {
			if supported(f.Type) != nil || p.problems[column] != nil {
				continue
			}
			in, err := s.opened[0].file.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			w := newWorkspace(mem, 1<<30)
			got, err := p.decodeCovered(in, s.Unit(i), column, 0, newPageScratch(w.scratch), w)
			var want arrow.Array
			libraryErr := guard(path, i, func() (err error) {
				want, err = p.decodeLibrary(in, s.Unit(i), column, newWorkspace(memory.NewGoAllocator(), 1<<30))
				return err
			})
			in.Close()
			switch {
			case errors.Is(err, errUncovered):
			case libraryErr != nil && err != nil:
			case libraryErr != nil:
				t.Logf("%s, column %q: only read here: %v", filepath.Base(path), f.Name, libraryErr)
			case err != nil:
				t.Errorf("%s, unit %d, column %q: %v, but the library reads it", path, i, f.Name, err)
			default:
				compared++
				if !array.ApproxEqual(got, want, array.WithNaNsEqual(true), array.WithAbsTolerance(0)) {
					t.Errorf("%s, unit %d, column %q (%s): differs from the library's", path, i, f.Name, f.Type)
				}
			}
			if got != nil {
				got.Release()
			}
			w.record.abandon()
			w.scratch.abandon()
			mem.AssertSize(t, 0)
		}
	}
	return compared
}

// Every column of every file at hand that is decoded here is what the library makes of it.
func TestDecoderAgreesOnFiles(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(shared.Dir(t, "data"), "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(shared.Dir(t, "data", "interop"), "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, path := range append(paths, more...) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() < 100<<10 || !testing.Short() && !underRace {
			compared += compareWithLibrary(t, path)
		}
	}
	t.Logf("%d column chunks compared in %d files", compared, len(paths)+len(more))
	if compared < 80 {
		t.Errorf("only %d column chunks compared", compared)
	}
}

// nestedValue appends a random value: a null where that is allowed, lists with runs long enough for whole words of levels.
func nestedValue(rng *rand.Rand, b array.Builder, nulls float64) {
	if rng.Float64() < nulls {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.ListBuilder:
		b.Append(true)
		n := rng.IntN(4)
		if rng.IntN(3) == 0 {
			n = rng.IntN(60)
		}
		for range n {
			nestedValue(rng, b.ValueBuilder(), nulls)
		}
	case *array.Float32Builder:
		b.Append(float32(rng.NormFloat64()))
	case *array.Float64Builder:
		b.Append(float64(rng.IntN(9))) // few values: a dictionary
	case *array.Float16Builder:
		fillValue16(b, rng)
	case *array.Int8Builder:
		b.Append(int8(rng.Int()))
	case *array.Uint8Builder:
		b.Append(uint8(rng.Int()))
	case *array.Int16Builder:
		b.Append(int16(rng.Int()))
	case *array.Uint16Builder:
		b.Append(uint16(rng.Int()))
	case *array.Int32Builder:
		b.Append(int32(rng.IntN(300)))
	case *array.Uint32Builder:
		b.Append(rng.Uint32())
	case *array.Int64Builder:
		b.Append(rng.Int64())
	case *array.Uint64Builder:
		b.Append(rng.Uint64())
	case *array.BooleanBuilder:
		b.Append(rng.IntN(2) == 0)
	case *array.StringBuilder:
		b.Append(strings.Repeat("é", rng.IntN(5)) + fmt.Sprint(rng.IntN(50)))
	case *array.BinaryBuilder:
		b.Append([]byte{byte(rng.Int()), 0})
	case *array.Date32Builder:
		b.Append(arrow.Date32(rng.Int32()))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(rng.Int64()))
	default:
		panic(fmt.Sprintf("no value for %T", b))
	}
}

func fillValue16(b *array.Float16Builder, rng *rand.Rand) {
	if err := b.AppendValueFromString(fmt.Sprint(rng.IntN(100))); err != nil {
		panic(err)
	}
}

// Random nested data of all types, with and without nulls, dictionaries and compression, in small pages and pages of both versions, is
// read as the library reads it, and as it was written.
func TestDecoderAgreesOnRandomNests(t *testing.T) {
	t.Parallel()
	leaves := []arrow.DataType{arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Float16,
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Uint16,
		arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint64,
		arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Timestamp_us}
	rng := rand.New(rand.NewPCG(11, 13))
	dir := t.TempDir()
	compared := 0
	depths := 4
	if underRace {
		depths = 2
	}
	for depth := range depths {
		for k, leaf := range leaves {
			nulls := []float64{0, 0.01, 0.4}[rng.IntN(3)]
			nullable := nulls > 0 || rng.IntN(2) == 0
			typ := leaf
			for range depth {
				typ = arrow.ListOfField(arrow.Field{Name: "element", Type: typ, Nullable: nullable})
			}
			rows := []int{400, 300, 30, 4}[depth] + rng.IntN(10)
			b := array.NewBuilder(memory.NewGoAllocator(), typ)
			for range rows {
				nestedValue(rng, b, nulls)
			}
			column := b.NewArray()
			r := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ, Nullable: nullable}}, nil), []arrow.Array{column}, int64(rows))
			path := filepath.Join(dir, fmt.Sprintf("%d-%d.parquet", depth, k))
			writeWith(t, path, r, parquet.WithDictionaryDefault(rng.IntN(2) == 0), parquet.WithDataPageSize(int64(64<<rng.IntN(10))),
				parquet.WithBatchSize(int64(1+rng.IntN(200))), parquet.WithMaxRowGroupLength(int64(rows)),
				parquet.WithCompression([]compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd, compress.Codecs.Gzip, compress.Codecs.Brotli}[rng.IntN(5)]))
			compared += compareWithLibrary(t, path)
			s, err := Open(t.Context(), []string{path}, OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			compareUnit(t, s, 0, []int{0}, r)
			s.Close()
		}
	}
	if compared != depths*len(leaves) {
		t.Errorf("%d of %d files compared", compared, depths*len(leaves))
	}
}

func writeWith(t *testing.T, path string, r arrow.Record, o ...parquet.WriterProperty) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(r.Schema(), f, parquet.NewWriterProperties(o...), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
