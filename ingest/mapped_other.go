//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package ingest

import (
	"os"
	"path/filepath"
)

// mapFile maps nothing: the file is read.
func mapFile(*os.File, int64) ([]byte, error) { return nil, nil }

func unmapFile([]byte) error { return nil }

// lockDir makes a file that must not be there: what a process that did not end well left has to be removed by hand.
func lockDir(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
}
