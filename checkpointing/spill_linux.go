package checkpointing

import (
	"errors"
	"os"
	"syscall"
)

// allocate takes the bytes of a file from the disk; unsupported says that the file system cannot do that without writing.
func allocate(f *os.File, size int64) (unsupported bool, err error) {
	for {
		err = syscall.Fallocate(int(f.Fd()), 0, 0, size)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return true, nil
	}
	return false, err
}
