package fnn_test

import (
	"math/rand/v2"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
	"curvestream/nn/derivative"
)

// Section 6.3: losses that are not convex, with L″ made positive semi-definite either way, and the other form of the same f, whose
// nonlinearity is in F. The derivatives of all are right; f, ∇f and Hv are the same for both forms, and only G differs.
func TestLossesThatAreNotConvex(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	for _, loss := range []accel.Loss{accel.LogisticSquaredError, accel.TanhSquaredError} {
		inF := fnn.Config{Sizes: []int{3, 5, 2}, Activations: []accel.Activation{accel.Tanh, loss.Output()}, Biases: true}
		b, err := derivative.Toy{In: 3, Out: 2, Loss: loss, Lengths: ones(7), Weighted: true}.Batch(rand.New(rand.NewPCG(4, 4)))
		check(t, err)
		theta := derivative.Theta(inF.Layout(), 0.9, rand.New(rand.NewPCG(5, 5)))
		want, wantG := derivatives(t, backend, inF, b, theta)
		for _, c := range []accel.Convexity{accel.Dropped, accel.Shifted, accel.Indefinite} {
			inL := inF
			inL.Activations, inL.Loss = []accel.Activation{accel.Tanh, accel.Linear}, loss.Shows(c)
			got, gotG := derivatives(t, backend, inL, b, theta)
			if e := relativeError(got, want); e > 1e-12 {
				t.Errorf("loss %d: f, ∇f and Hv of the two forms differ by %g", loss, e)
			}
			if e := relativeError(gotG, wantG); e < 1e-3 {
				t.Errorf("loss %d, convexity %d: both forms have the same G", loss, c)
			}
		}
	}
}

// derivatives checks all derivatives of a net and returns f, ∇f and Hv, and Gv.
func derivatives(t *testing.T, backend accel.Backend[float64], config fnn.Config, b *nn.Batch[float64], theta []float64) (values, gv []float64) {
	t.Helper()
	net, err := fnn.New(backend, config)
	check(t, err)
	rows, err := derivative.Check(t.Context(), backend, net, config.Loss, b, theta, 0, rand.New(rand.NewPCG(6, 6)))
	check(t, err)
	for _, r := range rows {
		if !r.OK {
			t.Errorf("loss %d: %+v", config.Loss, r)
		}
	}
	at := vector(t, backend, theta)
	grad, hv, product := at.New(), at.New(), at.New()
	f, err := net.Gradient(t.Context(), at, b, grad, nil)
	check(t, err)
	lin, err := net.Linearize(t.Context(), at, b)
	check(t, err)
	defer lin.Close()
	v := vector(t, backend, derivative.Theta(config.Layout(), 1, rand.New(rand.NewPCG(7, 7))))
	check(t, lin.AddHv(t.Context(), hv, v))
	check(t, lin.AddGv(t.Context(), product, v, 0))
	return append(append(read(grad), read(hv)...), f), read(product)
}
