//go:build !amd64 || noasm

package cpu

import "curvestream/accel"

// peakLoop returns the only loop of this build.
func peakLoop[F accel.Float](path) loopOfPeak { return loopOfPeak{portablePeak[F], 2 * 8} }
