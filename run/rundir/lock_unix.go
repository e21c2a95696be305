//go:build unix

package rundir

import (
	"os"

	"golang.org/x/sys/unix"
)

// flock locks a file without waiting. The system unlocks it when the process ends, however it ends.
func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
