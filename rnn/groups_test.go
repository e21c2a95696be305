package rnn

import (
	"math"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
)

// A few long sequences are gathered as the backward sweep of ∇f passes, with the bits of derivatives that are all kept, ∇f too.
func TestFisherInPassing(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{Threads: 2})
	config := Config{In: 2, Hidden: 4, Out: 1, Loss: accel.SquaredError, Biases: true}
	n, err := New[float64](backend, config)
	if err != nil {
		t.Fatal(err)
	}
	b := n.piece(&nn.Batch[float64]{Lengths: []int{20_000, 20_000}, Offset: []int{0, 2}, Position: []int{0, 1}, Form: nn.Each}, 20_000)
	for i := range b.Target {
		b.Target[i] = math.Cos(float64(i))
	}
	theta, err := backend.NewVector(n.Layout().Len())
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, theta.Len())
	for i := range x {
		x[i] = 0.3 * math.Sin(float64(3*i))
	}
	theta.Write(x)
	of := func(n *Net[float64]) (grad, fisher []float64) {
		g, f := theta.New(), theta.New()
		if _, err := n.Gradient(t.Context(), theta, b, g, f); err != nil {
			t.Fatal(err)
		}
		grad, fisher = make([]float64, g.Len()), make([]float64, f.Len())
		g.Read(grad)
		f.Read(fisher)
		return grad, fisher
	}
	wantGrad, wantFisher := of(n)
	for budget, want := range map[int64]fisherWay{0: fisherKept, 1_100_000: fisherPassing, 300_000: fisherApart} {
		config.StateBudget = budget
		bounded, err := New[float64](backend, config)
		if err != nil {
			t.Fatal(err)
		}
		if way := bounded.fisherWay(b, true); way != want {
			t.Errorf("budget %d: way %d, want %d", budget, way, want)
		}
		if grad, fisher := of(bounded); !slices.Equal(grad, wantGrad) || !slices.Equal(fisher, wantFisher) {
			t.Errorf("budget %d: ∇f or the Fisher diagonal has other bits", budget)
		}
	}
}
