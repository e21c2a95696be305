package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/ingest/remote"
)

// OpenOptions say how data is opened. The zero value reads files.
type OpenOptions struct {
	Stdin       io.Reader // what the pattern "-" reads; nil means that "-" is refused
	SpoolDir    string    // where streams are copied to, so that they can be read again; "" means the system's temporary directory
	MemoryLimit int64     // bytes that one Read may hold, decoder scratch included; 0 means 1 GiB
	// Digests is the path of a digest manifest, as WriteDigests makes it, that all files must be in; "" means the one that lies beside a
	// file, if there is any. Read then verifies every byte that it uses.
	Digests string
	// Remote says where s3:// names lead and how large the cache of remote blocks is.
	Remote RemoteOptions

	undigested bool             // set digest manifests aside
	asStored   bool             // take no columns from the path
	allocator  memory.Allocator // of records and scratch; nil means the Go heap
}

// defaultMemoryLimit bounds one Read where nobody said how much memory there is.
const defaultMemoryLimit = 1 << 30

// Open opens the data that patterns name: files, directories (the data files in them, sorted, without those whose names begin
// with "_" or ".", and of key=value folders below them), patterns with * ? [ ] and ** (any number of folders), and "-", an Arrow IPC stream on standard input. The
// patterns keep their order; the files of each are sorted. What a file is, Parquet, Arrow IPC file or Arrow IPC stream, is found
// from its content. Names that begin with http://, https:// or s3:// are read in ranges, see package remote; s3://bucket/prefix/, with a slash
// at the end, is a directory, and patterns work below s3://bucket/ too. All files must have the same columns, in any order; the first file's order is the source's.
//
// Standard input, pipes and devices are copied to a temporary file in o.SpoolDir, which Close removes: training reads data many
// times. An IPC stream must end with its end-of-stream marker, because one that was cut short looks the same otherwise.
//
// Footers, sizes and counts are checked here; encodings and compressions that cannot be read are found here but refused only
// by a Read of their column. Units without rows are left out. Read verifies the checksums of Parquet pages where the writer gave
// them (Arrow v15 does not; curvestream's own writer cannot give them); of compressions zstd and gzip notice flipped bits by themselves.
//
// Types are normalised: dictionaries and run-end encoded columns are read as their values, string views as strings, extension
// types as their storage. Parquet columns have the types that Parquet says: fixed-size lists are lists there.
//
// Each key=value folder in a file's path is a column of that name, unless the file has one: whole numbers, numbers or days if all values
// of the key are, else texts; percent-escapes are decoded and __HIVE_DEFAULT_PARTITION__ is null. All files must have the same keys.
//
// All errors about data are of type *[Error]. The source is safe for concurrent use; the caller closes it.
func Open(ctx context.Context, patterns []string, o OpenOptions) (Source, error) {
	if o.MemoryLimit <= 0 {
		o.MemoryLimit = defaultMemoryLimit
	}
	if o.allocator == nil {
		o.allocator = &recycled
	}
	s := &source{limit: o.MemoryLimit, allocator: o.allocator, manifests: make(shelf)}
	names, err := s.expand(ctx, patterns, o)
	if err != nil {
		s.Close()
		return nil, err
	}
	folders, err := partitioningOf(names, o)
	if err != nil {
		s.Close()
		return nil, err
	}
	if err := s.addAll(ctx, names, folders, o); err != nil {
		s.Close()
		return nil, err
	}
	if len(s.units) == 0 {
		name := s.opened[0].file.name
		s.Close()
		return nil, fault(codeEmpty, name, "name files that hold data", "no rows in %s", count(len(names), "file"))
	}
	return s, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// An opened file is what opening it found out.
type opened struct {
	file    *file
	schema  *arrow.Schema
	units   []Unit
	info    FileInfo
	decoder decoder
	columns []int            // column i of the source is columns[i] of the file
	digests map[int][]string // of each unit, by its row group; nil where nothing is verified
}

// A decoder reads units of one file.
type decoder interface {
	// decode returns the given columns of unit u, of exactly u.Rows rows each, or, where u.Rows are not all that the file has there, of at
	// least so many, the first, allocated from w.record. It may panic, also with
	// what is outstanding in w: its caller recovers and abandons w.
	decode(in *bytesAt, u Unit, columns []int, w *workspace) ([]arrow.Array, error)
	// bytes bounds what decode holds.
	bytes(u Unit, columns []int) int64
	// pieces returns the parts of the file that a unit's data lie in, and piecesOf which of them a column needs: what digests are of.
	pieces(in *bytesAt, u Unit) [][]extent
	piecesOf(column int) []int
}

// addAll opens files and appends their units, in order; remote ones are looked at several at once.
func (s *source) addAll(ctx context.Context, names []string, folders *partitioning, o OpenOptions) error {
	ahead, stop := s.remoteLooks(ctx, names, o)
	defer stop()
	for i, name := range names {
		opened, err := s.find(ctx, name, ahead[i], o)
		if err == nil {
			err = s.add(opened, folders, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// find opens one file, or takes what is found of it ahead.
func (s *source) find(ctx context.Context, name string, ahead <-chan looked, o OpenOptions) (*opened, error) {
	if ahead != nil {
		select {
		case l := <-ahead:
			return l.opened, l.err
		case <-ctx.Done():
			return nil, fmt.Errorf("ingest: reading %s: %w", name, context.Cause(ctx))
		}
	}
	f, err := s.locate(ctx, name, o)
	if err != nil {
		return nil, err
	}
	if f.spooled != nil {
		s.spools = append(s.spools, f)
	}
	return inspectFound(ctx, f, o)
}

// inspectFound opens a file's bytes and finds out what they are.
func inspectFound(ctx context.Context, f *file, o OpenOptions) (*opened, error) {
	in, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	opened, err := inspectFile(in, f, o)
	if err != nil {
		return nil, blame(ctx, f.name, in, err)
	}
	opened.file = f
	return opened, nil
}

// add appends the units of a file.
func (s *source) add(opened *opened, folders *partitioning, o OpenOptions) (err error) {
	if err := checkNames(opened); err != nil {
		return err
	}
	if err := opened.partition(folders); err != nil {
		return err
	}
	if err := opened.expect(o, s.manifests); err != nil {
		return err
	}
	if len(s.opened) == 0 {
		s.schema = opened.schema
	}
	if opened.columns, err = match(s.schema, opened, s.opened); err != nil {
		return err
	}
	s.opened = append(s.opened, opened)
	for _, u := range opened.units {
		s.units = append(s.units, located{Unit: u, opened: opened})
	}
	return nil
}

// locate finds the bytes of a local name, copying them first if they can be read only once.
func (s *source) locate(ctx context.Context, name string, o OpenOptions) (*file, error) {
	if name == StandardInput {
		if o.Stdin == nil {
			return nil, fault(codeUnreadable, name, "name a file", "standard input is not available here")
		}
		return spool(ctx, name, o.Stdin, o.SpoolDir)
	}
	f, err := lookAt(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, openFault(name, err)
	}
	if info.Mode().IsRegular() {
		return f, nil
	}
	h, err := os.Open(name)
	if err != nil {
		return nil, openFault(name, err)
	}
	defer h.Close()
	return spool(ctx, name, h, o.SpoolDir)
}

// inspectFile finds out the format and opens the file as such.
func inspectFile(in *bytesAt, f *file, o OpenOptions) (opened *opened, err error) {
	if f.size == 0 {
		return nil, fault(codeEmpty, f.name, "the writer may have failed: write the file again", "is empty (0 bytes)")
	}
	err = guard(f.name, -1, func() (err error) {
		switch sniff(in, f.size) {
		case formatParquet:
			opened, err = openParquet(in, f)
		case formatArrowFile:
			opened, err = openArrowFile(in, f)
		case formatArrowStream:
			opened, err = openArrowStream(in, f)
		default:
			err = unknownFormat(in, f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, u := range opened.units {
		if u.Rows < 0 || u.Rows > math.MaxInt32 {
			return nil, fault(codeMalformed, f.name, hintDamaged, "says that it has %d rows", u.Rows).in(u)
		}
		opened.info.Rows += u.Rows
		opened.units[i].File = f.name
	}
	opened.units = slices.DeleteFunc(opened.units, func(u Unit) bool { return u.Rows == 0 })
	if f.object != nil {
		opened.info.ETag = f.object.ETag
	}
	opened.info.Path, opened.info.Size, opened.info.Units = f.name, f.size, len(opened.units)
	return opened, nil
}

// blame prefers the reason for which reading stopped, the context's end or the disk's error, to what a decoder made of it.
func blame(ctx context.Context, name string, in *bytesAt, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("ingest: reading %s: %w", name, cause)
	}
	if in != nil && in.err != nil {
		if e, ok := errors.AsType[*remote.Error](in.err); ok {
			return remoteFault(name, e)
		}
		e := fault(codeUnreadable, name, "check the disk and try again", "cannot be read")
		e.Err = bare(in.err)
		return e
	}
	return err
}

// checkNames refuses a file in which a name does not tell which column is meant.
func checkNames(o *opened) error {
	seen := make(map[string]bool)
	for _, f := range o.schema.Fields() {
		if seen[f.Name] {
			return fault(codeUnsupported, o.file.name, "rename one of them", "two columns have this name").of(f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// match finds the columns of want in a file, by name. All columns must be there, with the same types, and no others.
func match(want *arrow.Schema, o *opened, before []*opened) ([]int, error) {
	columns := make([]int, want.NumFields())
	for i, w := range want.Fields() {
		at := o.schema.FieldIndices(w.Name)
		if len(at) == 0 {
			return nil, mismatch(o.file.name, w.Name, "is missing, but %s has it (%s)", before[0].file.name, describe(w.Type))
		}
		columns[i] = at[0]
		if got := o.schema.Field(at[0]).Type; !sameType(got, w.Type) {
			return nil, mismatch(o.file.name, w.Name, "is %s, but %s in %s", describe(got), describe(w.Type), before[0].file.name)
		}
	}
	for _, f := range o.schema.Fields() {
		if !want.HasField(f.Name) {
			return nil, mismatch(o.file.name, f.Name, "is not a column of %s", before[0].file.name)
		}
	}
	return columns, nil
}

func mismatch(file, column, format string, args ...any) error {
	return fault(codeMismatch, file, "give all files the same columns and types, or read them apart", format, args...).of(column)
}
