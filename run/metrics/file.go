package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"curvestream/run/durable"
)

// A Writer appends rows to a file. It is used by one goroutine.
type Writer struct{ f *os.File }

// Append opens a file for appending, and makes it if it is absent.
func Append(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return &Writer{f}, nil
}

// Write appends a row with one write, so that a reader never sees lines mixed.
func (w *Writer) Write(r Row) error {
	line, err := r.MarshalJSON()
	if err != nil {
		return err
	}
	if _, err := w.f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Sync makes the rows durable.
func (w *Writer) Sync() error {
	if err := w.f.Sync(); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Close syncs and closes the file.
func (w *Writer) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Rewind prepares a file for a run that goes on after iteration iter: a last line that was cut by a crash is removed, and the
// rows of later iterations, which will come again, move to the file discarded. An absent file is left absent.
func Rewind(path, discarded string, iter int) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	var keep, drop []byte
	for line := range bytes.Lines(content) {
		var row struct {
			Iter int `json:"iter"`
		}
		switch whole := line[len(line)-1] == '\n'; {
		case !whole || json.Unmarshal(line, &row) != nil:
			drop = append(append(drop, bytes.TrimSuffix(line, []byte("\n"))...), '\n')
		case row.Iter > iter:
			drop = append(drop, line...)
		default:
			keep = append(keep, line...)
		}
	}
	if drop == nil {
		return nil
	}
	old, err := os.ReadFile(discarded)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("metrics: %w", err)
	}
	if err := durable.WriteFile(discarded, append(old, drop...)); err != nil {
		return err
	}
	return durable.WriteFile(path, keep)
}
