package derivative

import (
	"math"

	"curvestream/accel"
)

// A net shows its predictions p, from which z comes back by inverting Predict; for softmax up to a constant in each row, to
// which f and G are blind. What is seen there is log p, whose Jacobian is P J with P = I − 1 pᵀ.

// seen returns z of each output row at θ, or log p for softmax.
func (k *checker) seen(theta accel.Vector[float64]) ([]float64, error) {
	p, err := k.net.Outputs(k.ctx, theta, k.b)
	return k.logits(p), err
}

func (k *checker) logits(p []float64) []float64 {
	z := make([]float64, len(p))
	for i, pi := range p {
		switch k.loss.Kind() {
		case accel.SquaredError:
			z[i] = pi
		case accel.LogisticCrossEntropy, accel.LogisticSquaredError:
			z[i] = math.Log(pi) - math.Log1p(-pi)
		case accel.TanhSquaredError:
			z[i] = math.Atanh(pi)
		case accel.SoftmaxCrossEntropy:
			z[i] = math.Log(pi)
		}
	}
	return z
}

// project returns P x of each row for softmax, and x otherwise.
func (k *checker) project(x []float64) []float64 {
	return k.eachRow(x, func(x, p []float64) {
		px := dot(p, x)
		for i := range x {
			x[i] -= px
		}
	})
}

// projectTransposed returns Pᵀ u of each row for softmax, and u otherwise.
func (k *checker) projectTransposed(u []float64) []float64 {
	return k.eachRow(u, func(u, p []float64) {
		sum := 0.0
		for _, ui := range u {
			sum += ui
		}
		for i := range u {
			u[i] -= p[i] * sum
		}
	})
}

func (k *checker) eachRow(x []float64, f func(x, p []float64)) []float64 {
	y := append([]float64(nil), x...)
	if k.loss == accel.SoftmaxCrossEntropy {
		for r := 0; r < len(y); r += k.b.Out {
			f(y[r:r+k.b.Out], k.p[r:r+k.b.Out])
		}
	}
	return y
}
