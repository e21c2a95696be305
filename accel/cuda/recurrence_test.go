package cuda

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/nn"
	"curvestream/nn/derivative"
	"curvestream/rnn"
)

// A cutting backend wants blocks of so many time-steps.
type cutting[F accel.Float] struct {
	*Backend[F]
	steps int
}

func (c cutting[F]) BlockSteps(int) int { return c.steps }

// A layerCase is a net and sequences for it.
type layerCase struct {
	config     rnn.Config
	lengths    []int
	steps      int // of a block
	processors int // of the device; the more there are, the fewer columns a block of threads owns
}

func layerCases() []layerCase {
	lengths := []int{10, 7, 10, 1, 3, 10, 9, 2, 10}
	plain := rnn.Config{In: 3, Hidden: 5, Out: 2, Activation: accel.Tanh, Loss: accel.LogisticCrossEntropy, Biases: true, Distance: nn.CrossEntropyDistance}
	var all []layerCase
	for i, act := range []accel.Activation{accel.Tanh, accel.Logistic, accel.ReLU, accel.Linear} {
		c := plain
		if c.Activation = act; i > 1 {
			c.Distance = nn.SquaredDistance
		}
		c.Biases = i%2 == 0
		all = append(all, layerCase{c, lengths, []int{64, 8, 64, 8}[i], 0})
	}
	for i, cell := range []rnn.Cell{rnn.LSTM, rnn.GRU, rnn.Multiplicative} {
		c := plain
		if c.Cell, c.Distance = cell, nn.SquaredDistance; cell == rnn.Multiplicative {
			c.Factors, c.Distance = 3, nn.CrossEntropyDistance
		}
		all = append(all, layerCase{c, lengths, 8, 3 * i})
	}
	two := plain
	two.Upper, two.OutputLayers, two.LayerActivation = []int{4}, []int{3}, accel.Tanh
	wide := plain
	wide.Hidden = 70
	return append(all, layerCase{two, lengths[:4], 64, 1000}, layerCase{wide, lengths[3:5], 64, 0})
}

// A layer at once leaves the bits of its operations one by one, whatever the cell, the lengths, where blocks end and how many columns a
// block of threads owns: losses, gradients and products of all kinds.
func TestWholeLayers(t *testing.T) {
	if underRace {
		t.Skip("one goroutine asks for all of it")
	}
	for i, c := range layerCases() {
		t.Run(fmt.Sprintf("%d/float64", i), func(t *testing.T) { compareSweeps[float64](t, c) })
		if i == 0 || i == 4 {
			t.Run(fmt.Sprintf("%d/float32", i), func(t *testing.T) { compareSweeps[float32](t, c) })
		}
	}
}

func compareSweeps[F accel.Float](t *testing.T, c layerCase) {
	b := emulatedBackend[F](t)
	b.d.info.Processors = c.processors
	t.Setenv(recurrenceVariable, "steps")
	want := products(t, cutting[F]{b, c.steps}, c)
	if len(b.plans) != 0 {
		t.Fatal("layers are computed at once, though they should not")
	}
	t.Setenv(recurrenceVariable, "auto")
	got := products(t, cutting[F]{b, c.steps}, c)
	if len(b.plans) == 0 {
		t.Fatal("no layer is computed at once")
	}
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s has other bits: %v, not %v", name, got[name], want[name])
		}
	}
}

// products computes what a net offers.
func products[F accel.Float](t *testing.T, backend accel.Backend[F], c layerCase) map[string][]F {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	net, err := rnn.New(backend, c.config)
	check(err)
	toy, err := derivative.Toy{In: 3, Out: 2, Loss: c.config.Loss, Form: nn.Each, Lengths: c.lengths, Weighted: true}.Batch(rng)
	check(err)
	batch := single[F](toy)
	theta, err := backend.FromHost(convert[F](derivative.Theta(c.config.Layout(), 0.5, rng)))
	check(err)
	v, err := backend.FromHost(convert[F](derivative.Theta(c.config.Layout(), 1, rng)))
	check(err)
	all := map[string][]F{}
	read := func(name string, v accel.Vector[F]) {
		all[name] = make([]F, v.Len())
		v.Read(all[name])
	}
	grad := theta.New()
	f, err := net.Gradient(t.Context(), theta, batch, grad, nil)
	check(err)
	all["f"] = []F{F(f)}
	read("∇f", grad)
	l, err := net.Linearize(t.Context(), theta, batch)
	check(err)
	defer l.Close()
	gv, damped, hv := theta.New(), theta.New(), theta.New()
	check(l.AddGv(t.Context(), gv, v, 0))
	read("Gv", gv)
	check(l.AddGv(t.Context(), damped, v, 0.3))
	read("damped Gv", damped)
	check(l.AddHv(t.Context(), hv, v))
	read("Hv", hv)
	return all
}

// single returns a batch in another precision.
func single[F accel.Float](b *nn.Batch[float64]) *nn.Batch[F] {
	return &nn.Batch[F]{In: b.In, Out: b.Out, Form: b.Form, Lengths: b.Lengths, Active: b.Active, Offset: b.Offset, Position: b.Position,
		Dense: convert[F](b.Dense), Target: convert[F](b.Target), Weight: convert[F](b.Weight), WeightSum: b.WeightSum}
}

func convert[To, From accel.Float](from []From) []To {
	to := make([]To, len(from))
	for i, x := range from {
		to[i] = To(x)
	}
	return to
}

// What was measured of sweeps is remembered of a real GPU only, by all that decides about it.
func TestSweepsAs(t *testing.T) {
	for _, test := range []struct {
		name, variable string
		measured, anew bool
	}{{Emulated, "", false, false}, {Emulated, "measure", false, false}, {"cuda:0", "", true, false}, {"cuda:0", "auto", true, false},
		{"cuda:0", "measure", true, true}, {"cuda:0", "steps", false, false}, {"cuda:0", "layer", false, false}} {
		t.Setenv(recurrenceVariable, test.variable)
		b, err := openOn[float32](newEmulator(), nil, 0, test.name)
		if err != nil {
			t.Fatal(err)
		}
		name, anew := b.SweepsAs()
		if anew != test.anew || test.measured != (name != "") || strings.Contains(name, "cuda:0") {
			t.Errorf("%s with %q: %q, %v", test.name, test.variable, name, anew)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Setenv(recurrenceVariable, "step")
	if _, err := openOn[float32](newEmulator(), nil, 0, Emulated); err == nil || !strings.Contains(err.Error(), `CURVESTREAM_RECURRENCE is "step": set it to`) {
		t.Errorf("a setting that is none: %v", err)
	}
}
