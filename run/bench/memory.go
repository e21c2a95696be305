package bench

import (
	"os"
	"strconv"
	"strings"

	"curvestream/run/fault"
)

// fits returns an error where what is about to be made takes more memory than the system has left, as far as it tells: it would
// otherwise end this program, or another, without a word.
func fits(bytes float64) error {
	available, ok := availableMemory()
	if !ok || bytes <= available {
		return nil
	}
	return fault.New(fault.OS, "bench.memory", "this measurement needs at least %.1f GiB of memory, and %.1f GiB are available", bytes/(1<<30), available/(1<<30)).
		Fix("choose a smaller batch or length, or fewer hidden units")
}

// bytes returns a lower bound of what a problem takes: inputs, targets, the kept activations, their like in a product, and
// vectors of parameters.
func (p Problem) bytes() float64 {
	size := 4.0
	if p.DType == "float64" {
		size = 8
	}
	rows, units, parameters := float64(p.rows()), float64(p.Hidden), float64(p.Hidden)*float64(p.Hidden+p.In+p.Out)
	if p.Net == "fnn" {
		for l := 1; l < len(p.Sizes); l++ {
			units += float64(p.Sizes[l])
			parameters += float64(p.Sizes[l]) * float64(p.Sizes[l-1])
		}
	}
	return size * (2*rows*(float64(p.inputs())+units) + 2*float64(p.outputRows())*float64(p.outputs()) + 4*parameters)
}

// bytes returns what the operands and the result of a kernel take.
func (k Kernel) bytes() float64 {
	size := 4.0
	if k.DType == "float64" {
		size = 8
	}
	m, n, sum := float64(k.M), float64(k.N), float64(k.K)
	return size * (m*n + m*sum + sum*n)
}

// availableMemory returns the bytes that Linux says could be used without swapping.
func availableMemory() (bytes float64, ok bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if kib, found := strings.CutPrefix(line, "MemAvailable:"); found {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 64)
			return n * 1024, err == nil
		}
	}
	return 0, false
}
