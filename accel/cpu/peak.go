package cpu

import "curvestream/accel"

// maxPeakRounds bounds one call of a loop that the scheduler cannot interrupt, to a few milliseconds.
const maxPeakRounds = 1 << 20

// Peak keeps one core busy with independent multiply-adds x = x/2 + 1 in registers, at least the given number of floating point
// operations (a multiplication and an addition are two), and returns how many it made. Timing it gives the arithmetic peak of a
// core, beside which the rate of a kernel can be judged. It uses the widest fused instruction that the processor has, whatever
// path kernels take; PeakName names it. It is safe for concurrent use.
func Peak[F accel.Float](flops float64) float64 {
	l := peakLoop[F](bestPath())
	rounds := int(flops/l.flops) + 1
	for left := rounds; left > 0; left -= maxPeakRounds {
		l.run(min(left, maxPeakRounds))
	}
	return float64(rounds) * l.flops
}

// PeakName returns what Peak measures with: "avx512 fma", "avx2 fma", or "portable", the plain Go loop of a multiplication and an
// addition, one element at a time, which is far from what the processor can do.
func PeakName() string {
	if p := bestPath(); p != portable {
		return p.String() + " fma"
	}
	return portable.String()
}

// A loopOfPeak makes rounds of multiply-adds, each of the given number of operations.
type loopOfPeak struct {
	run   func(rounds int)
	flops float64
}

// portablePeak is the loop in plain Go: eight chains, one element each.
func portablePeak[F accel.Float](rounds int) {
	var half, one F = 0.5, 1
	a, b, c, d, e, f, g, h := one, one, one, one, one, one, one, one
	for range rounds {
		a, b, c, d = a*half+one, b*half+one, c*half+one, d*half+one
		e, f, g, h = e*half+one, f*half+one, g*half+one, h*half+one
	}
	if a+b+c+d+e+f+g+h < 0 {
		panic("cpu: x/2 + 1 is negative") // the loop has a result, so that it is not left out
	}
}
