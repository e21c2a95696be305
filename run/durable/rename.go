package durable

import (
	"io/fs"
	"os"
)

// renameChecked is renameNew where the system cannot do it in one step: two that race for one empty name may both win, and
// the later one replaces a folder that is still empty.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to)
}
