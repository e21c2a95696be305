package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"curvestream/accel"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// vectorOf returns n normally distributed elements.
func vectorOf[F accel.Float](n int, scale float64) accel.Slice[F] {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	v := make(accel.Slice[F], n)
	for i := range v {
		v[i] = F(scale * r.NormFloat64())
	}
	return v
}

// timed runs f b.N times and returns the processor time of one run, in seconds.
func timed(b *testing.B, f func()) float64 {
	b.ReportAllocs()
	var used time.Duration
	n := 0
	for b.Loop() {
		if n == 0 {
			used = -cpuTime()
		}
		f()
		n++
	}
	used += cpuTime()
	b.ReportMetric(0, "ns/op")
	return used.Seconds() / float64(n)
}

var shapes = []struct{ m, n, k int }{
	{100, 100, 100}, {1000, 100, 100}, {1024, 256, 256}, {2048, 512, 512}, {256, 1024, 1024},
	{64, 256, 256}, {125, 100, 100}, {1000, 50, 50}, {125, 50, 50}, {1000, 50, 2}, {50, 2, 1000}, {100, 2, 1250}, {1000, 1, 50}, {12800, 8, 256}, {100, 100, 1000}, {50, 50, 10000}, {256, 256, 6400}, {256, 8, 6400}, {8, 256, 6400}, {1, 50, 10000},
}

func BenchmarkGEMM(b *testing.B) {
	b.Run("f32", benchmarkGEMM[float32])
	b.Run("f64", benchmarkGEMM[float64])
}

func benchmarkGEMM[F accel.Float](b *testing.B) {
	s := New[F](Options{Threads: 1}).takeStream()
	for _, form := range []string{"NN", "NT", "TN", "prepared"} {
		for _, p := range shapes {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", form, p.m, p.n, p.k), func(b *testing.B) {
				x, y, z := vectorOf[F](p.m*p.k, 1), vectorOf[F](p.k*p.n, 1), vectorOf[F](p.m*p.n, 1)
				ma, mb, mc := accel.NewMat[F](x, 0, p.m, p.k), accel.NewMat[F](y, 0, p.k, p.n), accel.NewMat[F](z, 0, p.m, p.n)
				if form == "TN" {
					ma.Rows, ma.Cols, ma.Stride = p.k, p.m, p.m
				}
				if form == "NT" {
					mb.Rows, mb.Cols, mb.Stride = p.n, p.k, p.k
				}
				w, err := New[F](Options{}).Prepare(accel.NewMat[F](y, 0, p.k, p.n), false, nil)
				if err != nil {
					b.Fatal(err)
				}
				seconds := timed(b, func() {
					if form == "prepared" {
						s.MulPrepared(ma, w, 0, mc)
					} else {
						s.GEMM(form == "TN", form == "NT", 1, ma, mb, 0, mc)
					}
				})
				b.ReportMetric(2e-9*float64(p.m)*float64(p.n)*float64(p.k)/seconds, "GFLOP/s")
			})
		}
	}
}

// BenchmarkRecurrence measures a sweep of a recurrent net's shard through time: at each step a product with prepared weights,
// added to what the inputs have given, and an activation. Inputs are 0, so that a state stays a state.
func BenchmarkRecurrence(b *testing.B) {
	const steps = 30
	for _, p := range []struct{ rows, hidden int }{{125, 50}, {125, 100}, {64, 256}, {128, 256}, {16, 512}} {
		b.Run(fmt.Sprintf("f32/%dx%d", p.rows, p.hidden), func(b *testing.B) {
			backend := New[float32](Options{Threads: 1})
			s := backend.takeStream()
			h := vectorOf[float32]((steps+1)*p.rows*p.hidden, 0.5)
			w, err := backend.Prepare(accel.NewMat[float32](vectorOf[float32](p.hidden*p.hidden, 0.05), 0, p.hidden, p.hidden), true, nil)
			if err != nil {
				b.Fatal(err)
			}
			all := accel.NewMat[float32](h, 0, (steps+1)*p.rows, p.hidden)
			seconds := timed(b, func() {
				for t := range steps {
					now, next := all.RowRange(t*p.rows, (t+1)*p.rows), all.RowRange((t+1)*p.rows, (t+2)*p.rows)
					s.MulPrepared(now, w, 0, next)
					s.Activate(accel.Tanh, next)
				}
			})
			b.ReportMetric(2e-9*float64(steps*p.rows*p.hidden*p.hidden)/seconds, "GFLOP/s")
		})
	}
}

// BenchmarkGonum measures gonum on some of the same products, one at a time: it may use several threads, whose processor
// time counts.
func BenchmarkGonum(b *testing.B) {
	for _, p := range shapes[:8] {
		x, y, z := vectorOf[float32](p.m*p.k, 1), vectorOf[float32](p.k*p.n, 1), vectorOf[float32](p.m*p.n, 1)
		b.Run(fmt.Sprintf("f32/NN/%dx%dx%d", p.m, p.n, p.k), func(b *testing.B) {
			seconds := timed(b, func() {
				gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, p.m, p.n, p.k, 1, x, p.k, y, p.n, 0, z, p.n)
			})
			b.ReportMetric(2e-9*float64(p.m)*float64(p.n)*float64(p.k)/seconds, "GFLOP/s")
		})
	}
}

// BenchmarkLanes measures the loops over elements, on as many as stay in the first-level cache.
func BenchmarkLanes(b *testing.B) {
	b.Run("f32", benchmarkLanes[float32])
	b.Run("f64", benchmarkLanes[float64])
}

func benchmarkLanes[F accel.Float](b *testing.B) {
	const n = 1024
	k := New[F](Options{}).kern
	w, x, y, z := vectorOf[F](n, 1.5), vectorOf[F](n+1, 1)[1:], vectorOf[F](n+2, 1)[2:], vectorOf[F](n+3, 1)[3:]
	loops := []struct {
		name string
		f    func()
	}{
		{"axpy", func() { k.axpy(1e-9, w, x) }},
		{"mul", func() { k.mul(z, z) }},
		{"dot", func() { k.dot(w, x) }},
		{"tanh", func() { copy(y, w); k.activate[accel.Tanh](y) }},
		{"logistic", func() { copy(y, w); k.activate[accel.Logistic](y) }},
		{"exp", func() { copy(y, w); k.expShifted(0, y) }},
		{"crossEntropy", func() { k.crossEntropy(y, w, x) }},
		{"mulTanhDerivative", func() { k.mulDerivative[accel.Tanh](y, w) }},
		{"addTanhSecond", func() { k.addSecond[accel.Tanh](y, w, x, z) }},
	}
	for _, l := range loops {
		b.Run(l.name, func(b *testing.B) {
			b.ReportMetric(1e9*timed(b, l.f)/n, "ns/element")
		})
	}
}

// BenchmarkCGVectors measures the vector work of an iteration of CG with a diagonal preconditioner: its single operations, and
// the same fused.
func BenchmarkCGVectors(b *testing.B) {
	for _, n := range []int{2_702, 70_000, 842_000} {
		made, err := New[float32](Options{Threads: 1}).NewVector(n)
		if err != nil {
			b.Fatal(err)
		}
		v := made.(accel.FusedVector[float32])
		v.Shift(1)
		var w [5]accel.Vector[float32]
		for i := range w {
			w[i] = v.New()
			w[i].Shift(1 + 0.1*float64(i))
		}
		r, y, p, q, d := w[0], w[1].(accel.FusedVector[float32]), w[2].(accel.FusedVector[float32]), w[3], w[4]
		b.Run(fmt.Sprintf("n=%d/single", n), func(b *testing.B) {
			seconds := timed(b, func() {
				v.Add(1e-9, p)
				r.Add(1e-9, q)
				_, _ = r.Dot(v), d.Dot(v)
				y.Copy(r)
				y.Div(d)
				_ = r.Dot(y)
				p.Scale(0.5)
				p.Add(-1, y)
			})
			b.ReportMetric(1e9*seconds/float64(n), "ns/element")
		})
		b.Run(fmt.Sprintf("n=%d/fused", n), func(b *testing.B) {
			seconds := timed(b, func() {
				v.AddTwo(1e-9, p, r, q, d)
				y.Quotient(r, d)
				p.ScaleSub(0.5, y)
			})
			b.ReportMetric(1e9*seconds/float64(n), "ns/element")
		})
	}
}
