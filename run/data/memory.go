package data

import (
	"math"
	"runtime"
	"runtime/debug"
)

// KeepTo makes the garbage collector keep the process to what it has now, memory and, beside that, what lives outside of any budget, such as
// vectors of parameters: without it, garbage may take as much again as all that is in use. It is a limit at which collecting becomes more
// frequent, not one at which anything fails. A limit that is there already, as by GOMEMLIMIT, is left alone. restore takes it away.
func KeepTo(memory, beside int64) (restore func()) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func() {}
	}
	debug.FreeOSMemory() // what was needed to open data is not what the process has from now on
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetMemoryLimit(int64(now.Sys-now.HeapReleased) + memory + beside)
	return func() { debug.SetMemoryLimit(math.MaxInt64) }
}
