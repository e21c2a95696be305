// Package ingest opens sequence data, Parquet and Arrow IPC files, streams and generators, and hands on Arrow records
// with their provenance. It owns column roles and encodings, and every hazard of reading foreign bytes.
package ingest

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
)

// A Unit is the piece of a source that is read at once: a Parquet row group, an Arrow record batch, a block of a generator.
type Unit struct {
	File     string // as the user knows it; "-" for standard input
	RowGroup int    // row group or record batch within the file, counted from 0
	FirstRow int64  // of the unit within the file, counted from 0
	Rows     int64
	// Bytes bounds the memory that Read needs, decoder scratch included: what is asked of the budget before reading.
	Bytes int64
}

// A Source is an opened set of data. It is safe for concurrent use.
type Source interface {
	// Schema returns the columns, the same for all units.
	Schema() *arrow.Schema
	// Len returns the number of units, or Endless.
	Len() int
	// Unit describes unit i, for i < Len().
	Unit(i int) Unit
	// Read decodes the given columns (indices into Schema, in that order in the record) of unit i: exactly Unit(i).Rows rows,
	// or an error that names file, row group and column. It does not panic, whatever the bytes. The caller releases the
	// record. ctx is looked at between batches.
	Read(ctx context.Context, i int, columns []int) (arrow.Record, error)
	// Fingerprint returns a description of each file for the manifest and for data.json.
	Fingerprint() []FileInfo
	// Close closes files and removes what was spooled.
	Close() error
}

// A Sizer is a Source that knows what reading some of its columns takes, where Unit.Bytes is for all of them.
type Sizer interface {
	// Bytes bounds the memory that Read(ctx, i, columns) needs.
	Bytes(i int, columns []int) int64
}

// Endless is the Len of a source without end.
const Endless = -1

// A FileInfo says what a file was when it was opened.
type FileInfo struct {
	Path   string `json:"path"`
	Format string `json:"format"` // "parquet", "arrow-file", "arrow-stream", "generator"
	Size   int64  `json:"size"`
	Footer string `json:"footer"`         // xxh3-128 of the footer (Parquet, IPC file), of the whole (stream), or the generator's specification
	ETag   string `json:"etag,omitempty"` // of a remote object
	Rows   int64  `json:"rows"`
	Units  int    `json:"units"`
}
