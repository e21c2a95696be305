package ingest

import (
	"context"
)

// A Conversion says what Convert has written.
type Conversion struct {
	Path    string `json:"path"`
	Rows    int64  `json:"rows"`
	Columns int    `json:"columns"`
	Units   int    `json:"units"` // row groups or record batches that were read
}

// Convert writes all rows and columns of a source, in its order, to a file at path: a working copy in another format or compression, or
// in row groups of another size. o.Schema is the source's. It holds one unit, and one row group that is being written. A source without
// end and a column of a type that is not supported are errors, and so is what NewWriter refuses; no file is left after an error.
func Convert(ctx context.Context, src Source, path string, o WriteOptions) (Conversion, error) {
	done := Conversion{Path: path, Columns: src.Schema().NumFields()}
	if err := convertible(src); err != nil {
		return done, err
	}
	o.Schema = src.Schema()
	w, err := NewWriter(path, o)
	if err != nil {
		return done, err
	}
	defer w.Abort() // of no effect after Close
	columns := make([]int, done.Columns)
	for i := range columns {
		columns[i] = i
	}
	for i := range src.Len() {
		r, err := src.Read(ctx, i, columns)
		if err != nil {
			return done, err
		}
		err = w.Write(r)
		r.Release()
		if err != nil {
			return done, err
		}
		done.Rows += src.Unit(i).Rows
		done.Units++
	}
	return done, w.Close()
}
