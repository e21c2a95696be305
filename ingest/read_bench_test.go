package ingest

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// BenchmarkRead reads 4,096 sequences of 200 random floats, one row group, in one goroutine; MB/s are of decoded floats.
func BenchmarkRead(b *testing.B) {
	const rows, length = 4096, 200
	l := array.NewListBuilder(memory.NewGoAllocator(), arrow.PrimitiveTypes.Float32)
	state := uint32(1)
	values := make([]float32, length)
	for range rows {
		for i := range values {
			state = state*1664525 + 1013904223
			values[i] = float32(state>>8) / (1 << 24)
		}
		l.Append(true)
		l.ValueBuilder().(*array.Float32Builder).AppendValues(values, nil)
	}
	r := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: l.Type()}}, nil), []arrow.Array{l.NewArray()}, rows)
	for _, c := range []struct{ name, compression string }{
		{"a.parquet", "none"}, {"a.parquet", "zstd"}, {"a.arrow", "none"}, {"a.arrow", "lz4"}, {"a.arrow", "zstd"},
	} {
		b.Run("file="+c.name+"/codec="+c.compression, func(b *testing.B) {
			s, err := Open(b.Context(), []string{writeAll(b, c.name, WriteOptions{Compression: c.compression}, r)}, OpenOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.SetBytes(rows * length * 4)
			b.ReportAllocs()
			for b.Loop() {
				got, err := s.Read(b.Context(), 0, []int{0})
				if err != nil {
					b.Fatal(err)
				}
				got.Release()
			}
		})
	}
}
