package objective

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/ingest"
	"curvestream/internal/shared"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/rnn"
	"curvestream/run/data"
)

// A spy is a backend that notices what is done with matrices as wide as the inputs.
type spy struct {
	accel.Backend[float32]
	in int

	mu                        sync.Mutex
	gathers, scatters, widest int
	dense                     []string // operations on a dense matrix as wide as the inputs
}

func (s *spy) FromHost(src []float32) (accel.Vector[float32], error) {
	s.mu.Lock()
	s.widest = max(s.widest, len(src))
	s.mu.Unlock()
	return s.Backend.FromHost(src)
}

func (s *spy) Run(n int, f func(int, accel.Stream[float32]) error) error {
	return s.Backend.Run(n, func(i int, stream accel.Stream[float32]) error { return f(i, spyStream{stream, s}) })
}

func (s *spy) saw(what string, mats ...accel.Mat[float32]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range mats {
		if m.Cols == s.in {
			s.dense = append(s.dense, what)
		}
	}
}

type spyStream struct {
	accel.Stream[float32]
	spy *spy
}

func (s spyStream) GEMM(transA, transB bool, alpha float32, a, b accel.Mat[float32], beta float32, c accel.Mat[float32]) {
	s.spy.saw("GEMM", a, b, c)
	s.Stream.GEMM(transA, transB, alpha, a, b, beta, c)
}

func (s spyStream) MulPrepared(a accel.Mat[float32], w accel.Operand[float32], beta float32, c accel.Mat[float32]) {
	s.spy.saw("MulPrepared", a, c)
	s.Stream.MulPrepared(a, w, beta, c)
}

func (s spyStream) CopyMat(b, a accel.Mat[float32]) {
	s.spy.saw("CopyMat", a)
	s.Stream.CopyMat(b, a)
}

func (s spyStream) GatherColumns(x accel.Sparse[float32], w, c accel.Mat[float32]) {
	s.spy.mu.Lock()
	s.spy.gathers++
	s.spy.mu.Unlock()
	s.Stream.GatherColumns(x, w, c)
}

func (s spyStream) ScatterColumns(x accel.Sparse[float32], d, dW accel.Mat[float32]) {
	s.spy.mu.Lock()
	s.spy.scatters++
	s.spy.mu.Unlock()
	s.Stream.ScatterColumns(x, d, dW)
}

// firstChunk returns the first chunk of a file's sequences, with three outputs a time-step instead of its own, so that no other matrix is
// as wide as the inputs.
func firstChunk(t *testing.T, path string) *nn.Batch[float32] {
	t.Helper()
	set, err := data.Access{Memory: 1 << 30}.Fit(t.Context(), []string{path}, ingest.RoleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	plan, err := pipeline.NewPlan(set.Manifest, pipeline.PlanOptions{GradientSize: 6})
	if err != nil {
		t.Fatal(err)
	}
	loader, err := pipeline.NewLoader[float32](set.Source, set.Manifest, set.Encoding, pipeline.LoaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loader.Close)
	var first nn.Batch[float32]
	enough := errors.New("enough")
	err = loader.Each(t.Context(), plan.Minibatch(pipeline.Gradient, 1), func(b *nn.Batch[float32]) error {
		b.Kept = true
		first = *b
		return enough
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	first.Out, first.Class, first.Weight = 3, nil, nil
	first.Target = make([]float32, 3*first.OutputRows())
	return &first
}

// asCases makes a case of each time-step, for a feedforward net.
func asCases(b *nn.Batch[float32]) *nn.Batch[float32] {
	n := b.Rows()
	c := &nn.Batch[float32]{Lengths: make([]int, n), Active: []int{n}, Offset: []int{0, n}, In: b.In, Sparse: b.Sparse, Out: 3, Form: nn.Last,
		Target: make([]float32, 3*n), Position: make([]int, n), WeightSum: float64(n)}
	for i := range n {
		c.Lengths[i], c.Position[i] = 1, i
	}
	return c
}

// Inputs of chords and of text are indices from the file to W_xh: f, ∇f, the Fisher diagonal, Gv, Hv, J, Jᵀ and the diagonal of the
// curvature gather its columns, and dW_xh is scattered into them. No dense matrix is as wide as the inputs, anywhere.
func TestSparseInputsNeverBecomeDense(t *testing.T) {
	for _, file := range []string{"jsb_chorales_test.parquet", "shakespeare_valid.parquet"} {
		b := firstChunk(t, shared.Dir(t, "data", file))
		if b.Sparse == nil || b.Dense != nil || len(b.Sparse.Col) >= b.Rows()*b.In/4 {
			t.Fatalf("%s: inputs are not sparse", file)
		}
		for name, b := range map[string]*nn.Batch[float32]{"rnn": b, "lstm": b, "fnn": asCases(b)} {
			t.Run(file+" "+name, func(t *testing.T) {
				s := &spy{Backend: cpu.New[float32](cpu.Options{Threads: 2}), in: b.In}
				var net nn.Net[float32]
				var err error
				switch name {
				case "fnn":
					net, err = fnn.New[float32](s, fnn.Config{Sizes: []int{b.In, 7, 3}, Activations: []accel.Activation{accel.Tanh, accel.Linear}, Biases: true})
				case "lstm":
					net, err = rnn.New[float32](s, rnn.Config{In: b.In, Hidden: 7, Out: 3, Cell: rnn.LSTM, Biases: true})
				default:
					net, err = rnn.New[float32](s, rnn.Config{In: b.In, Hidden: 7, Out: 3, Activation: accel.Tanh, Biases: true, Distance: nn.CrossEntropyDistance})
				}
				if err != nil {
					t.Fatal(err)
				}
				lookThrough(t, s, net, b)
			})
		}
	}
}

// lookThrough makes a net do all that it can, and looks at how it does it.
func lookThrough(t *testing.T, s *spy, net nn.Net[float32], b *nn.Batch[float32]) {
	ctx := t.Context()
	theta, err := s.NewVector(net.Layout().Len())
	if err != nil {
		t.Fatal(err)
	}
	theta.Write(slices.Repeat([]float32{0.01}, theta.Len()))
	v, sum := theta.New(), theta.New()
	v.Write(slices.Repeat([]float32{0.02}, v.Len()))
	l, err := net.Linearize(ctx, theta, b)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, op := range []struct {
		name            string
		gather, scatter bool
		do              func(context.Context) error
	}{
		{"f", true, false, func(ctx context.Context) error { _, err := net.Loss(ctx, theta, b, nil); return err }},
		{"∇f", true, true, func(ctx context.Context) error { _, err := net.Gradient(ctx, theta, b, sum, theta.New()); return err }},
		{"Gv", true, true, func(ctx context.Context) error { return l.AddGv(ctx, sum, v, 0.1) }},
		{"Hv", true, true, func(ctx context.Context) error { return l.AddHv(ctx, sum, v) }},
		{"Jv", true, false, func(ctx context.Context) error { _, err := l.Jv(ctx, v); return err }},
		{"Jᵀu", false, true, func(ctx context.Context) error { return l.AddJtu(ctx, sum, make([]float32, 3*b.OutputRows())) }},
		{"diag G", false, true, func(ctx context.Context) error {
			return l.(nn.DiagonalLinearization[float32]).AddDiagonal(ctx, sum, 0, nn.Probe{Draws: 1})
		}},
	} {
		s.gathers, s.scatters = 0, 0
		if err := op.do(ctx); err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
		if op.gather != (s.gathers > 0) && op.gather || op.scatter != (s.scatters > 0) {
			t.Errorf("%s: %d gathers, %d scatters", op.name, s.gathers, s.scatters)
		}
	}
	if len(s.dense) > 0 || s.widest >= b.Rows()*b.In {
		t.Errorf("dense matrices as wide as the inputs: %v; %d numbers moved at once, the inputs would be %d", s.dense, s.widest, b.Rows()*b.In)
	}
}
