package ingest

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// The formats that a Writer writes.
const (
	WriteParquet = "parquet" // data pages of version 1
	WriteArrow   = "arrow"   // an Arrow IPC file; a stream on standard output
	WriteJSONL   = "jsonl"   // one JSON object a row; NaN and infinities become null
)

// WriteOptions say what a Writer writes.
type WriteOptions struct {
	Format       string        // one of the Write constants; "" goes by the name's extension, and is Arrow on standard output
	Schema       *arrow.Schema // the columns; structs, maps and dictionaries are refused; in Parquet large and fixed-size lists become lists
	RowGroupRows int           // rows of a row group or record batch; 0 means 4096
	Compression  string        // Parquet: zstd (""), snappy, gzip, none; Arrow: lz4 (""), zstd, none; JSON lines: none ("")
	Overwrite    bool          // replace an existing file
	Stdout       io.Writer     // what the path "-" writes to; nil means that "-" is refused
}

// An OutputError says why a file cannot be written.
type OutputError struct {
	Code    string // "output.exists" and "output.cannot_create" (exit 73), "output.failed" (exit 74), "output.usage" (exit 64)
	Path    string
	Message string
	Hint    string // what to do, after "fix: "
	Err     error
}

// Error gives the path, the message and the fix.
func (e *OutputError) Error() string {
	s := e.Path + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += "\n     fix: " + e.Hint
	}
	return s
}

// Unwrap returns the cause.
func (e *OutputError) Unwrap() error { return e.Err }

// defaultRowGroupRows is a compromise: small groups shuffle well and take little memory, large ones compress well.
const defaultRowGroupRows = 4096

// A Writer writes records to a file, which appears under its name, complete and on disk, only when Close succeeds. It is not
// safe for concurrent use. NewWriter must make it.
type Writer struct {
	path    string
	schema  *arrow.Schema
	rows    int64 // of a row group
	prompt  bool  // write every record at once, for who reads along
	out     output
	encoder encoder

	pending []arrow.Record // of the row group that is not full yet
	waiting int64          // rows in pending
	err     error          // the first failure, or errClosed
}

// An encoder writes row groups in one format.
type encoder interface {
	// write writes a record that begins at offset 0 and has exactly the writer's schema.
	write(arrow.Record) error
	// close writes what ends the format. It does not close the output.
	close() error
}

// An output is where bytes go.
type output interface {
	io.Writer
	// flush hands on what is buffered.
	flush() error
	// commit makes the output visible under its name.
	commit() error
	// abort leaves no trace of it.
	abort()
}

var errClosed = errors.New("ingest: the writer is closed")

// NewWriter begins to write path, or standard output if path is "-". It returns an [*OutputError] if path exists and
// o.Overwrite is not set, or cannot be created, or if the options do not fit together.
//
// Parquet with list columns takes linear time only after [UseGrowingAllocator].
func NewWriter(path string, o WriteOptions) (*Writer, error) {
	format, err := writeFormat(path, o)
	if err != nil {
		return nil, err
	}
	w := &Writer{path: path, schema: o.Schema, rows: int64(o.RowGroupRows), prompt: path == StandardInput}
	if w.rows <= 0 {
		w.rows = defaultRowGroupRows
	}
	if err := checkWritable(path, format, o); err != nil {
		return nil, err
	}
	if path == StandardInput {
		w.out = newStdout(o.Stdout)
	} else if w.out, err = createFile(path, o.Overwrite); err != nil {
		return nil, err
	}
	err = shielded(func() (err error) {
		w.encoder, err = newEncoder(format, path, w.out, o)
		return err
	})
	if err != nil {
		w.out.abort()
		return nil, w.failed(err)
	}
	return w, nil
}

func newEncoder(format, path string, out output, o WriteOptions) (encoder, error) {
	switch {
	case format == WriteParquet:
		return newParquetEncoder(out, o)
	case format == WriteArrow && path == StandardInput:
		return newStreamEncoder(out, o)
	case format == WriteArrow:
		return newArrowEncoder(out, o)
	}
	return &jsonEncoder{out: out}, nil
}

// writeFormat decides on the format.
func writeFormat(path string, o WriteOptions) (string, error) {
	usage := func(hint, format string, args ...any) (string, error) {
		return "", &OutputError{Code: "output.usage", Path: path, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	format := o.Format
	if format == "" {
		format = map[string]string{".parquet": WriteParquet, ".pq": WriteParquet, ".arrow": WriteArrow, ".feather": WriteArrow, ".ipc": WriteArrow,
			".jsonl": WriteJSONL, ".ndjson": WriteJSONL}[strings.ToLower(filepath.Ext(path))]
	}
	if format == "" && path == StandardInput {
		format = WriteArrow
	}
	switch {
	case format == "":
		return usage("end the name in .parquet, .arrow or .jsonl", "its name does not say which format is meant")
	case format != WriteParquet && format != WriteArrow && format != WriteJSONL:
		return usage("choose parquet, arrow or jsonl", "unknown format %q", format)
	case path == StandardInput && o.Stdout == nil:
		return usage("name a file", "standard output is not available here")
	case path == StandardInput && format == WriteParquet:
		return usage("choose arrow or jsonl, or name a file", "Parquet cannot be written to standard output")
	}
	return format, nil
}

// checkWritable refuses options and types that a format does not have.
func checkWritable(path, format string, o WriteOptions) error {
	refuse := func(hint, format string, args ...any) error {
		return &OutputError{Code: "output.usage", Path: path, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	if o.Schema == nil || o.Schema.NumFields() == 0 {
		return refuse("", "no columns to write")
	}
	if codecs := compressions[format]; codecs[o.Compression] == nil {
		return refuse("choose one of "+strings.Join(codecNames(codecs), ", "), "unknown compression %q for %s", o.Compression, format)
	}
	for _, f := range o.Schema.Fields() {
		if err := supported(f.Type); err != nil {
			return refuse("", "column %q: %v", f.Name, err)
		}
	}
	return nil
}

// Write appends a record. It must have the columns of the schema, in order; names and nullability of list elements may
// differ. The writer keeps a reference to it until its row group is full. After an error every further call returns it.
func (w *Writer) Write(r arrow.Record) error {
	if w.err != nil {
		return w.err
	}
	if err := w.check(r); err != nil {
		w.err = err
		return err
	}
	for from := int64(0); from < r.NumRows(); {
		n := min(r.NumRows()-from, w.rows-w.waiting)
		w.pending = append(w.pending, r.NewSlice(from, from+n))
		w.waiting += n
		from += n
		if w.waiting == w.rows || w.prompt && from == r.NumRows() {
			if err := w.writeGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// check compares a record with the schema.
func (w *Writer) check(r arrow.Record) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("ingest: writing %s: "+format, append([]any{w.path}, args...)...)
	}
	if int(r.NumCols()) != w.schema.NumFields() {
		return bad("a record of %d columns, the schema has %d", r.NumCols(), w.schema.NumFields())
	}
	for i, f := range w.schema.Fields() {
		c := r.Column(i)
		if r.ColumnName(i) != f.Name || !sameType(c.DataType(), f.Type) {
			return bad("column %d is %q of %s, the schema has %q of %s", i, r.ColumnName(i), describe(c.DataType()), f.Name, describe(f.Type))
		}
		if !f.Nullable && c.NullN() > 0 {
			return bad("column %q has nulls, but the schema excludes them", f.Name)
		}
	}
	return nil
}

// writeGroup writes what is pending as one row group.
func (w *Writer) writeGroup() error {
	if w.waiting == 0 {
		return nil
	}
	defer w.forget()
	w.err = w.failed(shielded(func() error {
		columns := make([]arrow.Array, w.schema.NumFields())
		for i, f := range w.schema.Fields() {
			parts := make([]arrow.Array, len(w.pending))
			for k, p := range w.pending {
				parts[k] = p.Column(i)
			}
			whole, err := array.Concatenate(parts, memory.DefaultAllocator) // also brings offsets to 0, where encoders are safest
			if err != nil {
				return err
			}
			defer whole.Release()
			columns[i] = retyped(whole, f.Type)
			defer columns[i].Release()
		}
		r := array.NewRecord(w.schema, columns, w.waiting)
		defer r.Release()
		if err := w.encoder.write(r); err != nil {
			return err
		}
		if w.prompt {
			return w.out.flush()
		}
		return nil
	}))
	return w.err
}

// forget releases what is pending.
func (w *Writer) forget() {
	for _, p := range w.pending {
		p.Release()
	}
	w.pending, w.waiting = nil, 0
}

// Close writes what is left and makes the file visible. If it fails, or Write has failed, no file appears. A second call
// returns an error.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = w.writeGroup()
	}
	if w.err == nil {
		w.err = w.failed(shielded(w.encoder.close))
	}
	if w.err != nil {
		err := w.err
		w.Abort()
		return err
	}
	w.err = errClosed
	return w.failed(w.out.commit())
}

// Abort gives up writing and leaves nothing behind; what went to standard output stays there, without its end. After Close it
// does nothing, so that it may be deferred.
func (w *Writer) Abort() {
	w.forget()
	if w.err != errClosed {
		w.out.abort()
		w.err = errClosed
	}
}

// failed says of an error which file it is about.
func (w *Writer) failed(err error) error {
	var known *OutputError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &OutputError{Code: "output.failed", Path: w.path, Message: "cannot be written", Hint: "check the disk's free space", Err: bare(err)}
}

// shielded turns a panic of a library's encoder into an error.
func shielded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return f()
}

// retyped returns a with type t, which differs from a's at most in names and nullability of list elements.
func retyped(a arrow.Array, t arrow.DataType) arrow.Array {
	d := retypedData(a.Data(), t)
	defer d.Release()
	return array.MakeFromData(d)
}

func retypedData(d arrow.ArrayData, t arrow.DataType) arrow.ArrayData {
	l, ok := t.(arrow.ListLikeType)
	if !ok {
		d.Retain()
		return d
	}
	child := retypedData(d.Children()[0], l.Elem())
	defer child.Release()
	return array.NewData(t, d.Len(), d.Buffers(), []arrow.ArrayData{child}, d.NullN(), d.Offset())
}
