//go:build unix

package bench

import (
	"os"
	"syscall"
)

// peakRSS returns the largest resident set of an ended process in bytes (Linux counts in KiB), or 0.
func peakRSS(s *os.ProcessState) int64 {
	if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
		return int64(usage.Maxrss) * 1024
	}
	return 0
}
