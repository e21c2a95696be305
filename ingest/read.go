package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/ingest/remote"
)

// A source is a list of opened files. Nothing in it changes after Open, but closed.
type source struct {
	schema    *arrow.Schema
	opened    []*opened
	units     []located
	spools    []*file
	limit     int64 // bytes of one Read
	allocator memory.Allocator
	manifests shelf          // of digests
	web       *remote.Client // of remote files; nil where there are none

	closing sync.Mutex
	closed  bool
}

var (
	_ Source = (*source)(nil)
	_ Sizer  = (*source)(nil)
	_ Holder = (*source)(nil)
)

// A located unit knows its file.
type located struct {
	Unit
	opened *opened
	part   bool // Rows are the first of the unit's
}

// Schema implements [Source].
func (s *source) Schema() *arrow.Schema { return s.schema }

// Len implements [Source].
func (s *source) Len() int { return len(s.units) }

// Unit implements [Source].
func (s *source) Unit(i int) Unit { return s.units[i].Unit }

// Bytes implements [Sizer].
func (s *source) Bytes(i int, columns []int) int64 {
	u := s.units[i]
	wanted := make([]int, len(columns))
	for k, c := range columns {
		wanted[k] = u.opened.columns[c]
	}
	return u.opened.decoder.bytes(u.Unit, wanted)
}

// Fingerprint implements [Source].
func (s *source) Fingerprint() []FileInfo {
	infos := make([]FileInfo, len(s.opened))
	for i, o := range s.opened {
		infos[i] = o.info
	}
	return infos
}

// Read implements [Source]. It decodes in the caller's goroutine: no other goroutine sees a byte of the file, so whatever a
// decoder does with malformed bytes is recovered from here.
func (s *source) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	return s.readFirst(ctx, i, math.MaxInt64, columns)
}

// readFirst is Read of the first rows of a unit only, for which it reads and decodes no more than it must: of Parquet the pages that hold them,
// of Arrow IPC the begins of buffers. Where there are digests, all bytes are read all the same, and compared.
func (s *source) readFirst(ctx context.Context, i int, rows int64, columns []int) (arrow.Record, error) {
	if i < 0 || i >= len(s.units) {
		return nil, fmt.Errorf("ingest: reading unit %d of %d", i, len(s.units))
	}
	for _, c := range columns {
		if c < 0 || c >= s.schema.NumFields() {
			return nil, fmt.Errorf("ingest: reading column %d of %d", c, s.schema.NumFields())
		}
	}
	u := s.units[i]
	u.part, u.Rows = rows < u.Rows, min(rows, u.Rows)
	name := u.opened.file.name
	if s.isClosed() {
		return nil, fmt.Errorf("ingest: reading %s: the source is closed", name)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("ingest: reading %s: %w", name, err)
	}
	in, err := u.opened.file.open(ctx)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	w := newWorkspace(s.allocator, s.limit)
	defer w.scratch.abandon()
	var record arrow.Record
	err = guard(name, u.RowGroup, func() (err error) {
		record, err = s.decode(in, u, columns, w)
		return err
	})
	if err != nil {
		w.record.abandon()
		return nil, blame(ctx, name, in, placed(err, u.Unit))
	}
	w.record.keep(record)
	return record, nil
}

// decode reads a unit and checks that what was read may be used without further checks.
func (s *source) decode(in *bytesAt, u located, columns []int, w *workspace) (arrow.Record, error) {
	wanted := make([]int, len(columns))
	fields := make([]arrow.Field, len(columns))
	for k, c := range columns {
		wanted[k] = u.opened.columns[c]
		fields[k] = s.schema.Field(c)
		if err := supported(fields[k].Type); err != nil {
			return nil, fault(codeUnsupported, u.File, "leave the column out of the roles, or flatten it when writing the file", "%v", err).in(u.Unit).of(fields[k].Name)
		}
	}
	u.opened.want(in, u.Unit, wanted)
	if err := u.opened.verify(in, u.Unit, wanted); err != nil {
		return nil, err
	}
	arrays, err := u.opened.decoder.decode(in, u.Unit, wanted, w)
	if err != nil {
		return nil, err
	}
	for k, a := range arrays {
		if err := validate(a.Data()); err != nil {
			return nil, fault(codeMalformed, u.File, hintDamaged, "malformed: %v", err).in(u.Unit).of(fields[k].Name)
		}
		if u.part && int64(a.Len()) > u.Rows {
			arrays[k] = firstRows(a, int(u.Rows))
			a.Release()
			a = arrays[k]
		}
		if int64(a.Len()) != u.Rows {
			return nil, fault(codeMalformed, u.File, hintDamaged, "has %d of the %d rows of its row group", a.Len(), u.Rows).in(u.Unit).of(fields[k].Name)
		}
		fields[k].Type = a.DataType() // the same but for names of list elements
		defer a.Release()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, u.Rows), nil
}

// concatenated makes one array of several, and releases them.
func concatenated(parts []arrow.Array, mem *lease) (arrow.Array, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	whole, err := array.Concatenate(parts, mem)
	for _, p := range parts {
		p.Release()
	}
	return whole, err
}

// placed makes sure that an error says where it happened.
func placed(err error, u Unit) error {
	var e *Error
	if errors.As(err, &e) {
		if e.RowGroup < 0 {
			e.RowGroup = u.RowGroup
		}
		return err
	}
	e = fault(codeMalformed, u.File, hintDamaged, "malformed").in(u)
	e.Err = err
	return e
}

func (s *source) isClosed() bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	return s.closed
}

// Close implements [Source]. It may be called more than once. No Read may be in progress.
func (s *source) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.web != nil {
		s.web.Close()
	}
	var errs []error
	for _, f := range s.spools {
		errs = append(errs, f.spooled.Close())
		if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ingest: removing what was spooled: %w", err)
	}
	return nil
}
