package cuda

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
)

// Products by tensor cores keep the error bounds of their precision, in all forms and over ragged sides, and are made only where they are
// allowed.
func TestTensorProducts(t *testing.T) {
	if underRace {
		t.Skip("one goroutine asks for all of it")
	}
	b := emulatedBackend[float32](t)
	for _, shape := range [][3]int{{70, 33, 20}, {5, 66, 9}, {16, 8, 1040}} {
		for form := range 4 {
			p := newTensorCase(shape, form&1 == 1, form&2 == 2)
			exact, bound := p.exact()
			full := p.on(t, b, accel.Full, true)
			if got := p.on(t, b, accel.TF32, false); !slices.Equal(got, full) {
				t.Errorf("%v, form %d: where it is not allowed TF32 changes bits", shape, form)
			}
			k := float64(shape[2])
			for _, c := range []struct {
				precision accel.Precision
				relative  float64 // to Σ |a||b|
			}{{accel.TF32, 0x1p-10 + 0x1p-22 + k*0x1p-24}, {accel.TF32x3, 3*0x1p-22 + 3*k*0x1p-24}} {
				got, worst := p.on(t, b, c.precision, true), 0.0
				for i := range got {
					worst = max(worst, math.Abs(float64(got[i])-exact[i])/bound[i])
				}
				if worst > c.relative {
					t.Errorf("%v, form %d, precision %d: the error is %.3g of Σ|a||b|; the bound is %.3g", shape, form, c.precision, worst, c.relative)
				}
				if slices.Equal(got, full) || c.precision == accel.TF32 && worst < 0x1p-20 {
					t.Errorf("%v, form %d, precision %d: products are as exact as float32's", shape, form, c.precision)
				}
			}
		}
	}
}

// A tensorCase is c = 2 op(a) op(b) − c.
type tensorCase struct {
	m, n, k        int
	transA, transB bool
	a, b, c        []float32
}

func newTensorCase(shape [3]int, transA, transB bool) tensorCase {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	m, n, k := shape[0], shape[1], shape[2]
	return tensorCase{m, n, k, transA, transB, random(m * k), random(k * n), random(m * n)}
}

// exact returns c in float64, and Σ |2ab| + |c| of each element.
func (p tensorCase) exact() (c, bound []float64) {
	c, bound = make([]float64, p.m*p.n), make([]float64, p.m*p.n)
	for i := range c {
		c[i], bound[i] = -float64(p.c[i]), math.Abs(float64(p.c[i]))
		for l := range p.k {
			x, y := p.a[i/p.n*p.k+l], p.b[l*p.n+i%p.n]
			if p.transA {
				x = p.a[l*p.m+i/p.n]
			}
			if p.transB {
				y = p.b[i%p.n*p.k+l]
			}
			c[i] += 2 * float64(x) * float64(y)
			bound[i] += 2 * math.Abs(float64(x)*float64(y))
		}
	}
	return c, bound
}

func (p tensorCase) on(t *testing.T, backend *Backend[float32], precision accel.Precision, allowed bool) []float32 {
	t.Helper()
	if !backend.SetPrecision(precision) {
		t.Fatal("the backend has one precision")
	}
	mat := func(x []float32, rows, cols int, trans bool) accel.Mat[float32] {
		v, err := backend.FromHost(x)
		if err != nil {
			t.Fatal(err)
		}
		if trans {
			rows, cols = cols, rows
		}
		return accel.NewMat(v, 0, rows, cols)
	}
	c := mat(p.c, p.m, p.n, false)
	err := backend.Run(1, func(_ int, s accel.Stream[float32]) error {
		r := s.(accel.Reducer)
		defer r.Reduce(r.Reduce(allowed))
		s.GEMM(p.transA, p.transB, 2, mat(p.a, p.m, p.k, p.transA), mat(p.b, p.k, p.n, p.transB), -1, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(p.c))
	c.V.Read(got)
	return got
}
