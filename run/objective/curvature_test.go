package objective

import (
	"context"
	"math"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/rnn"
)

// Products with the empirical Fisher matrix are those with Σ ∇fᵢ∇fᵢᵀ of single sequences, and its diagonal is what comes with the
// gradient; whether activations are kept changes nothing.
func TestFisherProducts(t *testing.T) {
	ctx := context.Background()
	var bits []float64
	for _, keep := range []int64{1 << 30, 0} {
		o, c, net, theta := setup(t, keep)
		v := theta.New()
		v.Shift(0.3)
		l, err := o.LinearizeAs(ctx, hf.Curvature, hf.CurvatureFisher, theta)
		if err != nil {
			t.Fatal(err)
		}
		got, want := theta.New(), theta.New()
		if err := l.Product(ctx, got, v, 0); err != nil {
			t.Fatal(err)
		}
		if err := l.Product(ctx, theta.New(), v, 1); err == nil {
			t.Error("structural damping was added to the empirical Fisher matrix")
		}
		if err := l.(hf.DiagonalSource[float64]).Diagonal(ctx, theta.New(), 0, hf.Estimate{Draws: 1}); err == nil {
			t.Error("a diagonal of another matrix was given")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var n float64
		for _, b := range c[1:] {
			n += b.WeightSum
			for i := range b.Columns() {
				g := theta.New()
				if _, err := net.Gradient(ctx, theta, b.Pick([]int{i}), g, nil); err != nil {
					t.Fatal(err)
				}
				want.Add(g.Dot(v), g)
			}
		}
		want.Scale(1 / n)
		o.addDecay(want, v)
		for i, x := range read(want) {
			if math.Abs(read(got)[i]-x) > 1e-12*(1+math.Abs(x)) {
				t.Errorf("keep %d: element %d is %g, want %g", keep, i, read(got)[i], x)
			}
		}
		if bits != nil && !equal(bits, read(got)) {
			t.Error("the bits depend on what is kept")
		}
		bits = read(got)
	}
}

// The same with classes as targets, weights of sequences, and a sequence that does not count.
func TestFisherProductsOfClasses(t *testing.T) {
	ctx := context.Background()
	backend := cpu.New[float64](cpu.Options{})
	net, err := rnn.New(backend, rnn.Config{In: 1, Hidden: 3, Out: 3, Activation: accel.Tanh, Loss: accel.SoftmaxCrossEntropy, Biases: true})
	if err != nil {
		t.Fatal(err)
	}
	b := &nn.Batch[float64]{Lengths: []int{2, 2, 1}, Active: []int{3, 2}, Offset: []int{0, 3, 5}, In: 1, Out: 3, Form: nn.Last, Dense: []float64{1, -2, 3, 0.5, 1.5},
		Class: []int32{2, 0, 1}, Weight: []float64{2, 0.5, 0}, WeightSum: 2.5}
	v := make([]float64, net.Layout().Len())
	for i := range v {
		v[i] = math.Sin(float64(i + 1))
	}
	at, err := backend.FromHost(v)
	if err != nil {
		t.Fatal(err)
	}
	o := New[float64](net, chunks{b, b, b}, chunks{b, b, b}, Settings{Keep: 1 << 30})
	if err := o.Advance(ctx, 1); err != nil {
		t.Fatal(err)
	}
	l, err := o.LinearizeAs(ctx, hf.Curvature, hf.CurvatureFisher, at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, want := at.New(), at.New()
	if err := l.Product(ctx, got, at, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		g := at.New()
		if _, err := net.Gradient(ctx, at, b.Pick([]int{i}), g, nil); err != nil {
			t.Fatal(err)
		}
		want.Add(g.Dot(at)/b.WeightSum, g)
	}
	for i, x := range read(want) {
		if math.Abs(read(got)[i]-x) > 1e-12*(1+math.Abs(x)) {
			t.Errorf("element %d is %g, want %g", i, read(got)[i], x)
		}
	}
}

// The diagonal that comes with the gradient is the mean of squares over sequences, and β where weights decay: that of the matrix which
// the preconditioner resembles.
func TestFisherDiagonalHasTheDecay(t *testing.T) {
	ctx := context.Background()
	o, c, net, theta := setup(t, 1<<30)
	grad, got, want := theta.New(), theta.New(), theta.New()
	if _, err := o.Gradient(ctx, theta, grad, got); err != nil {
		t.Fatal(err)
	}
	n := 0.0
	if err := c.Each(ctx, o.step[hf.Gradient], func(b *nn.Batch[float64]) error {
		n += b.WeightSum
		_, err := net.Gradient(ctx, theta, b, grad, want)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want.Scale(1 / n)
	for _, p := range net.Layout() {
		for i := p.Off; i < p.Off+p.Size(); i++ {
			x := read(want)[i]
			if p.Decays() {
				x += beta
			}
			if math.Abs(read(got)[i]-x) > 1e-12*(1+x) {
				t.Errorf("%s, element %d: %g, want %g", p.Name, i-p.Off, read(got)[i], x)
			}
		}
	}
}

// The diagonal is that of Product, weight decay and structural damping included, whether activations are kept or not; an
// estimate has the same bits both times.
func TestDiagonalIsThatOfProduct(t *testing.T) {
	ctx := context.Background()
	var bits []float64
	for _, keep := range []int64{1 << 30, 0} {
		o, _, _, theta := setup(t, keep)
		l, err := o.Linearize(ctx, theta)
		if err != nil {
			t.Fatal(err)
		}
		source := l.(hf.DiagonalSource[float64])
		d, product, unit := theta.New(), theta.New(), theta.New()
		if err := source.Diagonal(ctx, d, 0.5, hf.Estimate{Exact: true}); err != nil {
			t.Fatal(err)
		}
		for i, got := range read(d) {
			e := make([]float64, theta.Len())
			e[i] = 1
			unit.Write(e)
			if err := l.Product(ctx, product, unit, 0.5); err != nil {
				t.Fatal(err)
			}
			if want := read(product)[i]; math.Abs(got-want) > 1e-12*(1+want) {
				t.Errorf("element %d is %g, want %g", i, got, want)
			}
		}
		if err := source.Diagonal(ctx, d, 0.5, hf.Estimate{Draws: 2, Seed: 7}); err != nil {
			t.Fatal(err)
		}
		if bits != nil && !equal(bits, read(d)) {
			t.Error("the bits depend on what is kept")
		}
		bits = read(d)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// Weight decay by a schedule holds for f, ∇f and products alike.
func TestDecaySchedule(t *testing.T) {
	ctx := context.Background()
	o, c, net, theta := setup(t, 1<<30)
	scheduled := New[float64](net, c, c, Settings{WeightDecay: 9, Keep: 1 << 30, DecaySchedule: hf.Schedule{{Iteration: 1, Value: 2 * beta}, {Iteration: 3, Value: 0}}})
	plain := New[float64](net, c, c, Settings{Keep: 1 << 30})
	for k, same := range map[int]*Objective[float64]{2: o, 3: plain, 7: plain} {
		for _, objective := range []*Objective[float64]{scheduled, same} {
			if err := objective.Advance(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		got, want := theta.New(), theta.New()
		f, err := scheduled.Gradient(ctx, theta, got, nil)
		g, err2 := same.Gradient(ctx, theta, want, nil)
		if err != nil || err2 != nil || math.Abs(f-g) > 1e-14 {
			t.Errorf("iteration %d: f = %g, want %g (%v, %v)", k, f, g, err, err2)
		}
		for _, objective := range []*Objective[float64]{scheduled, same} {
			l, err := objective.Linearize(ctx, theta)
			if err != nil {
				t.Fatal(err)
			}
			to := got
			if objective == same {
				to = want
			}
			product := theta.New()
			if err := l.Product(ctx, product, theta, 0); err != nil {
				t.Fatal(err)
			}
			to.Add(1, product)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		got.Add(-1, want)
		if d := math.Sqrt(got.Dot(got)); d > 1e-13 {
			t.Errorf("iteration %d: ∇f and Bθ differ by %g", k, d)
		}
	}
}

var _ nn.Linearization[float64] = (*fisherChunk[float64])(nil)
