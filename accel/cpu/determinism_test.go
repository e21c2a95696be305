package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"curvestream/accel"
)

// TestBitsDoNotDependOnThreads runs vectors and shards with 1, 2 and 5 threads.
func TestBitsDoNotDependOnThreads(t *testing.T) {
	const n = 3*longLoop + 17
	x, y := vectorOf[float32](n, 1), vectorOf[float32](n, 2)
	var want []float32
	var wantDot float64
	for _, threads := range []int{1, 2, 5} {
		b := New[float32](Options{Threads: threads})
		v, err := b.NewVector(n)
		if err != nil {
			t.Fatal(err)
		}
		v.Copy(x)
		v.Add(0.3, y)
		v.Mul(y)
		v.Scale(1.7)
		v.Shift(0.1)
		v.Div(x)
		dot := v.Dot(y)
		fused := v.(accel.FusedVector[float32])
		two := make(accel.Slice[float32], n)
		dot += fused.Quotient(x, y)
		rv, bv := fused.AddTwo(0.1, x, two, y, x)
		dot += rv + bv
		fused.ScaleSub(0.5, x)
		v.Mul(v)
		v.Pow(0.75)
		got := append(make([]float32, n), shardedSums(t, b)...)
		v.Read(got[:n])
		if want == nil {
			want, wantDot = got, dot
			continue
		}
		if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			t.Errorf("%d threads give other bits than one", threads)
		}
		if dot != wantDot {
			t.Errorf("%d threads: Dot is %v, not %v", threads, dot, wantDot)
		}
	}
}

// shardedSums computes an activation and a weight gradient in shards and adds up the gradients in the order of shards.
func shardedSums(t *testing.T, b *Backend[float32]) []float32 {
	const columns, hidden = 200, 70
	shards := b.Shards(columns)
	width := columns / shards
	h, w := vectorOf[float32](columns*hidden, 1), vectorOf[float32](hidden*hidden, 0.1)
	sums := make([]accel.Slice[float32], shards)
	err := b.Run(shards, func(shard int, s accel.Stream[float32]) error {
		rows := accel.NewMat[float32](h, shard*width*hidden, width, hidden)
		out := accel.NewMat[float32](make(accel.Slice[float32], width*hidden), 0, width, hidden)
		s.GEMM(false, true, 1, rows, accel.NewMat[float32](w, 0, hidden, hidden), 0, out)
		s.Activate(accel.Tanh, out)
		sums[shard] = make(accel.Slice[float32], hidden*hidden)
		s.GEMM(true, false, 1, out, rows, 0, accel.NewMat[float32](sums[shard], 0, hidden, hidden))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sums[1:] {
		sums[0].Add(1, s)
	}
	return sums[0]
}

// TestBitsDoNotDependOnPlace multiplies the same rows once alone and once among others: where a row falls in the tiles, and
// how wide the matrix beside it is, must not show.
func TestBitsDoNotDependOnPlace(t *testing.T) {
	b := New[float32](Options{})
	s := b.takeStream()
	const m, n, k = 61, 75, 700
	x, w := accel.NewMat[float32](vectorOf[float32](m*k, 1), 0, m, k), accel.NewMat[float32](vectorOf[float32](k*n, 1), 0, k, n)
	all := accel.NewMat[float32](make(accel.Slice[float32], m*n), 0, m, n)
	s.GEMM(false, false, 1, x, w, 0, all)
	prepared, err := b.Prepare(w, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m {
		one := accel.NewMat[float32](make(accel.Slice[float32], n), 0, 1, n)
		s.GEMM(false, false, 1, x.RowRange(i, i+1), w, 0, one)
		again := accel.NewMat[float32](make(accel.Slice[float32], n), 0, 1, n)
		s.MulPrepared(x.RowRange(i, i+1), prepared, 0, again)
		for j := range n {
			if a := look(all).row(i)[j]; a != look(one).x[j] || a != look(again).x[j] {
				t.Fatalf("element (%d, %d) is %v among others, %v alone and %v prepared", i, j, a, look(one).x[j], look(again).x[j])
			}
		}
	}
}

// TestNoAllocations runs operations of a recurrent step twice: the first time scratch memory may grow.
func TestNoAllocations(t *testing.T) {
	b := New[float32](Options{Threads: 1})
	const m, h = 64, 100
	a, c := accel.NewMat[float32](vectorOf[float32](m*h, 1), 0, m, h), accel.NewMat[float32](vectorOf[float32](m*h, 1), 0, m, h)
	w := accel.NewMat[float32](vectorOf[float32](h*h, 0.1), 0, h, h)
	prepared, err := b.Prepare(w, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := b.takeStream()
	sums, owner := make([]float64, 1), make([]int32, m)
	step := func() {
		s.MulPrepared(a, prepared, 1, c)
		s.GEMM(false, true, 1, a, w, 0, c)
		s.GEMM(true, false, 1, a, c, 1, w)
		s.Activate(accel.Tanh, c)
		s.MulDerivative(accel.Tanh, a, c)
		s.AddSumOfRows(w.RowRange(0, 1), c)
		s.LossSums(accel.LogisticCrossEntropy, c, accel.Targets[float32]{Dense: a}, owner, sums)
		s.LossSums(accel.SoftmaxCrossEntropy, c, accel.Targets[float32]{Class: owner}, owner, sums)
		s.LossCurvature(accel.SoftmaxCrossEntropy, c, accel.Targets[float32]{Class: owner}, a)
	}
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v allocations in a step", n)
	}
}

// TestRunDoesNotAllocate runs shards on one thread and on several.
func TestRunDoesNotAllocate(t *testing.T) {
	for _, threads := range []int{1, 3} {
		b := New[float32](Options{Threads: threads})
		f := func(int, accel.Stream[float32]) error { return nil }
		if n := testing.AllocsPerRun(100, func() {
			if err := b.Run(7, f); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%d threads: %v allocations", threads, n)
		}
	}
}

// TestVectorsDoNotAllocate runs what CG does with vectors, short ones and such as are spread over threads.
func TestVectorsDoNotAllocate(t *testing.T) {
	for _, n := range []int{longPow - 1, longLoop} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { testVectorsDoNotAllocate(t, n) })
	}
}

func testVectorsDoNotAllocate(t *testing.T, n int) {
	made, err := New[float32](Options{Threads: 2}).NewVector(n)
	if err != nil {
		t.Fatal(err)
	}
	v := made.(accel.FusedVector[float32])
	v.Shift(1)
	w := v.New()
	w.Shift(2)
	r := v.New()
	if n := testing.AllocsPerRun(20, func() {
		v.AddTwo(0.1, w, r, w, w)
		v.Quotient(w, w)
		v.ScaleSub(0.5, w)
		v.Add(0.5, w)
		v.Scale(1 / v.Dot(w))
		v.Pow(0.75)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
