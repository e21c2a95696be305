package checkpointing

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Copies run in their order, and a failure is the error of that copy and of all after it.
func TestMover(t *testing.T) {
	failure := errors.New("failure")
	for _, bad := range []int{-1, 0, 7, 30} {
		m := NewMover(t.Context())
		var order []int
		var copies []*Copy
		for i := range 40 {
			copies = append(copies, m.Do(func() error {
				order = append(order, i)
				if i == bad {
					return failure
				}
				return nil
			}))
		}
		for i, c := range copies {
			if err := c.Wait(); (bad >= 0 && i >= bad) != errors.Is(err, failure) {
				t.Errorf("copy %d, with copy %d failing: %v", i, bad, err)
			}
		}
		if err := m.Close(); (bad >= 0) != errors.Is(err, failure) {
			t.Errorf("Close, with copy %d failing: %v", bad, err)
		}
		for i, k := range order {
			if i != k || bad >= 0 && k > bad {
				t.Errorf("order %v, with copy %d failing", order, bad)
				break
			}
		}
	}
}

// A panic in a copy is its error; a cancelled mover carries out nothing more.
func TestMoverPanicAndCancel(t *testing.T) {
	m := NewMover(t.Context())
	if err := m.Do(func() error { panic("bad bytes") }).Wait(); err == nil || !strings.Contains(err.Error(), "bad bytes") {
		t.Errorf("err = %v", err)
	}
	if err := m.Close(); err == nil {
		t.Error("Close forgets the panic")
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	m = NewMover(ctx)
	cancel(stop)
	if err := m.Do(func() error { return nil }).Wait(); !errors.Is(err, stop) {
		t.Errorf("err = %v", err)
	}
	if err := m.Close(); !errors.Is(err, stop) {
		t.Errorf("Close: %v", err)
	}
}
