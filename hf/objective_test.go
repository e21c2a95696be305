package hf

import (
	"context"
	"errors"
	"math"

	"curvestream/accel"
)

// leastSquares is f(θ) = ½ ‖r(θ)‖², with the Gauss-Newton matrix JᵀJ for curvature. It counts what it is asked for.
type leastSquares[F accel.Float] struct {
	name  string
	m     int // residuals
	start []F
	// residuals sets r (m) and, row-major, J (m × n).
	residuals func(theta, r, J []float64)

	step, open, products, evaluations int
	failAt                            int // the product that fails; 0 means none
	cancel                            context.CancelFunc
	spoil                             func(role Role, theta []float64) bool // makes f NaN
	spoilGradient, spoilProduct       bool
}

func (l *leastSquares[F]) at(theta accel.Vector[F]) (x, r, J []float64) {
	n := theta.Len()
	host := make([]F, n)
	theta.Read(host)
	x, r, J = make([]float64, n), make([]float64, l.m), make([]float64, l.m*n)
	for i := range host {
		x[i] = float64(host[i])
	}
	l.residuals(x, r, J)
	return x, r, J
}

func (l *leastSquares[F]) Advance(_ context.Context, k int) error {
	l.step = k
	return nil
}

func (l *leastSquares[F]) Loss(_ context.Context, role Role, theta accel.Vector[F]) (float64, error) {
	l.evaluations++
	x, r, _ := l.at(theta)
	if l.spoil != nil && l.spoil(role, x) {
		return math.NaN(), nil
	}
	return accel.Slice[float64](r).Dot(accel.Slice[float64](r)) / 2, nil
}

func (l *leastSquares[F]) Gradient(ctx context.Context, theta, grad, fisher accel.Vector[F]) (float64, error) {
	n := theta.Len()
	_, r, J := l.at(theta)
	g, d := make([]F, n), make([]F, n)
	for i, ri := range r {
		for j := range n {
			gij := ri * J[i*n+j]
			g[j] += F(gij)
			d[j] += F(gij * gij)
		}
	}
	if l.spoilGradient {
		g[0] = F(math.Inf(1))
	}
	grad.Write(g)
	if fisher != nil {
		fisher.Write(d)
	}
	l.evaluations--
	return l.Loss(ctx, Gradient, theta)
}

func (l *leastSquares[F]) Linearize(_ context.Context, theta accel.Vector[F]) (Linearization[F], error) {
	l.open++
	_, _, J := l.at(theta)
	return &jacobian[F]{l, theta.Len(), J}, nil
}

type jacobian[F accel.Float] struct {
	l *leastSquares[F]
	n int
	J []float64
}

// Product takes D = I for the structural damping matrix.
func (j *jacobian[F]) Product(ctx context.Context, dst, v accel.Vector[F], mu float64) error {
	j.l.products++
	if j.l.cancel != nil && j.l.products == j.l.failAt {
		j.l.cancel()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.l.cancel == nil && j.l.products == j.l.failAt {
		return errors.New("the disk is gone")
	}
	x, out := make([]F, j.n), make([]F, j.n)
	v.Read(x)
	for i := range j.l.m {
		var Jx float64
		for k := range j.n {
			Jx += j.J[i*j.n+k] * float64(x[k])
		}
		for k := range j.n {
			out[k] += F(j.J[i*j.n+k] * Jx)
		}
	}
	for k := range j.n {
		out[k] += F(mu) * x[k]
	}
	if j.l.spoilProduct {
		out[0] = F(math.NaN())
	}
	dst.Write(out)
	return nil
}

func (j *jacobian[F]) Close() error {
	j.l.open--
	return nil
}

// classics returns small functions that optimizers are commonly tried on, in the form of residuals.
func classics() []*leastSquares[float64] {
	return []*leastSquares[float64]{
		{name: "Rosenbrock", m: 2, start: []float64{-1.2, 1}, residuals: func(x, r, J []float64) {
			r[0], r[1] = 10*(x[1]-x[0]*x[0]), 1-x[0]
			copy(J, []float64{-20 * x[0], 10, -1, 0})
		}},
		{name: "Powell singular", m: 4, start: []float64{3, -1, 0, 1}, residuals: func(x, r, J []float64) {
			a, b := x[1]-2*x[2], x[0]-x[3]
			s5, s10 := math.Sqrt(5), math.Sqrt(10)
			copy(r, []float64{x[0] + 10*x[1], s5 * (x[2] - x[3]), a * a, s10 * b * b})
			copy(J, []float64{
				1, 10, 0, 0,
				0, 0, s5, -s5,
				0, 2 * a, -4 * a, 0,
				2 * s10 * b, 0, 0, -2 * s10 * b,
			})
		}},
		{name: "Wood", m: 6, start: []float64{-3, -1, -3, -1}, residuals: func(x, r, J []float64) {
			s90, s10 := math.Sqrt(90), math.Sqrt(10)
			copy(r, []float64{
				10 * (x[1] - x[0]*x[0]), 1 - x[0], s90 * (x[3] - x[2]*x[2]), 1 - x[2],
				s10 * (x[1] + x[3] - 2), (x[1] - x[3]) / s10,
			})
			copy(J, []float64{
				-20 * x[0], 10, 0, 0,
				-1, 0, 0, 0,
				0, 0, -2 * s90 * x[2], s90,
				0, 0, -1, 0,
				0, s10, 0, s10,
				0, 1 / s10, 0, -1 / s10,
			})
		}},
		{name: "Beale", m: 3, start: []float64{1, 1}, residuals: func(x, r, J []float64) {
			for i, y := range []float64{1.5, 2.25, 2.625} {
				p := math.Pow(x[1], float64(i+1))
				r[i] = y - x[0]*(1-p)
				J[2*i], J[2*i+1] = p-1, x[0]*float64(i+1)*math.Pow(x[1], float64(i))
			}
		}},
		{name: "Himmelblau", m: 2, start: []float64{0.5, 0.5}, residuals: func(x, r, J []float64) {
			r[0], r[1] = x[0]*x[0]+x[1]-11, x[0]+x[1]*x[1]-7
			copy(J, []float64{2 * x[0], 1, 1, 2 * x[1]})
		}},
		{name: "exponential fit", m: 12, start: []float64{1, 0.1}, residuals: func(x, r, J []float64) {
			for i := range 12 {
				t := float64(i) / 4
				e := math.Exp(-x[1] * t)
				r[i] = x[0]*e - 3*math.Exp(-1.3*t)
				J[2*i], J[2*i+1] = e, -x[0]*t*e
			}
		}},
	}
}
