package nn

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// spectralRadius returns the largest magnitude of the eigenvalues of w, n × n row-major.
func spectralRadius(w []float64, n int) (float64, error) {
	var eig mat.Eigen
	if !eig.Factorize(mat.NewDense(n, n, w), mat.EigenNone) {
		return 0, fmt.Errorf("nn: the eigenvalues of a matrix of order %d do not converge", n)
	}
	radius := 0.0
	for _, value := range eig.Values(nil) {
		radius = max(radius, cmplx.Abs(value))
	}
	return radius, nil
}

// scaleToRadius scales w, n × n, to a spectral radius. A matrix whose eigenvalues are all about zero, as a very sparse draw can
// give, cannot be scaled.
func scaleToRadius(w []float64, n int, radius float64) error {
	got, err := spectralRadius(w, n)
	if err != nil {
		return err
	}
	if typical := floats.Norm(w, 2) / math.Sqrt(float64(n)); got <= 1e-3*typical {
		return fmt.Errorf("nn: W_hh was drawn with a spectral radius of about 0, which cannot be scaled to %g: give it more incoming weights a unit, or turn the scaling off", radius)
	}
	scale(w, radius/got)
	return nil
}

func scale(w []float64, a float64) {
	for i := range w {
		w[i] *= a
	}
}

// orthogonal fills w, rows × cols row-major, with orthonormal rows or columns, whichever are fewer, uniformly distributed: the Q
// of a Gaussian matrix, with the signs that make R's diagonal positive.
func orthogonal(w []float64, rows, cols int, rng *rand.Rand) {
	long, short := max(rows, cols), min(rows, cols)
	a := mat.NewDense(long, short, nil)
	for i := range long {
		for j := range short {
			a.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	var q, r mat.Dense
	qr.Factorize(a)
	qr.QTo(&q)
	qr.RTo(&r)
	for i := range rows {
		for j := range cols {
			l, s := i, j
			if rows < cols {
				l, s = j, i
			}
			w[i*cols+j] = q.At(l, s)
			if r.At(s, s) < 0 {
				w[i*cols+j] = -w[i*cols+j]
			}
		}
	}
}
