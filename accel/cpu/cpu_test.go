package cpu

import (
	"testing"

	"curvestream/accel/acceltest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Run("float32", func(t *testing.T) { acceltest.Run(t, New[float32](Options{Threads: 3})) })
	t.Run("float64", func(t *testing.T) { acceltest.Run(t, New[float64](Options{Threads: 3})) })
}
