package golden

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// cg runs algorithm 2 on the net's own G, gradient and Fisher diagonal, as the case's reference did on its own, so that the
// three are seen to fit together.
func (k *checker) cg() error {
	want := k.c.Expect.CG
	if want == nil {
		return nil
	}
	grad, fisher := k.theta.New(), k.theta.New()
	if _, err := k.net.Gradient(k.ctx, k.theta, k.c.Batch, grad, fisher); err != nil {
		return err
	}
	b, diagonal := k.average(grad, k.theta), k.average(fisher, nil)
	n := len(b)
	x, r, y, p, ap := mat.NewVecDense(n, nil), mat.NewVecDense(n, b), mat.NewVecDense(n, nil), mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	gradient := mat.VecDenseCopyOf(r) // r₀ = A·0 − b = ∇f
	solve := func() {
		for i := range n {
			y.SetVec(i, r.AtVec(i)/math.Pow(diagonal[i]+want.Lambda, want.Exponent))
		}
	}
	solve()
	p.ScaleVec(-1, y)
	ry := mat.Dot(r, y)
	var q, norm []float64
	for range want.M {
		ap.MulVec(k.g, p)
		ap.AddScaledVec(ap, want.Lambda, p)
		alpha := ry / mat.Dot(p, ap)
		x.AddScaledVec(x, alpha, p)
		r.AddScaledVec(r, alpha, ap)
		q = append(q, (mat.Dot(r, x)+mat.Dot(gradient, x))/2)
		norm = append(norm, mat.Norm(x, 2))
		solve()
		previous := ry
		ry = mat.Dot(r, y)
		p.AddScaledVec(scaled(-1, y), ry/previous, p)
	}
	k.array("cg M", q, want.M)
	k.array("cg norm_x", norm, want.NormX)
	return k.named("cg x", x.RawVector().Data, want.X)
}

func scaled(a float64, v *mat.VecDense) *mat.VecDense {
	w := mat.NewVecDense(v.Len(), nil)
	w.ScaleVec(a, v)
	return w
}
