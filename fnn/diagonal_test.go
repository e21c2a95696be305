package fnn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
	"curvestream/nn/derivative"
)

// diagonalOf returns the diagonal that a probe finds, and for comparison that of the matrix of products.
func diagonalOf(t *testing.T, backend accel.Backend[float64], config fnn.Config, b *nn.Batch[float64], theta []float64, mu float64, p nn.Probe) (got, want []float64) {
	t.Helper()
	net, err := fnn.New(backend, config)
	check(t, err)
	at := vector(t, backend, theta)
	lin, err := net.Linearize(t.Context(), at, b)
	check(t, err)
	defer lin.Close()
	d, product := at.New(), at.New()
	check(t, lin.(nn.DiagonalLinearization[float64]).AddDiagonal(t.Context(), d, mu, p))
	want = make([]float64, len(theta))
	for i := range theta {
		unit := make([]float64, len(theta))
		unit[i] = 1
		product.Zero()
		check(t, lin.AddGv(t.Context(), product, vector(t, backend, unit), mu))
		want[i] = read(product)[i]
	}
	return read(d), want
}

// Exact backpropagations give the diagonal of the matrix that AddGv multiplies by, structural damping included; draws average to
// it, whatever the shards.
func TestDiagonal(t *testing.T) {
	for _, loss := range []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy} {
		for variant := range 8 {
			weighted, sparse, squared := variant&1 == 1, variant&2 == 2, variant&4 == 4
			rng := rand.New(rand.NewPCG(11, uint64(variant)))
			config := fnn.Config{Sizes: []int{3, 4, 5, 3}, Activations: []accel.Activation{accel.Tanh, accel.Logistic, accel.Linear}, Loss: loss, Biases: !sparse}
			if !squared {
				config.Distance = nn.CrossEntropyDistance
			}
			if weighted {
				config.Activations[2] = accel.Tanh
			}
			b, err := derivative.Toy{In: 3, Out: 3, Loss: loss, Lengths: ones(9), Weighted: weighted, Sparse: sparse}.Batch(rng)
			check(t, err)
			theta := derivative.Theta(config.Layout(), 0.5, rng)
			for _, mu := range []float64{0, 0.7} {
				one := sharded{cpu.New[float64](cpu.Options{}), 1}
				got, want := diagonalOf(t, one, config, b, theta, mu, nn.Probe{Exact: true})
				if e := relativeError(got, want); e > 1e-12 {
					t.Errorf("loss %d, weighted %v, sparse %v, squared distance %v, μ = %g: differs by %.3g", loss, weighted, sparse, squared, mu, e)
				}
				if variant > 0 {
					continue
				}
				for _, normal := range []bool{false, true} {
					const draws = 2000
					p := nn.Probe{Draws: draws, Normal: normal, Seed: 5}
					got, _ := diagonalOf(t, one, config, b, theta, mu, p)
					for i := range want { // the relative deviation of one draw is at most √2 a case
						if math.Abs(got[i]-want[i]) > 5*math.Sqrt2*want[i]/math.Sqrt(draws) {
							t.Errorf("normal %v, μ = %g: element %d is %g, want %g", normal, mu, i, got[i], want[i])
						}
					}
					p.Draws = 2
					first, _ := diagonalOf(t, one, config, b, theta, mu, p)
					second, _ := diagonalOf(t, sharded{cpu.New[float64](cpu.Options{}), 4}, config, b, theta, mu, p)
					if e := relativeError(second, first); e > 1e-12 {
						t.Errorf("four shards differ from one by %.3g", e)
					}
				}
			}
		}
	}
}

// Cross-entropy needs units whose activity is a probability, in a diagonal as in a product.
func TestDiagonalOfADistanceThatDoesNotFit(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	net, err := fnn.New(backend, fnn.Config{Sizes: []int{2, 3, 1}, Activations: []accel.Activation{accel.ReLU, accel.Linear}, Distance: nn.CrossEntropyDistance})
	check(t, err)
	b, err := derivative.Toy{In: 2, Out: 1, Lengths: ones(3)}.Batch(rand.New(rand.NewPCG(1, 1)))
	check(t, err)
	theta := vector(t, backend, slices.Repeat([]float64{0.5}, net.Layout().Len()))
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	if err := lin.(nn.DiagonalLinearization[float64]).AddDiagonal(t.Context(), theta.New(), 1, nn.Probe{Draws: 1}); err == nil {
		t.Error("no error for ReLU units")
	}
}
