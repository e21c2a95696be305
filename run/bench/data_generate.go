package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/ingest"
)

// generatedFiles are the files that are measured where none are given: name and compression.
var generatedFiles = [][2]string{{"lists.parquet", "none"}, {"lists.parquet", "zstd"}, {"lists.arrow", "none"}, {"lists.arrow", "lz4"}}

// blockValues bounds the values of a row group.
const blockValues = 2_560_000

var generatedSchema = arrow.NewSchema([]arrow.Field{
	{Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)},
	{Name: "labels", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)},
	{Name: "target", Type: arrow.PrimitiveTypes.Float32},
}, nil)

// generated measures writing and reading files of lists of 64 to 256 random floats, with half as many labels beside them.
func (r DataRequest) generated(ctx context.Context, add func(DataRow)) (err error) {
	dir, err := os.MkdirTemp("", "curvestream-bench-")
	if err != nil {
		return fmt.Errorf("bench: data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r.Roles = ingest.RoleOptions{Inputs: []string{"x"}, Targets: []string{"target"}}
	for _, f := range generatedFiles {
		name := f[0] + " (" + f[1] + ")"
		path := filepath.Join(dir, f[1]+"."+f[0])
		start := startMeter()
		decoded, err := WriteLists(ctx, path, f[1], r.Sequences, 64, 256)
		if err != nil {
			return err
		}
		add(DataRow{Data: name, Stage: "write", DataFigures: start.stop().figures(decoded, r.Sequences, 1)})
		if err := r.measure(ctx, name, []string{path}, add); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("bench: data: %w", err)
		}
	}
	return nil
}

// WriteLists writes a file of generated sequences of shortest to longest time-steps, the same for every path and compression (those of
// ingest.WriteOptions), and returns the size of what they hold. Its errors are the writer's, and that of ctx.
func WriteLists(ctx context.Context, path, compression string, sequences, shortest, longest int) (decoded int64, err error) {
	blockRows := max(1, blockValues/longest)
	w, err := ingest.NewWriter(path, ingest.WriteOptions{Schema: generatedSchema, RowGroupRows: blockRows, Compression: compression})
	if err != nil {
		return 0, err
	}
	defer w.Abort()
	rng := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < sequences; done += blockRows {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		rec := lists(rng, min(blockRows, sequences-done), shortest, longest)
		for _, c := range rec.Columns() {
			decoded += contentBytes(c.Data())
		}
		err := w.Write(rec)
		rec.Release()
		if err != nil {
			return 0, err
		}
	}
	return decoded, w.Close()
}

func lists(rng *rand.Rand, rows, shortest, longest int) arrow.Record {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), generatedSchema)
	defer b.Release()
	x, labels, target := b.Field(0).(*array.ListBuilder), b.Field(1).(*array.ListBuilder), b.Field(2).(*array.Float32Builder)
	values, codes := make([]float32, longest), make([]int32, longest/2)
	for range rows {
		n := shortest + rng.IntN(longest-shortest+1)
		for i := range n {
			values[i] = rng.Float32()
		}
		for i := range n / 2 {
			codes[i] = int32(rng.IntN(50))
		}
		x.Append(true)
		x.ValueBuilder().(*array.Float32Builder).AppendValues(values[:n], nil)
		labels.Append(true)
		labels.ValueBuilder().(*array.Int32Builder).AppendValues(codes[:n/2], nil)
		target.Append(values[0])
	}
	return b.NewRecord()
}
