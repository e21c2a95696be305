package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// SortOptions say what Sort sorts by and with what.
type SortOptions struct {
	Roles  RoleOptions // ID and Time, or what they are inferred from
	Memory int64       // bytes to sort with, what a Read holds included; 0 means 1 GiB
	Dir    string      // where runs are kept while they are merged; "" means the system's temporary directory
}

// SortMemory is what of the memory to sort with a source may take for a Read: what to open it with.
func SortMemory(memory int64) int64 { return memory / 2 }

const (
	// mergeWays is how many runs are merged at once.
	mergeWays = 16
	// runPieces is how many record batches make up the memory that a merge may take: two for each run, and room for the writer.
	runPieces = 8 * mergeWays
)

// Sort writes all rows of a source to a file at path, ordered by sequence and, within a sequence, by time (without a time column in the order
// of the source): the order in which the long layout is read with bounded memory. Whole numbers are ordered as numbers, other identifiers as
// texts. Rows are sorted in memory a quarter of o.Memory at a time; the sorted runs lie in a directory of their own below o.Dir, are merged
// 16 at once, and are gone when Sort returns. Rows without identifier or time are an error; so is what Convert and NewWriter refuse.
func Sort(ctx context.Context, src Source, path string, o SortOptions, w WriteOptions) (done Conversion, err error) {
	done = Conversion{Path: path, Columns: src.Schema().NumFields()}
	if err := convertible(src); err != nil {
		return done, err
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemoryLimit
	}
	keys, err := newRowKeys(src, o.Roles)
	if err != nil {
		return done, err
	}
	w.Schema = src.Schema()
	out, err := NewWriter(path, w)
	if err != nil {
		return done, err
	}
	defer out.Abort() // of no effect after Close
	dir, err := os.MkdirTemp(o.Dir, "curvestream-sort-*")
	if err != nil {
		return done, fmt.Errorf("ingest: sorting: %w", err)
	}
	defer func() {
		if gone := os.RemoveAll(dir); gone != nil && err == nil {
			err = fmt.Errorf("ingest: removing sorted runs: %w", gone)
		}
	}()
	s := &sorter{keys: keys, dir: dir, memory: o.Memory, schema: src.Schema()}
	defer s.forget()
	if err := s.read(ctx, src); err != nil {
		return done, err
	}
	if err := s.finish(ctx, out); err != nil {
		return done, err
	}
	if s.written != s.rows {
		return done, fmt.Errorf("ingest: sorting: %d of %d rows were written", s.written, s.rows)
	}
	done.Rows, done.Units = s.rows, src.Len()
	return done, out.Close()
}

// convertible refuses what cannot be written as a whole.
func convertible(src Source) error {
	if src.Len() == Endless {
		return fault(codeUnsupported, src.Unit(0).File, "write so many sequences as are wanted: curvestream gen TASK --train N -o DIR", "has no end")
	}
	for _, f := range src.Schema().Fields() {
		if err := supported(f.Type); err != nil {
			return fault(codeUnsupported, src.Unit(0).File, "leave the column out, or flatten it when writing the file", "%v", err).of(f.Name)
		}
	}
	return nil
}

// A sorter holds rows until they are a run, and the names of runs.
type sorter struct {
	keys    *rowKeys
	schema  *arrow.Schema
	dir     string
	memory  int64
	rows    int64 // read
	written int64

	held    []arrow.Record
	order   []sortedRow
	arena   []byte // keys of order
	bytes   int64
	runs    []string
	created int
	spilled int // runs of read
}

// A sortedRow is a row with its key, a part of an arena.
type sortedRow struct {
	at, end int // key
	record  int32
	row     int32
}

// read takes all units, and writes a run whenever a quarter of the memory is full.
func (s *sorter) read(ctx context.Context, src Source) error {
	columns := make([]int, src.Schema().NumFields())
	for i := range columns {
		columns[i] = i
	}
	for i := range src.Len() {
		u := src.Unit(i)
		rec, err := src.Read(ctx, i, columns)
		if err != nil {
			return err
		}
		if err := guardUnit(u, func() error { return s.add(u, rec) }); err != nil {
			return err
		}
		if s.bytes >= s.memory/4 {
			if err := s.spill(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes over a record and the keys of its rows.
func (s *sorter) add(u Unit, rec arrow.Record) (err error) {
	s.held = append(s.held, rec)
	views, before := viewsOf(rec), len(s.arena)
	for row := range int(rec.NumRows()) {
		at := len(s.arena)
		if s.arena, err = s.keys.appendSortKey(s.arena, views, u, row); err != nil {
			return err
		}
		s.order = append(s.order, sortedRow{at, len(s.arena), int32(len(s.held) - 1), int32(row)})
	}
	const perRow = 2 * 24 // of order, which grows to twice what it holds
	s.rows += rec.NumRows()
	s.bytes += heldBy(rec) + 2*int64(len(s.arena)-before) + perRow*rec.NumRows()
	return nil
}

// sort orders what is held; rows of one key keep the order of the source.
func (s *sorter) sort() {
	slices.SortStableFunc(s.order, func(a, b sortedRow) int { return bytes.Compare(s.arena[a.at:a.end], s.arena[b.at:b.end]) })
}

// spill writes what is held as a run.
func (s *sorter) spill(ctx context.Context) error {
	s.sort()
	w, path, err := s.newRun(s.bytes, int64(len(s.order)))
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := s.drain(ctx, w); err != nil {
		return err
	}
	s.runs = append(s.runs, path)
	s.spilled++
	return w.Close()
}

// newRun begins a run of rows that take so many bytes, in record batches of which runPieces fill the memory.
func (s *sorter) newRun(bytes, rows int64) (*Writer, string, error) {
	path := filepath.Join(s.dir, fmt.Sprintf("run-%06d.arrow", s.created))
	s.created++
	batch := max(1, int64(float64(rows)*float64(s.memory/runPieces)/float64(max(bytes, 1))))
	w, err := NewWriter(path, WriteOptions{Schema: s.schema, Format: WriteArrow, RowGroupRows: int(min(batch, 1<<16))})
	return w, path, err
}

// drain writes what is held, in order, and forgets it.
func (s *sorter) drain(ctx context.Context, w *Writer) error {
	defer s.forget()
	for lo := 0; lo < len(s.order); {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("ingest: sorting: %w", err)
		}
		first := s.order[lo]
		hi := lo + 1
		for hi < len(s.order) && s.order[hi].record == first.record && s.order[hi].row == first.row+int32(hi-lo) {
			hi++
		}
		if err := writeRows(w, s.held[first.record], int64(first.row), int64(hi-lo)); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// writeRows writes n rows of a record.
func writeRows(w *Writer, rec arrow.Record, from, n int64) error {
	part := rec.NewSlice(from, from+n)
	defer part.Release()
	return w.Write(part)
}

// forget releases what is held.
func (s *sorter) forget() {
	for _, r := range s.held {
		r.Release()
	}
	s.held, s.order, s.arena, s.bytes = nil, nil, nil, 0
}

// finish writes what is held and all runs, in order, having merged runs until there are few enough.
func (s *sorter) finish(ctx context.Context, out *Writer) error {
	if len(s.runs) == 0 {
		s.sort()
		s.written = int64(len(s.order))
		return s.drain(ctx, out)
	}
	if len(s.order) > 0 {
		if err := s.spill(ctx); err != nil {
			return err
		}
	}
	for len(s.runs) > mergeWays {
		if err := s.mergeRuns(ctx); err != nil {
			return err
		}
	}
	rows, err := s.merge(ctx, s.runs, out)
	s.written = rows
	return err
}

// mergeRuns makes one run of each 16, in their place: rows of one key stay in the order of the source.
func (s *sorter) mergeRuns(ctx context.Context) error {
	var merged []string
	for chunk := range slices.Chunk(s.runs, mergeWays) {
		w, path, err := s.newRun(s.memory/4, s.rows/int64(s.spilled)) // of as many rows a batch as the runs have on average
		if err != nil {
			return err
		}
		if _, err = s.merge(ctx, chunk, w); err == nil {
			err = w.Close()
		}
		w.Abort()
		for _, run := range chunk {
			err = errors.Join(err, os.Remove(run))
		}
		if err != nil {
			return err
		}
		merged = append(merged, path)
	}
	s.runs = merged
	return nil
}
