package cpu

import (
	"testing"
	"time"

	"curvestream/accel"
)

func TestPeak(t *testing.T) {
	t.Run("float32", testPeak[float32])
	t.Run("float64", testPeak[float64])
}

// Every loop returns, makes what it counts, and takes longer for more: the peak of a path is not that of an empty loop.
func testPeak[F accel.Float](t *testing.T) {
	const asked = 5e7
	if done := Peak[F](asked); done < asked || done > 1.01*asked {
		t.Errorf("asked for %g operations, got %g", asked, done)
	}
	for p := portable; p <= bestPath(); p++ {
		l := peakLoop[F](p)
		rounds := int(asked / l.flops)
		l.run(rounds)
		start := time.Now()
		l.run(rounds)
		if rate := l.flops * float64(rounds) / time.Since(start).Seconds(); rate > 1e12 {
			t.Errorf("%v: one core made %.3g operations a second", p, rate)
		}
	}
}

// BenchmarkPeak measures a core's arithmetic peak.
func BenchmarkPeak(b *testing.B) {
	b.Run("f32", benchmarkPeak[float32])
	b.Run("f64", benchmarkPeak[float64])
}

func benchmarkPeak[F accel.Float](b *testing.B) {
	for p := portable; p <= bestPath(); p++ {
		b.Run(p.String(), func(b *testing.B) {
			l := peakLoop[F](p)
			const rounds = 1 << 14
			seconds := timed(b, func() { l.run(rounds) })
			b.ReportMetric(1e-9*l.flops*rounds/seconds, "GFLOP/s")
		})
	}
}
