package derivative_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// spoiled is a net with one quantity off by one part in a thousand.
type spoiled struct {
	nn.Net[float64]
	what string
}

func (s spoiled) Loss(ctx context.Context, theta accel.Vector[float64], b *nn.Batch[float64], cases []float64) (float64, error) {
	f, err := s.Net.Loss(ctx, theta, b, cases)
	if s.what == "f" {
		f *= 1.001
	}
	return f, err
}

func (s spoiled) Gradient(ctx context.Context, theta accel.Vector[float64], b *nn.Batch[float64], grad, fisher accel.Vector[float64]) (float64, error) {
	f, err := s.Net.Gradient(ctx, theta, b, grad, fisher)
	if s.what == "grad f" {
		grad.Scale(1.001)
	}
	return f, err
}

func (s spoiled) Linearize(ctx context.Context, theta accel.Vector[float64], b *nn.Batch[float64]) (nn.Linearization[float64], error) {
	l, err := s.Net.Linearize(ctx, theta, b)
	return spoiledLinearization{l, s.what}, err
}

type spoiledLinearization struct {
	nn.Linearization[float64]
	what string
}

func (l spoiledLinearization) AddGv(ctx context.Context, dst, v accel.Vector[float64], mu float64) error {
	err := l.Linearization.AddGv(ctx, dst, v, mu)
	switch l.what {
	case "Gv":
		dst.Scale(1.001)
	case "u'Gv = v'Gu":
		dst.View(0, 1).Scale(1.001)
	case "v'Gv >= 0":
		dst.Scale(-1)
	}
	return err
}

func (l spoiledLinearization) AddHv(ctx context.Context, dst, v accel.Vector[float64]) error {
	err := l.Linearization.AddHv(ctx, dst, v)
	if l.what == "Hv" {
		dst.Scale(1.001)
	}
	return err
}

func (l spoiledLinearization) Jv(ctx context.Context, v accel.Vector[float64]) ([]float64, error) {
	jv, err := l.Linearization.Jv(ctx, v)
	if l.what == "Jv" {
		jv[len(jv)/2] *= 1.001
	}
	return jv, err
}

func (l spoiledLinearization) AddJtu(ctx context.Context, dst accel.Vector[float64], u []float64) error {
	err := l.Linearization.AddJtu(ctx, dst, u)
	if l.what == "J'u" {
		dst.Scale(1.001)
	}
	return err
}

// A right net passes; a net with one wrong quantity fails in that row.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	backend := cpu.New[float64](cpu.Options{})
	config := rnn.Config{In: 2, Hidden: 4, Out: 3, Activation: accel.Tanh, Loss: accel.SoftmaxCrossEntropy, Biases: true}
	net, err := rnn.New(backend, config)
	if err != nil {
		t.Fatal(err)
	}
	b, err := derivative.Toy{In: 2, Out: 3, Loss: config.Loss, Lengths: []int{4, 2, 3}}.Batch(rng)
	if err != nil {
		t.Fatal(err)
	}
	theta := derivative.Theta(net.Layout(), 0.5, rng)
	for _, what := range []string{"nothing", "f", "grad f", "Jv", "J'u", "Gv", "Hv", "u'Gv = v'Gu", "v'Gv >= 0"} {
		rows, err := derivative.Check(t.Context(), backend, spoiled{net, what}, config.Loss, b, theta, 0, rng)
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, r := range rows {
			if r.Quantity == what {
				seen = true
				if r.OK {
					t.Errorf("%s is wrong and passes, with error %g", what, r.Error)
				}
			} else if what == "nothing" && !r.OK {
				t.Errorf("%s fails on a right net: error %g, tolerance %g", r.Quantity, r.Error, r.Tolerance)
			}
		}
		if !seen && what != "nothing" {
			t.Errorf("no row %q", what)
		}
	}
}
