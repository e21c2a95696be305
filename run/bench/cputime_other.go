//go:build !unix

package bench

import "time"

var start = time.Now()

// cpuSeconds returns the time on the clock: this system is not asked for processor time.
func cpuSeconds() float64 { return time.Since(start).Seconds() }
