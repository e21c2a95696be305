// Package acceltest holds the one list of cases that every backend of package accel has to pass, and the plain Go loops
// that define what they compute.
//
// A case lays matrices into one vector, with strides and guard elements between them, runs one operation on a stream of
// the backend under test, runs the same operation in float64 by the plain loops, and compares the whole vector: results
// within the tolerance that the case states, and all that lies between the matrices bit for bit.
package acceltest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"curvestream/accel"
)

// A Case is one operation on matrices of given shapes.
type Case[F accel.Float] struct {
	Name string // operation, shape and variant; unique in the list
	Mats []Shape
	// FLOPs is the number of additions and multiplications that the operation needs, for benchmarks.
	FLOPs int64
	// Terms bounds the error: |got − want| ≤ Terms · ε · max(1, |want|), ε being the spacing of F at 1.
	Terms float64
	// Do runs the operation on matrices of the given shapes and returns the host sums that it computes, if any.
	Do func(b accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64
}

// A Shape says how a matrix of a case is laid out and what it holds.
type Shape struct {
	Rows, Cols int
	Pad        int                        // stride − columns
	Value      func(r *rand.Rand) float64 // nil: uniform in [−1, 1)
}

const (
	guards = 3     // elements before, between and after the matrices
	guard  = -77.5 // their value, which has to survive
)

// Cases returns the whole list.
func Cases[F accel.Float]() []Case[F] {
	var all []Case[F]
	all = append(all, productCases[F]()...)
	all = append(all, sparseCases[F]()...)
	all = append(all, pointwiseCases[F]()...)
	all = append(all, activationCases[F]()...)
	all = append(all, lossCases[F]()...)
	return all
}

// Run tests a backend: all cases, its vectors, what they fuse, and how it runs shards.
func Run[F accel.Float](t *testing.T, b accel.Backend[F]) {
	t.Run("cases", func(t *testing.T) {
		for _, err := range failures(b, "") {
			t.Error(err)
		}
	})
	t.Run("vectors", func(t *testing.T) { runVectors(t, b) })
	t.Run("fused", func(t *testing.T) { runFused(t, b) })
	t.Run("run", func(t *testing.T) { runRun(t, b) })
}

// RunCases tests what a backend does in the cases of one operation, such as GEMM: those whose names begin so.
func RunCases[F accel.Float](t *testing.T, b accel.Backend[F], operation string) {
	for _, err := range failures(b, operation) {
		t.Error(err)
	}
}

// failures runs the cases of one operation, or all, on the backend and, in float64, on the plain loops. It returns an error
// for each that differs.
func failures[F accel.Float](b accel.Backend[F], operation string) []error {
	var all []error
	reference := Cases[float64]()
	for i, c := range Cases[F]() {
		if !strings.HasPrefix(c.Name, operation) {
			continue
		}
		if err := runCase(b, c, reference[i]); err != nil {
			all = append(all, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return all
}

func runCase[F accel.Float](b accel.Backend[F], c Case[F], reference Case[float64]) error {
	start, err := layOut(c.Mats, c.Name)
	if err != nil {
		return err
	}
	got, gotSums, err := perform(b, c, start)
	if err != nil {
		return err
	}
	want, wantSums, err := perform[float64](plainBackend[float64]{}, reference, rounded[F](start))
	if err != nil {
		return fmt.Errorf("plain loops: %w", err)
	}
	tolerance := c.Terms * spacing[F]()
	if err := compare(got, want, tolerance); err != nil {
		return err
	}
	if err := compare(gotSums, wantSums, tolerance); err != nil {
		return fmt.Errorf("sums: %w", err)
	}
	return nil
}

// layOut returns the values of the one vector that holds all matrices, the same ones for each name.
func layOut(shapes []Shape, name string) ([]float64, error) {
	h := fnv.New64a()
	if _, err := h.Write([]byte(name)); err != nil {
		return nil, fmt.Errorf("acceltest: hashing a name: %w", err)
	}
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	x := repeat(nil, guards)
	for _, s := range shapes {
		for range s.Rows {
			for range s.Cols {
				if s.Value != nil {
					x = append(x, s.Value(r))
				} else {
					x = append(x, 2*r.Float64()-1)
				}
			}
			x = repeat(x, s.Pad)
		}
		x = repeat(x, guards)
	}
	return x, nil
}

func repeat(x []float64, n int) []float64 {
	for range n {
		x = append(x, guard)
	}
	return x
}

// rounded returns x as F holds it.
func rounded[F accel.Float](x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(F(x[i]))
	}
	return y
}

// perform runs a case on a backend and returns all of the vector afterwards, and the sums.
func perform[F accel.Float](b accel.Backend[F], c Case[F], start []float64) (all, sums []float64, err error) {
	host := make([]F, len(start))
	for i := range start {
		host[i] = F(start[i])
	}
	v, err := b.NewVector(len(host))
	if err != nil {
		return nil, nil, fmt.Errorf("making a vector: %w", err)
	}
	v.Write(host)
	var mats []accel.Mat[F]
	off := guards
	for _, s := range c.Mats {
		mats = append(mats, accel.Mat[F]{V: v, Off: off, Rows: s.Rows, Cols: s.Cols, Stride: s.Cols + s.Pad})
		off += s.Rows*(s.Cols+s.Pad) + guards
	}
	err = b.Run(1, func(_ int, s accel.Stream[F]) error {
		sums = c.Do(b, s, mats)
		return s.Sync()
	})
	v.Read(host)
	all = make([]float64, len(host))
	for i := range host {
		all[i] = float64(host[i])
	}
	return all, sums, err
}

// compare returns an error that tells of the first element outside the tolerance. Guards have to come back unchanged.
func compare(got, want []float64, tolerance float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d values where the definition has %d", len(got), len(want))
	}
	for i := range got {
		if want[i] == guard && got[i] != guard {
			return fmt.Errorf("element %d, which lies outside the matrices, was overwritten by %v", i, got[i])
		}
		if !within(got[i], want[i], tolerance) {
			return fmt.Errorf("element %d of %d is %v, the definition says %v (tolerance %.1e)", i, len(got), got[i], want[i], tolerance)
		}
	}
	return nil
}

func spacing[F accel.Float]() float64 {
	var x F
	if _, single := any(x).(float32); single {
		return 0x1p-23
	}
	return 0x1p-52
}

// within reports whether got is want within tolerance; NaN is NaN, and infinities are equal only to themselves.
func within(got, want, tolerance float64) bool {
	if math.IsNaN(want) || math.IsNaN(got) {
		return math.IsNaN(want) == math.IsNaN(got)
	}
	if math.IsInf(want, 0) || math.IsInf(got, 0) {
		return got == want
	}
	return math.Abs(got-want) <= tolerance*max(1, math.Abs(want))
}
