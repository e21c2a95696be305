package fnn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/nn"
	"curvestream/nn/derivative"
)

func vector(t testing.TB, backend accel.Backend[float64], values []float64) accel.Vector[float64] {
	t.Helper()
	v, err := backend.FromHost(slices.Clone(values))
	check(t, err)
	return v
}

func read(v accel.Vector[float64]) []float64 {
	values := make([]float64, v.Len())
	v.Read(values)
	return values
}

// relativeError returns the largest error relative to the largest magnitude wanted.
func relativeError(got, want []float64) float64 {
	scale, worst := 0.0, 0.0
	for i := range want {
		scale = max(scale, math.Abs(want[i]))
		worst = math.Max(worst, math.Abs(got[i]-want[i]))
	}
	return worst / scale
}

// product returns G v, with mu of structural damping.
func product(t *testing.T, backend accel.Backend[float64], config fnn.Config, b *nn.Batch[float64], theta, v []float64, mu float64) []float64 {
	t.Helper()
	net, err := fnn.New(backend, config)
	check(t, err)
	n := net.Layout().Len()
	lin, err := net.Linearize(t.Context(), vector(t, backend, theta[:n]), b)
	check(t, err)
	defer lin.Close()
	gv := vector(t, backend, theta[:n]).New()
	check(t, lin.AddGv(t.Context(), gv, vector(t, backend, v[:n]), mu))
	return read(gv)
}

// D is the sum, over hidden layers, of the Gauss-Newton matrices of nets that end in that layer: with squared error behind the
// activation for the squared distance, with logistic cross-entropy before it for the cross-entropy distance.
func TestStructuralDampingIsTheCurvatureOfTheHiddenLayers(t *testing.T) {
	for _, weighted := range []bool{false, true} {
		for _, distance := range []nn.StructuralDistance{nn.SquaredDistance, nn.CrossEntropyDistance} {
			rng := rand.New(rand.NewPCG(2, 6))
			backend := sharded{cpu.New[float64](cpu.Options{}), 3}
			sizes, logistic := []int{3, 5, 4, 2}, []accel.Activation{accel.Logistic, accel.Logistic, accel.Linear}
			config := fnn.Config{Sizes: sizes, Activations: logistic, Biases: true, Distance: distance}
			theta, v := derivative.Theta(config.Layout(), 0.6, rng), derivative.Theta(config.Layout(), 1, rng)
			b, err := derivative.Toy{In: 3, Out: 2, Lengths: ones(10)}.Batch(rng)
			check(t, err)
			if weighted {
				for range b.Columns() {
					b.Weight = append(b.Weight, rng.Float64())
				}
			}
			const mu = 0.7
			got := product(t, backend, config, b, theta, v, mu)
			for i, g := range product(t, backend, config, b, theta, v, 0) {
				got[i] = (got[i] - g) / mu
			}
			want := make([]float64, len(theta))
			for l := 1; l <= 2; l++ {
				part := fnn.Config{Sizes: sizes[:l+1], Activations: slices.Clone(logistic[:l]), Biases: true}
				if distance == nn.CrossEntropyDistance {
					part.Loss, part.Activations[l-1] = accel.LogisticCrossEntropy, accel.Linear
				}
				shown := *b
				shown.Out, shown.Target = sizes[l], make([]float64, b.Columns()*sizes[l])
				for i, g := range product(t, backend, part, &shown, theta, v, 0) {
					want[i] += g
				}
			}
			if e := relativeError(got, want); e > 1e-12 {
				t.Errorf("distance %d, weighted %v: differs by %.3g", distance, weighted, e)
			}
		}
	}
}

// Cross-entropy needs units whose activity is a probability.
func TestCrossEntropyDistanceNeedsLogisticOrTanh(t *testing.T) {
	backend := cpu.New[float64](cpu.Options{})
	net, err := fnn.New(backend, fnn.Config{Sizes: []int{2, 3, 1}, Activations: []accel.Activation{accel.ReLU, accel.Linear}, Distance: nn.CrossEntropyDistance})
	check(t, err)
	b, err := derivative.Toy{In: 2, Out: 1, Lengths: ones(3)}.Batch(rand.New(rand.NewPCG(1, 1)))
	check(t, err)
	theta := vector(t, backend, make([]float64, net.Layout().Len()))
	lin, err := net.Linearize(t.Context(), theta, b)
	check(t, err)
	defer lin.Close()
	if err := lin.AddGv(t.Context(), theta.New(), theta, 1); err == nil {
		t.Error("no error for ReLU units")
	}
	check(t, lin.AddGv(t.Context(), theta.New(), theta, 0))
}

// The number of shards changes the order of sums and nothing else; the number of threads changes nothing.
func TestShardsAndThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, sparse := range []bool{false, true} {
		toy := derivative.Toy{In: 6, Out: 3, Loss: accel.SoftmaxCrossEntropy, Lengths: ones(23), Weighted: true, Sparse: sparse}
		b, err := toy.Batch(rng)
		check(t, err)
		config := fnn.Config{Sizes: []int{6, 8, 3}, Activations: []accel.Activation{accel.Tanh, accel.Linear}, Loss: toy.Loss, Biases: true}
		theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
		want := everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 1}), 1}, config, b, theta, v)
		for _, shards := range []int{2, 7, 23, 50} {
			one := everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 1}), shards}, config, b, theta, v)
			for i, got := range one {
				if e := relativeError(got, want[i]); e > 1e-12 {
					t.Errorf("quantity %d with %d shards differs from one shard by %.3g", i, shards, e)
				}
			}
			alike := func(got [][]float64, threads string) {
				for i := range got {
					if !slices.Equal(got[i], one[i]) {
						t.Errorf("quantity %d with %d shards has other bits with %s than with one", i, shards, threads)
					}
				}
			}
			for _, threads := range []int{2, 4} {
				alike(everything(t, sharded{cpu.New[float64](cpu.Options{Threads: threads}), shards}, config, b, theta, v), fmt.Sprint(threads, " threads"))
			}
			before := runtime.GOMAXPROCS(1)
			alike(everything(t, sharded{cpu.New[float64](cpu.Options{Threads: 4}), shards}, config, b, theta, v), "4 threads on one processor")
			runtime.GOMAXPROCS(before)
		}
	}
}

// everything computes f, ∇f, the Fisher diagonal, Jv, Gv and Hv. The Fisher diagonal is also compared with gradients of
// single cases.
func everything(t *testing.T, backend accel.Backend[float64], config fnn.Config, b *nn.Batch[float64], theta, v []float64) [][]float64 {
	t.Helper()
	net, err := fnn.New(backend, config)
	check(t, err)
	at, along := vector(t, backend, theta), vector(t, backend, v)
	grad, fisher, gv, hv := at.New(), at.New(), at.New(), at.New()
	f, err := net.Gradient(t.Context(), at, b, grad, fisher)
	check(t, err)
	lin, err := net.Linearize(t.Context(), at, b)
	check(t, err)
	defer lin.Close()
	jv, err := lin.Jv(t.Context(), along)
	check(t, err)
	check(t, lin.AddGv(t.Context(), gv, along, 0))
	check(t, lin.AddHv(t.Context(), hv, along))
	if b.Sparse == nil {
		compareFisher(t, backend, net, b, at, read(fisher))
	}
	return [][]float64{{f}, read(grad), read(fisher), jv, read(gv), read(hv)}
}

func compareFisher(t *testing.T, backend accel.Backend[float64], net *fnn.Net[float64], b *nn.Batch[float64], theta accel.Vector[float64], got []float64) {
	t.Helper()
	want := make([]float64, len(got))
	for j := range b.Columns() {
		e := nn.Example[float64]{X: b.Dense[j*b.In : (j+1)*b.In], Class: b.Class[j : j+1], Weight: b.Weight[j : j+1]}
		one, err := nn.Pack(b.In, b.Out, b.Form, []nn.Example[float64]{e})
		check(t, err)
		grad := theta.New()
		_, err = net.Gradient(t.Context(), theta, one, grad, nil)
		check(t, err)
		for i, g := range read(grad) {
			want[i] += g * g
		}
	}
	if e := relativeError(got, want); e > 1e-12 {
		t.Errorf("the Fisher diagonal differs from squared gradients by %.3g", e)
	}
}
