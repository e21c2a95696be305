package acceltest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"curvestream/accel"
)

// A product is the shape and the variant of one matrix product.
type product struct {
	m, n, k        int
	transA, transB bool
	pad            int
	alpha, beta    float64
}

// productCases returns dense products: all small shapes around the tiles of the kernels (heights 1 to 12, widths 4 to 48),
// depths around blocks of 256 and 512, and shapes of recurrent nets, in all four transpose forms.
func productCases[F accel.Float]() []Case[F] {
	var cases []Case[F]
	for _, m := range []int{0, 1, 2, 3, 5, 6, 7, 12, 13, 23, 25} {
		for _, n := range []int{0, 1, 3, 4, 5, 8, 9, 12, 16, 17, 20, 24, 25, 31, 32, 33, 40, 45, 48, 49, 65} {
			cases = append(cases, forms[F](product{m: m, n: n, k: 5, pad: m % 3, alpha: 1, beta: 1})...)
		}
	}
	for _, k := range []int{0, 1, 2, 3, 4, 7, 8, 9, 31, 64, 127, 255, 256, 257, 300, 511, 512, 513, 1030} {
		cases = append(cases, forms[F](product{m: 13, n: 33, k: k, alpha: 1})...)
		cases = append(cases, forms[F](product{m: 2, n: 18, k: k, alpha: -0.5, beta: 0.25, pad: 5})...)
	}
	for _, p := range []product{
		{m: 100, n: 100, k: 20}, {m: 250, n: 50, k: 2}, {m: 130, n: 1, k: 60}, {m: 1, n: 100, k: 300}, {m: 25, n: 64, k: 130},
		{m: 8, n: 60, k: 400}, {m: 200, n: 8, k: 100}, {m: 97, n: 520, k: 3}, {m: 14, n: 536, k: 6}, {m: 257, n: 70, k: 9}, {m: 1, n: 514, k: 386},
	} {
		p.alpha = 1
		cases = append(cases, forms[F](p)...)
		p.alpha, p.beta, p.pad = 2, -1, 7
		cases = append(cases, forms[F](p)...)
	}
	cases = append(cases, preparedCases[F]()...)
	return append(cases, specialProducts[F]()...)
}

// forms returns a product in its four transpose forms.
func forms[F accel.Float](p product) []Case[F] {
	var cases []Case[F]
	for _, form := range []string{"NN", "NT", "TN", "TT"} {
		p := p
		p.transA, p.transB = form[0] == 'T', form[1] == 'T'
		cases = append(cases, Case[F]{
			Name: fmt.Sprintf("GEMM/%s/%dx%dx%d/pad%d/%g,%g", form, p.m, p.n, p.k, p.pad, p.alpha, p.beta),
			Mats: p.shapes(), FLOPs: p.flops(), Terms: p.terms(),
			Do: func(_ accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
				s.GEMM(p.transA, p.transB, F(p.alpha), m[0], m[1], F(p.beta), m[2])
				return nil
			},
		})
	}
	return cases
}

// shapes returns those of A, B and C. With beta = 0, C holds NaN, which must not be read.
func (p product) shapes() []Shape {
	a, b := Shape{Rows: p.m, Cols: p.k, Pad: p.pad}, Shape{Rows: p.k, Cols: p.n, Pad: p.pad}
	if p.transA {
		a.Rows, a.Cols = a.Cols, a.Rows
	}
	if p.transB {
		b.Rows, b.Cols = b.Cols, b.Rows
	}
	c := Shape{Rows: p.m, Cols: p.n, Pad: p.pad}
	if p.beta == 0 {
		c.Value = func(*rand.Rand) float64 { return math.NaN() }
	}
	return []Shape{a, b, c}
}

func (p product) flops() int64 { return 2 * int64(p.m) * int64(p.n) * int64(p.k) }

func (p product) terms() float64 { return float64(p.k) + 8 }

// preparedCases multiply by a prepared operand, which is prepared twice to see that a previous one is overwritten.
func preparedCases[F accel.Float]() []Case[F] {
	var cases []Case[F]
	for _, p := range []product{
		{m: 1, n: 1, k: 1}, {m: 100, n: 50, k: 50}, {m: 13, n: 100, k: 100}, {m: 20, n: 256, k: 64}, {m: 5, n: 33, k: 300},
		{m: 31, n: 8, k: 100}, {m: 17, n: 50, k: 2}, {m: 1, n: 513, k: 260}, {m: 14, n: 540, k: 515}, {m: 0, n: 9, k: 4}, {m: 9, n: 6, k: 0},
	} {
		for _, trans := range []bool{false, true} {
			for _, beta := range []float64{0, 1, -0.5} {
				p := product{m: p.m, n: p.n, k: p.k, transB: trans, pad: p.m % 4, alpha: 1, beta: beta}
				cases = append(cases, prepared[F](p))
			}
		}
	}
	return cases
}

func prepared[F accel.Float](p product) Case[F] {
	shapes := p.shapes()
	return Case[F]{
		Name: fmt.Sprintf("MulPrepared/%dx%dx%d/trans=%t/%g", p.m, p.n, p.k, p.transB, p.beta),
		Mats: append(shapes, shapes[1]), FLOPs: p.flops(), Terms: p.terms(),
		Do: func(b accel.Backend[F], s accel.Stream[F], m []accel.Mat[F]) []float64 {
			other, err := b.Prepare(m[3], p.transB, nil)
			if err != nil {
				panic(err)
			}
			w, err := b.Prepare(m[1], p.transB, other)
			if err != nil {
				panic(err)
			}
			if rows, cols := w.Size(); rows != p.k || cols != p.n {
				panic(fmt.Sprintf("prepared operand has size %d×%d", rows, cols))
			}
			s.MulPrepared(m[0], w, F(p.beta), m[2])
			return nil
		},
	}
}

// specialProducts have a NaN or an infinity in A or B, which belongs in its row or column of C and nowhere else.
func specialProducts[F accel.Float]() []Case[F] {
	var cases []Case[F]
	for _, x := range []float64{math.NaN(), math.Inf(1)} {
		for which := range 2 {
			p := product{m: 29, n: 37, k: 11, alpha: 1, pad: 2}
			for _, c := range forms[F](p) {
				n := 0
				c.Name += fmt.Sprintf("/%v in operand %d", x, which)
				c.Mats[which].Value = func(r *rand.Rand) float64 {
					if n++; n == 100 {
						return x
					}
					return r.Float64() + 0.5
				}
				cases = append(cases, c)
			}
		}
	}
	return cases
}
