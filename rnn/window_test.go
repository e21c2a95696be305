package rnn_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// windowed sums over the windows of one sequence what a net without windows computes of each, a sequence of its own that begins with
// the state that the one before ends with. v does not move the states that windows but the first begin with, and derivatives with
// respect to them are dropped.
func windowed(t *testing.T, backend accel.Backend[float64], config rnn.Config, b *nn.Batch[float64], theta, v []float64, window int) map[string][]float64 {
	t.Helper()
	net, err := rnn.New(backend, config)
	check(t, err)
	sums := map[string][]float64{}
	for _, name := range []string{"gradient", "Gv", "damped Gv", "Hv"} {
		sums[name] = make([]float64, len(theta))
	}
	runner, err := net.NewRunner(vector(t, backend, theta), 1)
	check(t, err)
	defer runner.Close()
	at, along := slices.Clone(theta), slices.Clone(v)
	for lo := 0; lo < b.Steps(); lo += window {
		hi := min(lo+window, b.Steps())
		part, err := nn.Pack(b.In, b.Out, nn.Each, []nn.Example[float64]{{X: b.Dense[lo*b.In : hi*b.In], Target: b.Target[lo*b.Out : hi*b.Out]}})
		check(t, err)
		all := everything(t, backend, config, part, at, along)
		for i, name := range quantities {
			sum, wanted := sums[name]
			for k := range sum {
				if wanted && (lo == 0 || !initial(net.Layout(), k)) {
					sum[k] += all[i][k]
				}
			}
		}
		for s := lo; s < hi; s++ {
			_, err := runner.Step(t.Context(), b.Dense[s*b.In:(s+1)*b.In])
			check(t, err)
		}
		for name, values := range rnn.StateOf(runner) {
			p, _ := net.Layout().Find(name)
			copy(at[p.Off:], values)
			clear(along[p.Off : p.Off+p.Size()])
		}
	}
	return sums
}

// initial reports whether element k of θ belongs to an initial state.
func initial(l nn.Layout, k int) bool {
	for _, p := range l {
		if k >= p.Off && k < p.Off+p.Size() {
			return strings.HasPrefix(p.Name[1:], "_0")
		}
	}
	return false
}

// With windows, all derivatives are those of the windows as sequences of their own that begin with what is carried into them; losses
// and predictions are those without windows.
func TestWindows(t *testing.T) {
	forStacks(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		rng := rand.New(rand.NewPCG(41, 1))
		backend := sharded{cpu.New[float64](cpu.Options{}), 2}
		config := of(rnn.Config{In: 2, Hidden: 3, Out: 2, Activation: accel.Tanh, Biases: true, OutputActivation: accel.Tanh})
		theta, v := derivative.Theta(config.Layout(), 0.7, rng), derivative.Theta(config.Layout(), 1, rng)
		b, err := derivative.Toy{In: 2, Out: 2, Form: nn.Each, Lengths: []int{20, 17, 5}}.Batch(rng)
		check(t, err)
		for _, window := range []int{3, 20} {
			want := map[string][]float64{}
			squares := make([]float64, len(theta))
			for j := range b.Columns() {
				for name, sum := range windowed(t, backend, config, b.Pick([]int{j}), theta, v, window) {
					if want[name] == nil {
						want[name] = make([]float64, len(sum))
					}
					for k := range sum {
						want[name][k] += sum[k]
						if name == "gradient" {
							squares[k] += sum[k] * sum[k]
						}
					}
				}
			}
			want["Fisher"] = squares
			whole := everything(t, backend, config, b, theta, v)
			c := config
			c.Window = window
			got := everything(t, backend, c, b, theta, v)
			for i, name := range quantities {
				compare := want[name]
				switch name {
				case "f", "case losses", "p":
					compare = whole[i]
				case "Jv", "J'u":
					continue
				}
				if e := relativeError(got[i], compare); e > 1e-12 {
					t.Errorf("windows of %d steps: %s differs by %.3g", window, name, e)
				}
			}
			if window == 20 && !slices.Equal(got[6], whole[6]) {
				t.Error("a window of all time-steps gives another Gv than none")
			}
			if window == 3 && relativeError(got[3], whole[3]) < 1e-3 {
				t.Error("windows of 3 time-steps give the gradient of whole sequences")
			}
			if d, products := diagonalOf(t, backend, c, b, theta, 0.5, nn.Probe{Exact: true}); relativeError(d, products) > 1e-12 {
				t.Errorf("windows of %d steps: the diagonal is not that of the products", window)
			}
		}
	})
}

// With windows too, Jv and Jᵀu belong together, and no state budget changes a bit.
func TestWindowsUnderBudgets(t *testing.T) {
	forCells(t, func(t *testing.T, of func(rnn.Config) rnn.Config) {
		for _, form := range []nn.Form{nn.Each, nn.Last} {
			rng := rand.New(rand.NewPCG(43, uint64(form)))
			backend := sharded{cpu.New[float64](cpu.Options{}), 2}
			b, err := derivative.Toy{In: 3, Out: 2, Loss: accel.LogisticCrossEntropy, Form: form, Lengths: lengths(rng, 5, 100), Weighted: true}.Batch(rng)
			check(t, err)
			config := of(rnn.Config{In: 3, Hidden: 4, Out: 2, Activation: accel.Tanh, Loss: accel.LogisticCrossEntropy, Biases: true, Window: 20, Upper: []int{3}})
			theta, v := derivative.Theta(config.Layout(), 0.5, rng), derivative.Theta(config.Layout(), 1, rng)
			want := everything(t, backend, config, b, theta, v)
			jv, u, jtu := want[5], want[2], want[9]
			left, right := 0.0, 0.0
			for i := range jv {
				left += jv[i] * u[i]
			}
			for i := range jtu {
				right += jtu[i] * v[i]
			}
			if relativeError([]float64{left}, []float64{right}) > 1e-12 {
				t.Errorf("form %d: uᵀ(Jv) = %g, (Jᵀu)ᵀv = %g", form, left, right)
			}
			net, err := rnn.New[float64](backend, config)
			check(t, err)
			all, err := net.PlanStates(b)
			check(t, err)
			for _, share := range []float64{0.6, 0.9} {
				config.StateBudget = int64(share * float64(all.All))
				for i, got := range everything(t, backend, config, b, theta, v) {
					if !slices.Equal(got, want[i]) {
						t.Errorf("form %d, %.2f of all states: %s has other bits", form, share, quantities[i])
					}
				}
			}
		}
	})
}
