//go:build !amd64 || noasm

package cpu

// bestPath returns the only path of this build.
func bestPath() path { return portable }

func specialise32(path, *kernels[float32]) {}

func specialise64(path, *kernels[float64]) {}
