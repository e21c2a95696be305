package rundir

import (
	"os"

	"golang.org/x/sys/windows"
)

// flock locks a file without waiting. The system unlocks it when the process ends, however it ends.
func flock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}
