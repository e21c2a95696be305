//go:build amd64 && !noasm

package cpu

import "curvestream/accel"

const peakChains = 12 // of the assembly loops

// peakLoop returns the loop of a path.
func peakLoop[F accel.Float](p path) loopOfPeak {
	_, single := any(F(0)).(float32)
	switch {
	case p == avx512 && single:
		return loopOfPeak{func(n int) { peakAVX512F32(0.5, 1, n) }, 2 * peakChains * 16}
	case p == avx512:
		return loopOfPeak{func(n int) { peakAVX512F64(0.5, 1, n) }, 2 * peakChains * 8}
	case p == avx2 && single:
		return loopOfPeak{func(n int) { peakAVX2F32(0.5, 1, n) }, 2 * peakChains * 8}
	case p == avx2:
		return loopOfPeak{func(n int) { peakAVX2F64(0.5, 1, n) }, 2 * peakChains * 4}
	}
	return loopOfPeak{portablePeak[F], 2 * 8}
}
