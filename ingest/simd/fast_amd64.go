//go:build amd64 && !noasm

package simd

import "golang.org/x/sys/cpu"

// fast says that the assembly runs here.
var fast = cpu.X86.HasAVX2

// finiteFast is finite; the length is a multiple of 32.
//
//go:noescape
func finiteFast(x []float32) bool

// fetchFast prefetches the cache lines of x, at least one value, into the first level.
//
//go:noescape
func fetchFast(x []float32)

// columnsFast is columns for a multiple of eight time-steps, in blocks of eight by eight. Nothing is checked.
//
//go:noescape
func columnsFast(to []float32, offsets []int, rows *[8][]float32)
