package cuda

import (
	"errors"
	"math"
	"strings"
	"sync"
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
	b, err := openOn[F](e, nil, 0, Emulated)
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
	if underRace {
		t.Skip("one goroutine asks for all of it; TestConcurrent is for the race detector")
	}
	t.Run("float32", func(t *testing.T) { acceltest.Run(t, emulatedBackend[float32](t)) })
	t.Run("float64", func(t *testing.T) { acceltest.Run(t, emulatedBackend[float64](t)) })
}

// TestConcurrent has several goroutines use one backend at once, each with vectors of its own.
func TestConcurrent(t *testing.T) {
	b := emulatedBackend[float32](t)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for range 5 {
				if got, err := work(b, float32(g+1)); err != nil || got != work1*float64(g+1)*float64(g+1) {
					t.Errorf("goroutine %d: %v, %v", g, got, err)
				}
			}
		})
	}
	all.Wait()
}

// work1 is what work returns for scale 1.
const work1 = 600.0 * (4*9 + 1)

// work makes use of memory of all kinds: vectors, products, sums on the host, classes and weights copied there.
func work[F accel.Float](b *Backend[F], scale F) (float64, error) {
	x := make([]F, 600)
	for i := range x {
		x[i] = scale
	}
	v, err := b.FromHost(x)
	if err != nil {
		return math.NaN(), err
	}
	w := v.New()
	w.Copy(v)
	w.Add(2, v) // 3
	sum := 4 * w.Dot(w)
	sums := []float64{0}
	err = b.Run(1, func(_ int, s accel.Stream[F]) error {
		m := accel.NewMat[F](v, 0, 20, 30)
		s.LossSums(accel.SoftmaxCrossEntropy, m, accel.Targets[F]{Class: make([]int32, 20), Weight: make([]F, 20)}, make([]int32, 20), sums)
		s.GEMM(false, true, 1, m, m, 0, accel.NewMat[F](w, 0, 20, 20))
		s.Sync()
		return nil
	})
	v.Read(x)
	if err == nil {
		err = b.d.err()
	}
	return sum + sums[0] + 600*float64(x[599])*float64(x[599]), err
}

// TestDriverFails has each call of the driver fail, one at a time: the error names it, and nothing is left allocated.
func TestDriverFails(t *testing.T) {
	for n := 1; ; n++ {
		e := newEmulator()
		e.failAt, e.failBy = n, 999
		err := useAndClose(e)
		if e.failed == "" {
			if err != nil {
				t.Errorf("no call fails, and yet: %v", err)
			}
			if n < 30 {
				t.Errorf("only %d calls were made", n)
			}
			return
		}
		var named *Error
		if !errors.As(err, &named) || named.Call != e.failed || named.Code != 999 {
			t.Errorf("call %d, %s, fails: the error is %v", n, e.failed, err)
		}
		if frees[e.failed] {
			continue
		}
		if e.leaked != "" || e.retains != 0 {
			t.Errorf("call %d, %s, fails: left are %s, %d contexts", n, e.failed, e.leaked, e.retains)
		}
	}
}

// frees holds the calls that free something: it stays where they fail, for want of another way to free it.
var frees = map[string]bool{"cuMemFree_v2": true, "cuMemFreeHost": true, "cuDevicePrimaryCtxRelease_v2": true, "cuModuleUnload": true, "cuStreamDestroy_v2": true,
	"cuEventDestroy_v2": true, "cuGraphDestroy": true, "cuGraphExecDestroy": true, "cublasDestroy_v2": true}

func useAndClose(e *emulator) error {
	b, err := openOn[float64](e, nil, 0, Emulated)
	if err != nil {
		return err
	}
	_, err = work(b, 1)
	return errors.Join(err, b.Close())
}

// TestOutOfMemory sees that an error says what was asked for and what there is, and that memory nobody uses is found again.
func TestOutOfMemory(t *testing.T) {
	e := newEmulator()
	e.limit = 8 << 20
	b, err := openOn[float64](e, nil, 0, Emulated)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // 40 MiB, of which one vector at a time is in use
		if _, err := b.NewVector(2 << 17); err != nil {
			t.Fatal(err)
		}
	}
	_, err = b.NewVector(2 << 20)
	if err == nil || !strings.Contains(err.Error(), "asked for 16.0 MiB") || !strings.Contains(err.Error(), "of 8.0 MiB are free") {
		t.Errorf("the error is %v", err)
	}
	if err := b.d.err(); err != nil {
		t.Errorf("the device is taken for broken: %v", err)
	}
	if err := b.Close(); err != nil || e.leaked != "" {
		t.Errorf("closing: %v; left: %s", err, e.leaked)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]int{"cuda": 0, "cuda:0": 0, "cuda:3": 3} {
		if got, err := ordinalOf(name); err != nil || got != want {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "cuda:", "cuda:-1", "gpu", "cuda0"} {
		if _, err := ordinalOf(name); err == nil {
			t.Errorf("%q is a device", name)
		}
	}
}
