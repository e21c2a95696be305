// Package durable writes files and folders so that a reader sees the old state or the new one, never a mixture, and so
// that the new one survives a crash of the machine: temporary name, fsync, rename, fsync of the folder.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile replaces the content of path.
func WriteFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-"+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("durable: writing %s: %w", path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return SyncDir(filepath.Dir(path))
}

// WriteNew writes a new file inside a folder that is not yet in its final place, and syncs it. It does not rename.
func WriteNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("durable: writing %s: %w", path, err)
	}
	return nil
}

// NewDir makes the folder path with what fill puts into it; fill is given a folder of another name beside it, which is
// then renamed. If path exists already it is left as it is and the error is fs.ErrExist.
func NewDir(path string, fill func(dir string) error) error {
	parent := filepath.Dir(path)
	tmp, err := os.MkdirTemp(parent, ".tmp-"+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	defer os.RemoveAll(tmp) // does nothing once it is renamed
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := fill(tmp); err != nil {
		return err
	}
	if err := SyncDir(tmp); err != nil {
		return err
	}
	if err := renameNew(tmp, path); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return SyncDir(parent)
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("durable: syncing %s: %w", dir, err)
	}
	return nil
}
