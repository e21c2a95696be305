package hf

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
)

// fusing is a vec that is an accel.FusedVector, and counts what it is asked for.
type fusing struct {
	vec
	calls map[string]int
}

func (v fusing) New() accel.Vector[float64] { return fusing{make(vec, len(v.vec)), v.calls} }

func (v fusing) Copy(w accel.Vector[float64])           { v.vec.Copy(w.(fusing).vec) }
func (v fusing) Add(a float64, w accel.Vector[float64]) { v.vec.Add(a, w.(fusing).vec) }
func (v fusing) Div(w accel.Vector[float64])            { v.vec.Div(w.(fusing).vec) }
func (v fusing) Dot(w accel.Vector[float64]) float64    { return v.vec.Dot(w.(fusing).vec) }

func (v fusing) AddTwo(a float64, p, r, q, b accel.Vector[float64]) (rv, bv float64) {
	v.calls["AddTwo"]++
	v.Add(a, p)
	r.Add(a, q)
	return r.Dot(v), b.Dot(v)
}

func (v fusing) Quotient(r, d accel.Vector[float64]) float64 {
	v.calls["Quotient"]++
	v.Copy(r)
	v.Div(d)
	return r.Dot(v)
}

func (v fusing) ScaleSub(a float64, w accel.Vector[float64]) {
	v.calls["ScaleSub"]++
	v.Scale(a)
	v.Add(-1, w)
}

// unfused multiplies fusing vectors by a dense matrix.
type unfused struct{ *dense }

func (d unfused) Product(ctx context.Context, dst, v accel.Vector[float64]) error {
	return d.dense.Product(ctx, dst.(fusing).vec, v.(fusing).vec)
}

// Vectors that fuse operations are asked to, once an iteration, and give the same bits: with a diagonal preconditioner and
// without one, with a residual computed anew and without.
func TestCGFuses(t *testing.T) {
	for _, c := range []struct {
		preconditioned bool
		refresh        int
	}{{false, 0}, {true, 0}, {true, 3}} {
		rng := rand.New(rand.NewPCG(7, 7))
		A := withSpectrum(rng, []float64{1, 2, 5, 9, 30, 31, 80, 200})
		b, start := randomVec(rng, A.n), randomVec(rng, A.n)
		d := make(vec, A.n)
		for i := range d {
			d[i] = A.a[i*A.n+i]
		}
		plain, fuses := CG[float64]{Max: 6, Refresh: c.refresh}, CG[float64]{Max: 6, Refresh: c.refresh}
		calls := map[string]int{}
		if c.preconditioned {
			plain.Precondition, fuses.Precondition = Diagonal[float64]{d}, Diagonal[float64]{fusing{d, calls}}
		}
		x, y := slices.Clone(start), fusing{slices.Clone(start), calls}
		want, err := plain.Minimize(t.Context(), A, b, x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fuses.Minimize(t.Context(), unfused{A}, fusing{b, calls}, y)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x, y.vec) || !slices.Equal(got.History, want.History) || got.Stop != want.Stop {
			t.Errorf("%+v: fused %v, q %v; plain %v, q %v", c, y.vec, got.History, x, want.History)
		}
		if calls["AddTwo"] != got.Iterations || calls["ScaleSub"] != got.Iterations-1 || (calls["Quotient"] > 0) != c.preconditioned {
			t.Errorf("%+v: %d iterations made the calls %v", c, got.Iterations, calls)
		}
	}
}
