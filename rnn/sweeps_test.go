package rnn

import (
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
)

// A counting backend has streams that are asked to sweep layers as one, and refuse, or say that they have.
type counting struct {
	accel.Backend[float64]
	asked int
	does  bool
}

type countingStream struct {
	accel.Stream[float64]
	b *counting
}

func (c *counting) Run(n int, f func(int, accel.Stream[float64]) error) error {
	return c.Backend.Run(1, func(shard int, s accel.Stream[float64]) error {
		for i := range n {
			if err := f(i, &countingStream{s, c}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *countingStream) Sweep(*accel.Layer[float64]) bool { s.b.asked++; return s.b.does }

// Both ways are measured; a net that uses steps does not ask for the other.
func TestMeasureSweeps(t *testing.T) {
	backend := &counting{Backend: cpu.New[float64](cpu.Options{Threads: 1})}
	n, err := New[float64](backend, Config{In: 2, Out: 1, Hidden: 5, Loss: accel.SquaredError})
	if err != nil {
		t.Fatal(err)
	}
	theta, err := backend.NewVector(n.Layout().Len())
	if err != nil {
		t.Fatal(err)
	}
	b := n.piece(&nn.Batch[float64]{In: 2, Out: 1, Lengths: []int{9, 9, 7}, Offset: []int{0, 3, 6, 9, 12, 15, 18, 21, 23, 25}, Position: []int{0, 1, 2}}, 4)
	for _, backend.does = range []bool{true, false} {
		backend.asked = 0
		s, err := n.MeasureSweeps(t.Context(), theta, b)
		if err != nil || (s.Whole > 0) != backend.does || s.Steps <= 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if backend.asked == 0 {
			t.Error("no layer was to be swept as one")
		}
	}
	for _, stepwise := range []bool{true, false} {
		n.UseSteps(stepwise)
		backend.asked = 0
		if _, err := n.Loss(t.Context(), theta, b, nil); err != nil {
			t.Fatal(err)
		}
		if (backend.asked == 0) != stepwise {
			t.Errorf("with steps %v, %d layers were to be swept as one", stepwise, backend.asked)
		}
	}
}
