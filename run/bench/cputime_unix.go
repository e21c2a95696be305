//go:build unix

package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuSeconds returns the processor time of this process, user and system, which other processes disturb less than the clock.
func cpuSeconds() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err) // never: the arguments are constants
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
