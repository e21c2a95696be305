package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"curvestream/benchmarks/internal/bench"
	"curvestream/ingest"
)

// prepare generates the files of a length, as a user would, and the same sequences for the peers; files that are there stay.
func prepare(ctx context.Context, d bench.Desk, train int, length string) (string, error) {
	dir := filepath.Join(d.Dir, fmt.Sprintf("data-T%s-%d", length, train))
	if _, err := os.Stat(filepath.Join(dir, "test.raw")); err == nil {
		return dir, nil
	}
	o, err := d.Program.Run(ctx, true, "gen", "addition", "--length", length, "--train", fmt.Sprint(train), "--valid", "2000", "--test", "10000", "--seed", "1", "-o", dir, "--overwrite", "-q")
	if err != nil || o.Exit != 0 {
		return "", fmt.Errorf("gen: %v, exit %d: %s", err, o.Exit, o.Stderr)
	}
	for _, part := range []string{"train", "valid", "test"} {
		if err := raw(ctx, filepath.Join(dir, part+".parquet"), filepath.Join(dir, part+".raw")); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// raw writes the sequences of a Parquet file in their order as the peers read them: int32 n, int32 features, int32 lengths [n], float32
// targets [n], float32 values [steps][features], little-endian.
func raw(ctx context.Context, from, to string) error {
	src, err := ingest.Open(ctx, []string{from}, ingest.OpenOptions{})
	if err != nil {
		return err
	}
	defer src.Close()
	var columns []int
	for _, name := range []string{"x", "target"} {
		at := src.Schema().FieldIndices(name)
		if len(at) != 1 {
			return fmt.Errorf("%s has no column %q", from, name)
		}
		columns = append(columns, at[0])
	}
	var lengths []int32
	var targets, values []float32
	for i := range src.Len() {
		r, err := src.Read(ctx, i, columns)
		if err != nil {
			return err
		}
		lengths, targets, values, err = appendSequences(r, lengths, targets, values)
		r.Release()
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	steps := 0
	for _, n := range lengths {
		steps += int(n)
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	for _, part := range []any{[]int32{int32(len(lengths)), int32(len(values) / max(1, steps))}, lengths, targets, values} {
		if err := binary.Write(f, binary.LittleEndian, part); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

// appendSequences appends the rows of a record of x, a list of lists, and target.
func appendSequences(r arrow.Record, lengths []int32, targets, values []float32) ([]int32, []float32, []float32, error) {
	x, ok := r.Column(0).(array.ListLike)
	if !ok {
		return nil, nil, nil, fmt.Errorf("x is %v, want a list of steps", r.Column(0).DataType())
	}
	steps, ok := x.ListValues().(array.ListLike)
	if !ok {
		return nil, nil, nil, fmt.Errorf("a step of x is %v, want a list of numbers", x.ListValues().DataType())
	}
	numbers, ok := steps.ListValues().(*array.Float32)
	if !ok {
		return nil, nil, nil, fmt.Errorf("a step of x has %v, want float32", steps.ListValues().DataType())
	}
	target, ok := r.Column(1).(*array.Float32)
	if !ok {
		return nil, nil, nil, fmt.Errorf("target is %v, want float32", r.Column(1).DataType())
	}
	for i := range int(r.NumRows()) {
		first, end := x.ValueOffsets(i)
		lengths, targets = append(lengths, int32(end-first)), append(targets, target.Value(i))
		for s := first; s < end; s++ {
			a, b := steps.ValueOffsets(int(s))
			values = append(values, numbers.Float32Values()[a:b]...)
		}
	}
	return lengths, targets, values, nil
}
