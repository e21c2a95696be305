package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"curvestream/accel"
	"curvestream/accel/cpu"
)

// A Kernel is one operation on matrices at given sizes.
type Kernel struct {
	Name    string // of KernelNames
	M, N, K int    // the result is M × N; K is what products sum over. tanh and others work on M × N elements
	DType   string // float32 or float64
	Threads int    // rows are split among them, with one join a call
}

var kernelNames = []string{"gemm_nn", "gemm_nt", "gemm_tn", "gemm_prepared", "tanh", "logistic"}

// KernelNames returns the kernels: products c = op(a)·op(b), the letters saying which operand is transposed (nn, nt, tn);
// gemm_prepared, a product with a matrix that was packed before; tanh and logistic of all elements.
func KernelNames() []string { return slices.Clone(kernelNames) }

// Flops returns the floating point operations of one call, 0 for what is not counted in them.
func (k Kernel) Flops() float64 {
	if strings.HasPrefix(k.Name, "gemm") {
		return 2 * float64(k.M) * float64(k.N) * float64(k.K)
	}
	return 0
}

// OpenKernel returns what runs the kernel once, on operands of variance 1 (2.25 for tanh and logistic), and what tells the norm
// of the result.
func OpenKernel(k Kernel) (run func(ctx context.Context) error, result func() float64, err error) {
	if !slices.Contains(kernelNames, k.Name) {
		return nil, nil, fmt.Errorf("bench: unknown kernel %q: use one of %s", k.Name, strings.Join(kernelNames, ", "))
	}
	if err := fits(k.bytes()); err != nil {
		return nil, nil, err
	}
	if k.DType == "float64" {
		return openKernel[float64](k)
	}
	return openKernel[float32](k)
}

func openKernel[F accel.Float](k Kernel) (run func(ctx context.Context) error, result func() float64, err error) {
	backend := cpu.New[F](cpu.Options{Threads: k.Threads})
	c, err := random[F](backend, "c", 1, k.M, k.N, false)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: preparing %s: %w", k.Name, err)
	}
	call, err := newCall(backend, k, c)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: preparing %s: %w", k.Name, err)
	}
	shards := min(k.Threads, k.M)
	run = func(context.Context) error {
		return backend.Run(shards, func(shard int, s accel.Stream[F]) error {
			call(s, shard*k.M/shards, (shard+1)*k.M/shards)
			return nil
		})
	}
	return run, func() float64 { return norm(c.V) }, nil
}

// newCall returns a function that computes rows lo to hi of the result c.
func newCall[F accel.Float](backend accel.Backend[F], k Kernel, c accel.Mat[F]) (func(s accel.Stream[F], lo, hi int), error) {
	if !strings.HasPrefix(k.Name, "gemm") {
		return newPointwise(backend, k, c)
	}
	transA, transB := k.Name == "gemm_tn", k.Name == "gemm_nt"
	a, err := random(backend, "a", 1, k.M, k.K, transA)
	if err != nil {
		return nil, err
	}
	b, err := random(backend, "b", 1, k.K, k.N, transB)
	if err != nil {
		return nil, err
	}
	if k.Name == "gemm_prepared" {
		w, err := backend.Prepare(b, false, nil)
		return func(s accel.Stream[F], lo, hi int) {
			s.MulPrepared(a.RowRange(lo, hi), w, 0, c.RowRange(lo, hi))
		}, err
	}
	return func(s accel.Stream[F], lo, hi int) {
		rows := a.RowRange
		if transA {
			rows = a.ColRange
		}
		s.GEMM(transA, transB, 1, rows(lo, hi), b, 0, c.RowRange(lo, hi))
	}, nil
}

// newPointwise copies its inputs before each call, since activations work in place; the copy is part of what is timed.
func newPointwise[F accel.Float](backend accel.Backend[F], k Kernel, h accel.Mat[F]) (func(s accel.Stream[F], lo, hi int), error) {
	a, err := random(backend, "a", 1.5, k.M, k.N, false)
	act := map[string]accel.Activation{"tanh": accel.Tanh, "logistic": accel.Logistic}[k.Name]
	return func(s accel.Stream[F], lo, hi int) {
		s.CopyMat(h.RowRange(lo, hi), a.RowRange(lo, hi))
		s.Activate(act, h.RowRange(lo, hi))
	}, err
}

// random returns a matrix of rows × cols, or its transpose, of numbers with the standard deviation scale.
func random[F accel.Float](backend accel.Backend[F], name string, scale float64, rows, cols int, transposed bool) (accel.Mat[F], error) {
	x := make([]F, rows*cols)
	fill(newStream(1, name), scale*math.Sqrt(3), x)
	v, err := backend.FromHost(x)
	if err != nil {
		return accel.Mat[F]{}, err
	}
	if transposed {
		rows, cols = cols, rows
	}
	return accel.NewMat(v, 0, rows, cols), nil
}
