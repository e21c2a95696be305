package cpu

import (
	"math"

	"curvestream/accel"
)

// portableKernels returns the plain Go loops, which run everywhere.
func portableKernels[F accel.Float]() *kernels[F] {
	return &kernels[F]{
		name:  "portable",
		tiles: portableTiles[F](), copyPanel: copyRows[F], transpose: transpose[F],
		axpy:       axpy[F],
		scale:      scale[F],
		scaleSub:   scaleSub[F],
		shift:      shift[F],
		mul:        mul[F],
		div:        div[F],
		addSquares: addSquares[F],
		setProduct: setProduct[F],
		addProduct: addProduct[F],
		dot:        dot[F],
		addTwo:     addTwo[F],
		quotient:   quotient[F],
		sum:        sum[F], expShifted: expShifted[F], crossEntropy: crossEntropy[F],
		activate:      [4]func(h []F){accel.Tanh: tanh[F], accel.Logistic: logistic[F], accel.ReLU: relu[F]},
		mulDerivative: [4]func(d, h []F){accel.Tanh: mulTanhDerivative[F], accel.Logistic: mulLogisticDerivative[F], accel.ReLU: mulReLUDerivative[F]},
		addSecond:     [4]func(rd, d, h, ra []F){accel.Tanh: addTanhSecond[F], accel.Logistic: addLogisticSecond[F]},
		addScaled:     [4]func(b []F, alpha F, a, h []F){accel.Tanh: addTanhScaled[F], accel.Logistic: addLogisticScaled[F], accel.ReLU: addReLUScaled[F]},
	}
}

func axpy[F accel.Float](a F, x, y []F) {
	y = y[:len(x)]
	for i, xi := range x {
		y[i] += a * xi
	}
}

func scale[F accel.Float](a F, x []F) {
	for i := range x {
		x[i] *= a
	}
}

func scaleSub[F accel.Float](a F, x, y []F) {
	scale(a, x)
	axpy(-1, y, x)
}

func shift[F accel.Float](a F, x []F) {
	for i := range x {
		x[i] += a
	}
}

func mul[F accel.Float](x, y []F) {
	y = y[:len(x)]
	for i := range x {
		x[i] *= y[i]
	}
}

func div[F accel.Float](x, y []F) {
	y = y[:len(x)]
	for i := range x {
		x[i] /= y[i]
	}
}

func addSquares[F accel.Float](a F, x, y []F) {
	y = y[:len(x)]
	for i, xi := range x {
		y[i] += a * xi * xi
	}
}

func setProduct[F accel.Float](a F, x, y, z []F) {
	y, z = y[:len(x)], z[:len(x)]
	for i, xi := range x {
		z[i] = a * xi * y[i]
	}
}

func addProduct[F accel.Float](a F, x, y, z []F) {
	y, z = y[:len(x)], z[:len(x)]
	for i, xi := range x {
		z[i] += a * xi * y[i]
	}
}

func dot[F accel.Float](x, y []F) float64 {
	var sum float64
	y = y[:len(x)]
	for i, xi := range x {
		sum += float64(xi) * float64(y[i])
	}
	return sum
}

func addTwo[F accel.Float](a F, x, p, r, q, b []F) (rx, bx float64) {
	axpy(a, p, x)
	axpy(a, q, r)
	return dot(r, x), dot(b, x)
}

func quotient[F accel.Float](y, r, d []F) float64 {
	copy(y, r)
	div(y, d)
	return dot(r, y)
}

func sum[F accel.Float](x []F) float64 {
	var sum float64
	for _, xi := range x {
		sum += float64(xi)
	}
	return sum
}

func expShifted[F accel.Float](a F, x []F) {
	for i, xi := range x {
		x[i] = F(math.Exp(float64(xi - a)))
	}
}

func crossEntropy[F accel.Float](y, z, t []F) {
	for i, zi := range z {
		x := float64(zi)
		y[i] = F(max(x, 0) - x*float64(t[i]) + math.Log1p(math.Exp(-math.Abs(x))))
	}
}

func tanh[F accel.Float](h []F) {
	for i, a := range h {
		h[i] = F(math.Tanh(float64(a)))
	}
}

func logistic[F accel.Float](h []F) {
	for i, a := range h {
		h[i] = F(sigma(float64(a)))
	}
}

// sigma returns 1/(1+e⁻ᵃ), accurate in relative terms for large negative a, too.
func sigma(a float64) float64 {
	if a >= 0 {
		return 1 / (1 + math.Exp(-a))
	}
	e := math.Exp(a)
	return e / (1 + e)
}

func relu[F accel.Float](h []F) {
	for i, a := range h {
		if a < 0 {
			h[i] = 0
		}
	}
}

func mulTanhDerivative[F accel.Float](d, h []F) {
	h = h[:len(d)]
	for i, hi := range h {
		d[i] *= 1 - hi*hi
	}
}

func mulLogisticDerivative[F accel.Float](d, h []F) {
	h = h[:len(d)]
	for i, hi := range h {
		d[i] *= hi * (1 - hi)
	}
}

func mulReLUDerivative[F accel.Float](d, h []F) {
	h = h[:len(d)]
	for i, hi := range h {
		d[i] *= step(hi)
	}
}

// step returns the derivative of ReLU at the input whose output is h.
func step[F accel.Float](h F) F {
	if h > 0 {
		return 1
	}
	return 0
}

func addTanhSecond[F accel.Float](rd, d, h, ra []F) {
	for i, hi := range h {
		rd[i] += d[i] * (-2 * hi * (1 - hi*hi)) * ra[i]
	}
}

func addLogisticSecond[F accel.Float](rd, d, h, ra []F) {
	for i, hi := range h {
		rd[i] += d[i] * (hi * (1 - hi) * (1 - 2*hi)) * ra[i]
	}
}

func addTanhScaled[F accel.Float](b []F, alpha F, a, h []F) {
	for i, hi := range h {
		b[i] += alpha * (1 - hi*hi) * a[i]
	}
}

func addLogisticScaled[F accel.Float](b []F, alpha F, a, h []F) {
	for i, hi := range h {
		b[i] += alpha * (hi * (1 - hi)) * a[i]
	}
}

func addReLUScaled[F accel.Float](b []F, alpha F, a, h []F) {
	for i, hi := range h {
		b[i] += alpha * step(hi) * a[i]
	}
}
