package cpu

import (
	"testing"

	"curvestream/accel/acceltest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// forEachPath runs a test with the kernels of each path that this processor can run.
func forEachPath(t *testing.T, f func(t *testing.T, p path)) {
	for p := portable; p <= bestPath(); p++ {
		t.Run(p.String(), func(t *testing.T) { f(t, p) })
	}
}

func TestConformance(t *testing.T) {
	forEachPath(t, func(t *testing.T, p path) {
		t.Run("float32", func(t *testing.T) { acceltest.Run(t, newBackend[float32](p, 3)) })
		t.Run("float64", func(t *testing.T) { acceltest.Run(t, newBackend[float64](p, 3)) })
	})
}

func TestChoosePath(t *testing.T) {
	for _, c := range []struct {
		asked string
		best  path
		want  path
		ok    bool
	}{
		{"", avx512, avx512, true}, {"", portable, portable, true}, {"portable", avx512, portable, true}, {"avx2", avx512, avx2, true},
		{"avx512", avx512, avx512, true}, {"avx512", avx2, 0, false}, {"neon", avx512, 0, false},
	} {
		got, err := choosePath(c.asked, c.best)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("asked for %q on a processor with %v: %v, %v", c.asked, c.best, got, err)
		}
	}
}
