//go:build !unix

package cpu

import "time"

var start = time.Now()

// cpuTime returns the time on the clock: processor time is not asked for here.
func cpuTime() time.Duration { return time.Since(start) }
