package cuda

import (
	"testing"

	"curvestream/accel"
	"curvestream/accel/acceltest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// emulatedBackend opens a backend whose kernels are watched for races, and closes it in the end: nothing may be left allocated.
func emulatedBackend[F accel.Float](t *testing.T) *Backend[F] {
	t.Helper()
	e := newEmulator()
	e.races = true
	b, err := openOn[F](e, 0, Emulated)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if e.leaked != "" || e.retains != 0 {
			t.Errorf("left: %s, %d contexts", e.leaked, e.retains)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	t.Run("float32", func(t *testing.T) { acceltest.Run(t, emulatedBackend[float32](t)) })
	t.Run("float64", func(t *testing.T) { acceltest.Run(t, emulatedBackend[float64](t)) })
}
