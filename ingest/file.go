package ingest

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"curvestream/ingest/remote"
)

// A file is one file of a source, closed except while it is read: a source may have more files than a process may open.
type file struct {
	name     string // as the user knows it
	path     string // where the bytes are
	size     int64
	modified time.Time
	object   *remote.Object // where it is remote
	spooled  *os.File       // what was copied from a stream; it stays open, because its name may be gone
}

// lookAt says what the file at path is now.
func lookAt(path string) (*file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openFault(path, err)
	}
	return &file{name: path, path: path, size: info.Size(), modified: info.ModTime()}, nil
}

// open opens the file for one read and its bytes for the duration of ctx. It fails if the file has changed since lookAt.
func (f *file) open(ctx context.Context) (*bytesAt, error) {
	if f.spooled != nil {
		return &bytesAt{ctx: ctx, at: f.spooled, size: f.size}, nil
	}
	if f.object != nil {
		return &bytesAt{ctx: ctx, at: &remoteAt{ctx: ctx, object: f.object}, size: f.size}, nil
	}
	h, err := os.Open(f.path)
	if err != nil {
		return nil, openFault(f.name, err)
	}
	info, err := h.Stat()
	if err != nil {
		h.Close()
		return nil, openFault(f.name, err)
	}
	if info.Size() != f.size || !info.ModTime().Equal(f.modified) {
		h.Close()
		return nil, fault(codeChanged, f.name, "start again; do not write to data in use", "has changed since it was opened (%d bytes, then %d)", f.size, info.Size())
	}
	return &bytesAt{ctx: ctx, at: h, size: f.size, close: h.Close}, nil
}

// bytesAt is the io.ReaderAt and io.Seeker that decoders read from. It ends with its context, keeps the first error of the
// disk, which some decoders drop, and calls a full read at the end of the file a success, which some take for a failure.
type bytesAt struct {
	ctx   context.Context
	at    io.ReaderAt
	size  int64
	pos   int64
	err   error
	close func() error
}

// ReadAt implements io.ReaderAt. It is not safe for concurrent use: every read has its own bytesAt.
func (b *bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if err := context.Cause(b.ctx); err != nil {
		return 0, err
	}
	n, err := b.at.ReadAt(p, off)
	if n == len(p) {
		return n, nil
	}
	if err != nil && !errors.Is(err, io.EOF) && b.err == nil {
		b.err = err
	}
	return n, err
}

// Seek implements io.Seeker; decoders use it to find the size.
func (b *bytesAt) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.pos
	case io.SeekEnd:
		offset += b.size
	}
	if offset < 0 {
		return 0, errors.New("ingest: seeking before the start")
	}
	b.pos = offset
	return b.pos, nil
}

// Close closes the file, unless it is a spooled one.
func (b *bytesAt) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// section returns n bytes from off on, or an error if the file ends before.
func (b *bytesAt) section(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > b.size || n > b.size-off {
		return nil, io.ErrUnexpectedEOF
	}
	p := make([]byte, n)
	if _, err := b.ReadAt(p, off); err != nil {
		return nil, err
	}
	return p, nil
}
