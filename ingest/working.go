package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// The files of a working copy, which is a directory, and the columns that it has beside the encoder's.
const (
	workingData    = "data.arrow"
	workingDigests = "digests.json"
	workingAbout   = "about.json"
	lockName       = "lock"
	workingSchema  = "curvestream.working/1"

	numberColumn = "curvestream.sequence" // of each row: its sequence's number in the manifest
	placeColumn  = "curvestream.place"    // where the row was: unit · 2³² + row
	idColumn     = "curvestream.id"       // the identifier, where it was made of file and row
)

// A WorkingSpec says what a working copy is of, and how it is written.
type WorkingSpec struct {
	Source      Source
	Encoding    *Encoding
	Sequences   string // the digest of the manifest that numbers the sequences
	Compression string // none, lz4 or zstd
	BatchBytes  int64  // about so many bytes of a length bucket make a record batch
}

// about is about.json: everything that a copy depends on. Its digest is the copy's name.
type about struct {
	Schema      string   `json:"schema"`
	Files       []dated  `json:"files"`
	Columns     []string `json:"columns"`
	Layout      Layout   `json:"layout"`
	ID          []string `json:"id"`
	Sequences   string   `json:"sequences"`
	Compression string   `json:"compression"`
}

// A dated file is known by what it was when it was opened, and when it was changed before that.
type dated struct {
	FileInfo
	Changed string `json:"changed"` // time of modification, or the version of a remote object
}

// about describes a copy of the columns that an encoder wants.
func (w WorkingSpec) about(columns []int) about {
	a := about{Schema: workingSchema, Layout: w.Encoding.Layout, ID: w.Encoding.ID, Sequences: w.Sequences, Compression: w.Compression}
	changed := make([]string, len(w.Source.Fingerprint()))
	if s, ok := w.Source.(*source); ok {
		for i, o := range s.opened {
			changed[i] = o.file.changed()
		}
	}
	for i, f := range w.Source.Fingerprint() {
		f.Path = absolute(f.Path)
		a.Files = append(a.Files, dated{f, changed[i]})
	}
	for _, c := range columns {
		f := w.Source.Schema().Field(c)
		a.Columns = append(a.Columns, f.Name+" "+describe(f.Type))
	}
	return a
}

// absolute spells the name of a local file in the same way from whatever directory it is named.
func absolute(path string) string {
	if path == StandardInput || strings.Contains(path, "://") {
		return path
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// name returns the name of the directory of a copy: equal for equal content.
func (a about) name() (string, []byte, error) {
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return "", nil, fmt.Errorf("ingest: describing a working copy: %w", err)
	}
	return digest(text), append(text, '\n'), nil
}

// changed says when the file was changed last.
func (f *file) changed() string {
	switch {
	case f.spooled != nil:
		return "" // its digest is of the whole
	case f.object != nil:
		return f.object.ETag
	}
	return strconv.FormatInt(f.modified.UnixNano(), 10)
}

// A WorkingWriter writes a working copy: the rows of some sequences, as Arrow IPC, in record batches of sequences of about the same
// length. It is not safe for concurrent use. Close or Abort it.
//
// It writes to a directory of another name, which is locked as long as the process lives, and renames it when it is complete and on disk:
// a copy is complete or absent, and of several runs that make the same one the first to finish wins.
type WorkingWriter struct {
	spec      WorkingSpec
	columns   []int
	dir, path string // while it is written, and then
	text      []byte // of about.json
	lock      *os.File
	writer    *Writer
	schema    *arrow.Schema
	buckets   map[int]*bucket
}

// A bucket holds what is to be written of sequences of about one length.
type bucket struct {
	parts []arrow.Record
	bytes int64
}

// A WorkingRun is rows [Lo, Hi) of a record that belong to one sequence of Steps time-steps in all.
type WorkingRun struct {
	Lo, Hi   int
	Sequence int32
	Steps    int32
}

// NewWorkingWriter begins a copy in dir, which is made if it is not there. columns are those that the records of Add have.
func NewWorkingWriter(dir string, spec WorkingSpec, columns []int) (*WorkingWriter, error) {
	name, text, err := spec.about(columns).name()
	if err != nil {
		return nil, err
	}
	w := &WorkingWriter{spec: spec, columns: columns, path: filepath.Join(dir, name), text: text, buckets: map[int]*bucket{}}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, workingFault(dir, err)
	}
	sweepWorking(w.path)
	if w.dir, w.lock, err = lockedDir(dir, name+".tmp-*"); err != nil {
		return nil, workingFault(dir, err)
	}
	w.schema = w.fields()
	if w.writer, err = NewWriter(filepath.Join(w.dir, workingData), WriteOptions{Format: WriteArrow, Schema: w.schema, Compression: spec.Compression}); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

func workingFault(path string, err error) error {
	return &OutputError{Code: "output.cannot_create", Path: path, Message: "the working copy cannot be written", Hint: "give --cache a directory that can be written, or leave it out", Err: bare(err)}
}

// lockedDir makes a directory that is locked. Another run may take it for a leftover before it is; then it makes another.
func lockedDir(parent, pattern string) (dir string, lock *os.File, err error) {
	for range 20 {
		if dir, err = os.MkdirTemp(parent, pattern); err != nil {
			return "", nil, err
		}
		if lock, err = lockDir(dir); err == nil {
			if _, gone := os.Stat(filepath.Join(dir, lockName)); gone == nil {
				return dir, lock, nil
			}
			lock.Close()
		}
		os.RemoveAll(dir)
	}
	return "", nil, err
}

// sweepWorking removes what runs that did not end well left of the copy at path.
func sweepWorking(path string) {
	left, _ := filepath.Glob(path + ".tmp-*") // the pattern is sound
	for _, dir := range left {
		if lock, err := lockDir(dir); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
}

// fields is the schema of the copy.
func (w *WorkingWriter) fields() *arrow.Schema {
	var fields []arrow.Field
	for _, c := range w.columns {
		f := w.spec.Source.Schema().Field(c)
		fields = append(fields, arrow.Field{Name: f.Name, Type: f.Type, Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: numberColumn, Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: placeColumn, Type: arrow.PrimitiveTypes.Int64})
	if len(w.spec.Encoding.ID) == 0 {
		fields = append(fields, arrow.Field{Name: idColumn, Type: arrow.BinaryTypes.String})
	}
	return arrow.NewSchema(fields, nil)
}

// lengthBucket is the same for lengths between two powers of √2, about.
func lengthBucket(steps int32) int {
	n := bits.Len32(uint32(steps))
	return 2*n + int(steps>>max(0, n-2))&1
}

// Add adds runs of rows of a record of unit i, in the order of rows.
func (w *WorkingWriter) Add(i int, rec arrow.Record, runs []WorkingRun) error {
	dealt := map[int][]WorkingRun{}
	for _, r := range runs {
		b := lengthBucket(r.Steps)
		dealt[b] = append(dealt[b], r)
	}
	for _, b := range sortedKeys(dealt) {
		// In the order of a chunk's columns, longest first, so that chunks are read from one end to the other.
		slices.SortStableFunc(dealt[b], func(a, b WorkingRun) int { return int(b.Steps) - int(a.Steps) })
		part, err := w.part(i, rec, dealt[b])
		if err != nil {
			return fmt.Errorf("ingest: writing a working copy: %w", err)
		}
		if err := w.put(b, part); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// part copies runs of rows.
func (w *WorkingWriter) part(i int, rec arrow.Record, runs []WorkingRun) (arrow.Record, error) {
	var arrays []arrow.Array
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	for _, c := range rec.Columns() {
		a, err := gathered(c, runs)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, a)
	}
	numbers, places, ids := array.NewInt32Builder(&recycled), array.NewInt64Builder(&recycled), array.NewStringBuilder(&recycled)
	defer numbers.Release()
	defer places.Release()
	defer ids.Release()
	u, rows := w.spec.Source.Unit(i), int64(0)
	for _, r := range runs {
		for row := r.Lo; row < r.Hi; row++ {
			numbers.Append(r.Sequence)
			places.Append(int64(i)<<32 | int64(row))
			ids.Append(string(appendRowID(nil, u, row)))
			rows++
		}
	}
	arrays = append(arrays, numbers.NewArray(), places.NewArray())
	if len(w.spec.Encoding.ID) == 0 {
		arrays = append(arrays, ids.NewArray())
	}
	for k, f := range w.schema.Fields() {
		old := arrays[k]
		arrays[k] = retyped(old, f.Type)
		old.Release()
	}
	return array.NewRecord(w.schema, arrays, rows), nil
}

// gathered copies runs of rows of a column.
func gathered(c arrow.Array, runs []WorkingRun) (arrow.Array, error) {
	var slices []arrow.Array
	defer func() {
		for _, s := range slices {
			s.Release()
		}
	}()
	for k := 0; k < len(runs); {
		lo, hi := runs[k].Lo, runs[k].Hi
		for k++; k < len(runs) && runs[k].Lo == hi; k++ {
			hi = runs[k].Hi
		}
		slices = append(slices, array.NewSlice(c, int64(lo), int64(hi)))
	}
	return array.Concatenate(slices, &recycled)
}

// put keeps a part until its bucket is large enough for a record batch.
func (w *WorkingWriter) put(b int, part arrow.Record) error {
	to := w.buckets[b]
	if to == nil {
		to = &bucket{}
		w.buckets[b] = to
	}
	to.parts = append(to.parts, part)
	for _, c := range part.Columns() {
		to.bytes += contentBytes(c.Data())
	}
	if to.bytes < w.spec.BatchBytes {
		return nil
	}
	return w.flush(to)
}

// contentBytes is the size of the values, offsets and validity of an array.
func contentBytes(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, child := range d.Children() {
		n += contentBytes(child)
	}
	return n
}

// flush writes a bucket as one record batch.
func (w *WorkingWriter) flush(b *bucket) error {
	if w.writer.err != nil {
		return w.writer.err
	}
	w.writer.pending, w.writer.waiting = b.parts, 0
	for _, p := range b.parts {
		w.writer.waiting += p.NumRows()
	}
	b.parts, b.bytes = nil, 0
	return w.writer.writeGroup()
}

// Close completes the copy, and returns nil too where another run has completed the same one meanwhile.
func (w *WorkingWriter) Close(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	for _, b := range sortedKeys(w.buckets) {
		if err := w.flush(w.buckets[b]); err != nil {
			return err
		}
	}
	if err := w.writer.Close(); err != nil {
		return err
	}
	data := filepath.Join(w.dir, workingData)
	if err := writeWhole(filepath.Join(w.dir, workingAbout), w.text); err != nil {
		return err
	}
	if _, _, err := WriteDigests(ctx, filepath.Join(w.dir, workingDigests), []string{data}, false, OpenOptions{}); err != nil {
		return err
	}
	if err := os.Rename(w.dir, w.path); err != nil {
		if _, missing := os.Stat(w.path); missing != nil {
			return workingFault(w.path, err)
		}
		w.Abort() // the other one's is as good
		return nil
	}
	w.lock.Close()
	return syncDirectory(filepath.Dir(w.path))
}

// Abort leaves nothing behind. It may be called more than once, but not after Close has succeeded.
func (w *WorkingWriter) Abort() {
	for _, b := range w.buckets {
		for _, p := range b.parts {
			p.Release()
		}
		b.parts = nil
	}
	if w.writer != nil {
		w.writer.Abort()
	}
	os.RemoveAll(w.dir)
	w.lock.Close()
}

// writeWhole writes a file, durably, inside a directory that nobody knows yet.
func writeWhole(path string, content []byte) error {
	f, err := createFile(path, false)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		f.abort()
		return workingFault(path, err)
	}
	return f.commit()
}
