//go:build !amd64 || noasm

package simd

const fast = false

func finiteFast(x []float32) bool { return finite(x) }

func fetchFast([]float32) {}

func columnsFast(to []float32, offsets []int, rows *[8][]float32) { columns(to, offsets, rows, 0) }
