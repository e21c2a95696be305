package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool copies a stream to a temporary file, so that it can be read many times and at random. Where the system allows it the
// file's name is removed at once, so that nothing is left behind however the process ends.
func spool(ctx context.Context, name string, from io.Reader, dir string) (*file, error) {
	h, err := os.CreateTemp(dir, "curvestream-*.spool")
	if err != nil {
		return nil, fmt.Errorf("ingest: spooling %s: %w", name, err)
	}
	_ = os.Remove(h.Name()) // where this fails, Close removes it
	size, err := io.Copy(h, &untilDone{ctx, from})
	if err != nil {
		err = errors.Join(err, h.Close())
		if rm := os.Remove(h.Name()); rm != nil && !errors.Is(rm, os.ErrNotExist) {
			err = errors.Join(err, rm)
		}
		return nil, fmt.Errorf("ingest: spooling %s: %w", name, err)
	}
	return &file{name: name, path: h.Name(), size: size, spooled: h}, nil
}

// untilDone is a reader that ends with its context. A Read of from that blocks is not interrupted.
type untilDone struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (u *untilDone) Read(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.from.Read(p)
}
