package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// writeBuffer is how many bytes are handed to the system at once.
const writeBuffer = 256 << 10

// A fileOutput is a file that is written under a temporary name in its own directory and then renamed.
type fileOutput struct {
	*bufio.Writer
	file      *os.File
	path      string
	overwrite bool
}

// createFile begins a file.
func createFile(path string, overwrite bool) (*fileOutput, error) {
	if err := mayCreate(path, overwrite); err != nil {
		return nil, err
	}
	dir, base := filepath.Split(path)
	temporary := filepath.Join(dir, fmt.Sprintf(".%s.%016x.tmp", base, rand.Uint64()))
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		hint := "check the permissions of the directory"
		if errors.Is(err, fs.ErrNotExist) {
			hint = "make the directory first: mkdir -p '" + filepath.Clean(dir) + "'"
		}
		return nil, &OutputError{Code: "output.cannot_create", Path: path, Message: "cannot be created", Hint: hint, Err: bare(err)}
	}
	return &fileOutput{Writer: bufio.NewWriterSize(f, writeBuffer), file: f, path: path, overwrite: overwrite}, nil
}

// mayCreate tells whether a file may be put at path.
func mayCreate(path string, overwrite bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &OutputError{Code: "output.cannot_create", Path: path, Message: "cannot be looked at", Err: bare(err)}
	case info.IsDir():
		return &OutputError{Code: "output.cannot_create", Path: path, Message: "is a directory", Hint: "name a file in it"}
	case !overwrite:
		return existing(path)
	case info.Mode()&fs.ModeSymlink == 0 && !info.Mode().IsRegular():
		return &OutputError{Code: "output.cannot_create", Path: path, Message: "is not a regular file", Hint: "name a file, or - for standard output"}
	}
	return nil
}

func existing(path string) error {
	return &OutputError{Code: "output.exists", Path: path, Message: "exists", Hint: "choose another name, or allow it to be overwritten"}
}

// Seek tells the position; Arrow's file writer asks for no more.
func (f *fileOutput) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("ingest: an output cannot be moved in")
	}
	at, err := f.file.Seek(0, io.SeekCurrent)
	return at + int64(f.Buffered()), err
}

func (f *fileOutput) flush() error { return f.Flush() }

// commit puts the file on disk and gives it its name. Without leave to overwrite, a file that appeared in the meantime stays.
func (f *fileOutput) commit() error {
	err := errors.Join(f.Flush(), f.file.Sync(), f.file.Close())
	if err == nil {
		err = f.rename()
	}
	if err != nil {
		return errors.Join(err, removed(f.file.Name()))
	}
	return syncDirectory(filepath.Dir(f.path))
}

func (f *fileOutput) rename() error {
	if f.overwrite {
		return os.Rename(f.file.Name(), f.path)
	}
	switch err := os.Link(f.file.Name(), f.path); {
	case err == nil:
		return os.Remove(f.file.Name())
	case errors.Is(err, fs.ErrExist):
		return existing(f.path)
	}
	// No links here: the test is not atomic then.
	if err := mayCreate(f.path, false); err != nil {
		return err
	}
	return os.Rename(f.file.Name(), f.path)
}

func (f *fileOutput) abort() {
	f.file.Close()
	os.Remove(f.file.Name())
}

// removed removes a file that may be gone.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDirectory makes the names in a directory durable.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// A stdoutOutput is standard output: what is written cannot be taken back.
type stdoutOutput struct{ *bufio.Writer }

func newStdout(w io.Writer) *stdoutOutput { return &stdoutOutput{bufio.NewWriterSize(w, writeBuffer)} }

func (s *stdoutOutput) flush() error  { return s.Flush() }
func (s *stdoutOutput) commit() error { return s.Flush() }
func (s *stdoutOutput) abort()        {}
