package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/sync/errgroup"
)

// A Scan finds the sequences in the units of a source. An ingest.Fitter, which also collects statistics, and an
// ingest.Scanner are Scans.
type Scan interface {
	// Columns returns the columns that Scan wants in its records, as indices into the schema.
	Columns() []int
	// Scan looks at a unit. It is called by several goroutines at once.
	Scan(u ingest.Unit, rec arrow.Record) (*ingest.UnitScan, error)
	// Merge is called once a unit, in the order of units, by one goroutine.
	Merge(u *ingest.UnitScan) error
}

// ManifestOptions say how a manifest is built.
type ManifestOptions struct {
	// Layout is how rows become sequences: in the long layout, spans with one identifier are joined; in the others a second
	// row with the same identifier is an error.
	Layout ingest.Layout
	// Identified says that a column gives identifiers. The canonical order is then by identifier, whatever the files look
	// like; otherwise it is file order.
	Identified bool
	Memory     int64 // budget in bytes; 0 means 1 GiB
	Workers    int   // units read at once; 0 means GOMAXPROCS. It does not change the result
}

const defaultMemory = 1 << 30

// BuildManifest reads all units once and lists their sequences. Of a source without end it reads the first unit only.
//
// Units are admitted in order under the memory budget, read and scanned by several goroutines, and merged in order. It
// returns the error of a unit that cannot be read or is malformed, an *ingest.Error where two rows of a nested layout have
// one identifier, and a *TooLargeError where a unit needs more than the budget.
func BuildManifest(ctx context.Context, src ingest.Source, scan Scan, o ManifestOptions) (*Manifest, error) {
	setDefault(&o.Memory, defaultMemory)
	setDefault(&o.Workers, runtime.GOMAXPROCS(0))
	m := &Manifest{files: src.Fingerprint(), endless: src.Len() == ingest.Endless}
	for i := range max(1, src.Len()) {
		if i < src.Len() || m.endless {
			m.units = append(m.units, src.Unit(i))
		}
	}
	costs := make([]int64, len(m.units))
	for i, u := range m.units {
		if costs[i] = unitBytes(src, i, u, scan.Columns()); costs[i] > o.Memory {
			return nil, unitTooLarge(u, costs[i], o.Memory)
		}
	}
	spans := &spanList{names: o.Identified || o.Layout == ingest.Long, long: o.Layout == ingest.Long}
	s := scanning{src: src, scan: scan, units: m.units, costs: costs, memory: newBudget(o.Memory, func() (int64, bool) { return 0, false })}
	if err := s.run(ctx, o.Workers, spans.add); err != nil {
		return nil, err
	}
	if m.endless {
		return m, m.fromFirstUnit(spans)
	}
	if err := spans.join(m); err != nil {
		if dup, ok := errors.AsType[*duplicateError](err); ok {
			return nil, s.locate(ctx, dup)
		}
		return nil, err
	}
	m.seal()
	return m, nil
}

func unitTooLarge(u ingest.Unit, needs, memory int64) error {
	return &TooLargeError{What: "reading it", File: u.File, RowGroup: u.RowGroup, Needs: needs, Memory: memory,
		Hint: "write the file again with smaller row groups"}
}

// fromFirstUnit describes a source without end by its first unit, in which each row is a sequence.
func (m *Manifest) fromFirstUnit(l *spanList) error {
	u := m.units[0]
	m.unitRows = int(u.Rows)
	for _, f := range l.all {
		m.longest = max(m.longest, int(f.steps))
		m.meanSteps += float64(f.steps) / float64(m.unitRows)
	}
	if len(l.all) != m.unitRows || m.unitRows == 0 {
		return fmt.Errorf("pipeline: %s: %d sequences in a unit of %d rows: a source without end must give one sequence a row", u.File, len(l.all), m.unitRows)
	}
	m.seal()
	return nil
}

// scanning is one pass over all units:
//
//	admit ──▶ look (Workers at once) ──▶ merge
//
// admit alone takes from the budget, in the order of units: one that waits for memory waits for units before it only.
type scanning struct {
	src    ingest.Source
	scan   Scan
	units  []ingest.Unit
	costs  []int64 // bytes that reading each takes
	memory *budget
}

// A look carries a unit to a worker and what was found to merge.
type look struct {
	unit int
	done chan *ingest.UnitScan // of capacity 1: the worker never waits to hand over
}

func (s scanning) run(ctx context.Context, workers int, merge func(unit int, u *ingest.UnitScan) error) error {
	g, ctx := errgroup.WithContext(ctx)
	admitted := make(chan look)         // unbuffered: admission is what bounds memory
	inOrder := make(chan look, workers) // one place a worker, so that a slow unit does not idle the others
	g.Go(func() error { return s.admit(ctx, admitted, inOrder) })
	for range workers {
		g.Go(func() error { return s.work(ctx, admitted) })
	}
	g.Go(func() error { return s.merge(ctx, inOrder, merge) })
	return g.Wait()
}

func (s scanning) admit(ctx context.Context, admitted, inOrder chan<- look) error {
	defer close(admitted)
	defer close(inOrder)
	for i, cost := range s.costs {
		if err := s.memory.acquire(ctx, cost); err != nil {
			return err
		}
		l := look{unit: i, done: make(chan *ingest.UnitScan, 1)}
		if err := send(ctx, inOrder, l); err != nil {
			return err
		}
		if err := send(ctx, admitted, l); err != nil {
			return err
		}
	}
	return nil
}

func (s scanning) work(ctx context.Context, admitted <-chan look) error {
	for {
		l, ok, err := receive(ctx, admitted)
		if err != nil || !ok {
			return err
		}
		u, err := s.look(ctx, l.unit)
		if err != nil {
			return err
		}
		s.memory.release(s.costs[l.unit])
		l.done <- u
	}
}

func (s scanning) look(ctx context.Context, i int) (*ingest.UnitScan, error) {
	return guard(s.units[i], func() (*ingest.UnitScan, error) {
		rec, err := s.src.Read(ctx, i, s.scan.Columns())
		if err != nil {
			return nil, err
		}
		defer rec.Release()
		return s.scan.Scan(s.units[i], rec)
	})
}

func (s scanning) merge(ctx context.Context, inOrder <-chan look, merge func(int, *ingest.UnitScan) error) error {
	for {
		l, ok, err := receive(ctx, inOrder)
		if err != nil || !ok {
			return err
		}
		u, _, err := receive(ctx, l.done)
		if err != nil {
			return err
		}
		if err := s.scan.Merge(u); err != nil {
			return err
		}
		if err := merge(l.unit, u); err != nil {
			return err
		}
	}
}

// locate says where two sequences with one identifier lie. It reads the unit of the second again, to know the identifier.
func (s scanning) locate(ctx context.Context, dup *duplicateError) error {
	u, err := s.look(ctx, int(dup.second.unit))
	if err != nil {
		return err
	}
	id := ""
	for _, sp := range u.Spans {
		if sp.Lo == int(dup.second.lo) {
			id = sp.ID
		}
	}
	at, before := s.units[dup.second.unit], s.units[dup.first.unit]
	return &ingest.Error{
		Code: "data.duplicate_id", File: at.File, RowGroup: at.RowGroup, Row: at.FirstRow + int64(dup.second.lo), ID: id,
		Message: fmt.Sprintf("the same id is at %s, row group %d, row %d", before.File, before.RowGroup, before.FirstRow+int64(dup.first.lo)),
		Hint:    "give each sequence an id of its own, or choose another id column with --id; where a row is a time-step, say --layout long",
	}
}

// guard runs f, which reads bytes that we did not write, and turns a panic into an error that names the unit.
func guard[T any](u ingest.Unit, f func() (T, error)) (v T, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // else a mapped file that is cut short ends the process
	defer func() {
		if r := recover(); ingest.IsFault(r) {
			err = &ingest.Error{Code: "data.changed", File: u.File, RowGroup: u.RowGroup, Row: -1, Message: "was cut short while it was read", Hint: "start again; do not write to data in use"}
		} else if r != nil {
			err = &ingest.Error{Code: "data.malformed", File: u.File, RowGroup: u.RowGroup, Row: -1,
				Message: fmt.Sprintf("malformed: %v", r), Hint: "write the file again"}
		}
	}()
	return f()
}
