package objective

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/hf"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/rnn"
)

// chunks is a Loader and a Plan over batches in memory: a minibatch lists the chunks it has.
type chunks []*nn.Batch[float64]

func (c chunks) Minibatch(role pipeline.Role, step int) pipeline.Minibatch {
	switch role {
	case pipeline.Gradient:
		return pipeline.Minibatch{Role: role, Step: step, Sequences: []int{0, 1, 2}}
	case pipeline.Curvature:
		return pipeline.Minibatch{Role: role, Step: step, Sequences: []int{1, 2}}
	}
	return pipeline.Minibatch{Role: role, Step: step}
}

func (c chunks) Each(_ context.Context, mb pipeline.Minibatch, consume func(*nn.Batch[float64]) error) error {
	for _, i := range mb.Sequences {
		if err := consume(c[i]); err != nil {
			return err
		}
	}
	return nil
}

const beta = 0.3 // weight decay of the tests

func setup(t *testing.T, keep int64) (*Objective[float64], chunks, *rnn.Net[float64], accel.Vector[float64]) {
	t.Helper()
	backend := cpu.New[float64](cpu.Options{Threads: 2})
	net, err := rnn.New(backend, rnn.Config{In: 2, Hidden: 4, Out: 1, Activation: accel.Tanh, Biases: true, Distance: nn.CrossEntropyDistance})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var c chunks
	for chunk := range 3 {
		examples := make([]nn.Example[float64], 3+chunk)
		for i := range examples {
			length := 1 + rng.IntN(5)
			for range 2 * length {
				examples[i].X = append(examples[i].X, rng.NormFloat64())
			}
			examples[i].ID, examples[i].Target = fmt.Sprint(chunk, i), []float64{rng.NormFloat64()}
		}
		b, err := nn.Pack(2, 1, nn.Last, examples)
		if err != nil {
			t.Fatal(err)
		}
		c = append(c, b)
	}
	theta, err := backend.NewVector(net.Layout().Len())
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, theta.Len())
	for i := range values {
		values[i] = 0.5 * rng.NormFloat64()
	}
	theta.Write(values)
	o := New[float64](net, c, c, Settings{WeightDecay: beta, Keep: keep})
	if err := o.Advance(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	return o, c, net, theta
}

func read(v accel.Vector[float64]) []float64 {
	out := make([]float64, v.Len())
	v.Read(out)
	return out
}

func TestLossIsTheMeanOverSequencesPlusDecay(t *testing.T) {
	o, c, net, theta := setup(t, 1<<30)
	var sum, n, norm float64
	for _, b := range c {
		f, err := net.Loss(context.Background(), theta, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum, n = sum+f, n+float64(b.Columns())
	}
	values := read(theta)
	for _, p := range net.Layout() {
		for _, w := range values[p.Off : p.Off+p.Size()] {
			if p.Decays() {
				norm += w * w
			}
		}
	}
	want := sum/n + beta/2*norm
	f, err := o.Loss(context.Background(), hf.Gradient, theta)
	if err != nil || math.Abs(f-want) > 1e-12*want {
		t.Errorf("f = %v, want %v (%v)", f, want, err)
	}
	grad := theta.New()
	if g, err := o.Gradient(context.Background(), theta, grad, nil); err != nil || g != f {
		t.Errorf("f beside the gradient = %v, want %v (%v)", g, f, err)
	}
}

func TestGradientIsTheDerivativeOfTheLoss(t *testing.T) {
	o, _, _, theta := setup(t, 1<<30)
	grad, fisher := theta.New(), theta.New()
	if _, err := o.Gradient(context.Background(), theta, grad, fisher); err != nil {
		t.Fatal(err)
	}
	got, values := read(grad), read(theta)
	const h = 1e-6
	for i := range values {
		at := func(x float64) float64 {
			moved := slices.Clone(values)
			moved[i] += x
			theta.Write(moved)
			f, err := o.Loss(context.Background(), hf.Gradient, theta)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		if want := (at(h) - at(-h)) / (2 * h); math.Abs(got[i]-want) > 1e-8 {
			t.Errorf("element %d: %v, want %v", i, got[i], want)
		}
	}
	for i, d := range read(fisher) {
		if d < 0 {
			t.Errorf("Fisher diagonal %d = %v", i, d)
		}
	}
}

func TestProductsDoNotDependOnWhatIsKept(t *testing.T) {
	ctx := context.Background()
	_, c, net, _ := setup(t, 0)
	one := net.Bytes(c[1], false)
	var want []float64
	for _, keep := range []int64{1 << 30, one, 0} {
		o, _, _, theta := setup(t, keep)
		l, err := o.Linearize(ctx, theta)
		if err != nil {
			t.Fatal(err)
		}
		v, dst := theta.New(), theta.New()
		v.Shift(0.1)
		dst.Shift(7) // is overwritten
		for range 2 {
			if err := l.Product(ctx, dst, v, 0.5); err != nil {
				t.Fatal(err)
			}
		}
		got := read(dst)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %d bytes kept the product has other bits", keep)
		}
		if vGv := dst.Dot(v); vGv <= 0 {
			t.Errorf("vᵀBv = %v", vGv)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEmptyMinibatchIsAnError(t *testing.T) {
	o, _, _, theta := setup(t, 0)
	if _, err := o.Loss(context.Background(), hf.HeldOut, theta); err == nil {
		t.Error("f of no sequences has a value")
	}
}

func TestCounts(t *testing.T) {
	ctx := context.Background()
	for _, keep := range []int64{1 << 30, 0} {
		o, c, _, theta := setup(t, keep)
		l, err := o.Linearize(ctx, theta)
		if err != nil {
			t.Fatal(err)
		}
		before := o.Counts()
		if err := l.Product(ctx, theta.New(), theta.New(), 0); err != nil {
			t.Fatal(err)
		}
		if got, want := o.Counts().Sequences-before.Sequences, int64(c[1].Columns()+c[2].Columns()); got != want {
			t.Errorf("a product counts %d sequences, want %d", got, want)
		}
		if err := errors.Join(l.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestHessianProductIsTheDerivativeOfTheGradient(t *testing.T) {
	ctx := context.Background()
	o, _, _, theta := setup(t, 1<<30)
	v := theta.New()
	v.Shift(0.3)
	l, err := o.LinearizeAs(ctx, hf.Curvature, hf.CurvatureHessian, theta)
	if err != nil {
		t.Fatal(err)
	}
	hv := theta.New()
	if err := l.Product(ctx, hv, v, 0); err != nil {
		t.Fatal(err)
	}
	if err := l.Product(ctx, theta.New(), v, 1); err == nil {
		t.Error("structural damping was added to the Hessian")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	const h = 1e-5
	up, down := theta.New(), theta.New()
	for _, side := range []struct {
		grad accel.Vector[float64]
		step float64
	}{{up, h}, {down, -h}} {
		at := theta.New()
		at.Copy(theta)
		at.Add(side.step, v)
		if _, err := o.GradientOn(ctx, hf.Curvature, at, side.grad); err != nil {
			t.Fatal(err)
		}
	}
	up.Add(-1, down)
	up.Scale(1 / (2 * h))
	got, want := read(hv), read(up)
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1e-7 {
			t.Errorf("element %d: %v, want %v", i, got[i], want[i])
		}
	}
}
