package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow/array"

	"curvestream/benchmarks/internal/bench"
	"curvestream/ingest"
)

// squaredError lets the program reproduce the images of a part of the data, and returns the squared difference to them, summed over
// pixels, mean over images.
func squaredError(ctx context.Context, d bench.Desk, j bench.Job, part string) (float64, error) {
	images, out := filepath.Join(data(d), part+".parquet"), filepath.Join(d.Dir, "reproduced.parquet")
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	defer os.Remove(out)
	o, err := d.Program.Run(ctx, false, "predict", d.Run(j), "--data", images, "-o", out, "-q")
	if err != nil || o.Exit != 0 {
		return 0, fmt.Errorf("predict: %v, exit %d: %s", err, o.Exit, o.Stderr)
	}
	return difference(ctx, images, out)
}

// difference is the mean over rows of the squared difference of the numbers in column x of one file and column probabilities of the other.
func difference(ctx context.Context, images, reproduced string) (float64, error) {
	want, n, err := numbers(ctx, images, "x")
	if err != nil {
		return 0, err
	}
	got, m, err := numbers(ctx, reproduced, "probabilities")
	if err != nil {
		return 0, err
	}
	if n != m || len(want) != len(got) {
		return 0, fmt.Errorf("%d images of %d numbers were reproduced as %d of %d", n, len(want), m, len(got))
	}
	sum := 0.0
	for i := range want {
		e := float64(want[i] - got[i])
		sum += e * e
	}
	return sum / float64(n), nil
}

// numbers returns the numbers of a column of lists, or of lists of lists, and how many rows there are.
func numbers(ctx context.Context, path, column string) (all []float32, rows int64, err error) {
	src, err := ingest.Open(ctx, []string{path}, ingest.OpenOptions{})
	if err != nil {
		return nil, 0, err
	}
	defer src.Close()
	at := src.Schema().FieldIndices(column)
	if len(at) != 1 {
		return nil, 0, fmt.Errorf("%s has no column %q", path, column)
	}
	for i := range src.Len() {
		r, err := src.Read(ctx, i, at)
		if err != nil {
			return nil, 0, err
		}
		values := r.Column(0)
		for {
			list, ok := values.(array.ListLike)
			if !ok {
				break
			}
			values = list.ListValues()
		}
		floats, ok := values.(*array.Float32)
		if !ok {
			r.Release()
			return nil, 0, fmt.Errorf("%s: column %q holds %v, want float32", path, column, values.DataType())
		}
		all, rows = append(all, floats.Float32Values()...), rows+r.NumRows()
		r.Release()
	}
	return all, rows, nil
}
