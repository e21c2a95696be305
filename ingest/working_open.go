package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/apache/arrow/go/v15/arrow/array"
)

// A Working is a working copy that is complete and, when it was opened, had the bytes that it was written with.
type Working struct {
	Source   Source    // its record batches; mapped into memory where the system can, and the copy is not compressed
	Encoding *Encoding // of its rows: the original's, but for where the identifier is
	Path     string    // its directory
	// Rows says of each unit, and each row in it, to which sequence it belongs, and where it was in the original.
	Rows [][]WorkingRow
}

// A WorkingRow is a row of a working copy.
type WorkingRow struct {
	Sequence  int32
	Unit, Row int32 // of the original
}

// OpenWorking opens the working copy in dir that spec describes. It is an error that matches fs.ErrNotExist if there is none, and one of
// another kind, which says how much of it is sound, if it is damaged.
//
// All of it is compared with its digests first. After that, only the file's size and time are looked at before each read; if it is cut
// short in the middle of one, that is an error, too.
func OpenWorking(ctx context.Context, dir string, spec WorkingSpec, columns []int, memory int64) (*Working, error) {
	name, text, err := spec.about(columns).name()
	if err != nil {
		return nil, err
	}
	w := &Working{Path: filepath.Join(dir, name)}
	known, err := os.ReadFile(filepath.Join(w.Path, workingAbout))
	if err != nil {
		if _, missing := os.Stat(w.Path); errors.Is(missing, fs.ErrNotExist) {
			return nil, missing
		}
		return nil, workingDamage(w.Path, errors.New(err.Error())) // it is there, whatever is missing in it
	}
	if !bytes.Equal(known, text) {
		return nil, workingDamage(w.Path, errors.New("it is of other data than its name says"))
	}
	opened, err := Open(ctx, []string{filepath.Join(w.Path, workingData)}, OpenOptions{MemoryLimit: memory, Digests: filepath.Join(w.Path, workingDigests)})
	if err != nil {
		return nil, workingDamage(w.Path, err)
	}
	w.Source = opened
	if err := w.check(ctx); err != nil {
		return nil, errors.Join(workingDamage(w.Path, err), opened.Close())
	}
	e := *spec.Encoding
	if len(e.ID) == 0 {
		e.ID = []string{idColumn}
	}
	w.Encoding = &e
	return w, nil
}

func workingDamage(path string, err error) error {
	return fmt.Errorf("ingest: the working copy %s is damaged: %w", path, err)
}

// RemoveWorking removes a working copy that OpenWorking found damaged, so that it can be written anew.
func RemoveWorking(dir string, spec WorkingSpec, columns []int) error {
	name, _, err := spec.about(columns).name()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		return workingFault(dir, err)
	}
	return nil
}

// check reads all batches against their digests, and finds out what their rows are. Then the file is mapped.
func (w *Working) check(ctx context.Context) error {
	s := w.Source.(*source)
	numbers, places := s.schema.FieldIndices(numberColumn), s.schema.FieldIndices(placeColumn)
	if len(numbers) != 1 || len(places) != 1 {
		return errors.New("it has no column that numbers its sequences")
	}
	var damaged error
	sound := 0
	for i := range s.Len() {
		rows, err := w.rowsOf(ctx, i, []int{numbers[0], places[0]})
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err != nil {
			damaged = errors.Join(damaged, err)
			continue
		}
		sound++
		w.Rows = append(w.Rows, rows)
	}
	if damaged != nil {
		return fmt.Errorf("%d of its %d record batches are sound: %w", sound, s.Len(), damaged)
	}
	for _, o := range s.opened {
		o.digests = nil // compared
	}
	return s.mapAll()
}

func (w *Working) rowsOf(ctx context.Context, i int, columns []int) ([]WorkingRow, error) {
	rec, err := w.Source.Read(ctx, i, columns)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	numbers, ok := rec.Column(0).(*array.Int32)
	places, also := rec.Column(1).(*array.Int64)
	if !ok || !also || numbers.NullN()+places.NullN() > 0 {
		return nil, errors.New("the numbers of its sequences are not integers")
	}
	rows := make([]WorkingRow, numbers.Len())
	for k := range rows {
		at := places.Value(k)
		rows[k] = WorkingRow{Sequence: numbers.Value(k), Unit: int32(at >> 32), Row: int32(at)}
	}
	return rows, nil
}

// mapAll maps the files of a source. They stay mapped until nothing refers to the source any more: records of it must not outlive it.
func (s *source) mapAll() error {
	for _, o := range s.opened {
		f, err := os.Open(o.file.path)
		if err != nil {
			return err
		}
		mapped, err := mapFile(f, o.file.size)
		f.Close()
		if err != nil {
			return fmt.Errorf("mapping %s: %w", o.file.path, err)
		}
		o.decoder.(*ipcFile).mapped = mapped // nobody reads yet
		if mapped != nil {
			runtime.AddCleanup(s, func(b []byte) { _ = unmapFile(b) }, mapped) // nothing can be done about an error
		}
	}
	return nil
}
