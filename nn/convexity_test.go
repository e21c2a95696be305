package nn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
)

// What is shown in the place of an indefinite L″ is positive semi-definite (section 6.3): with Dropped its negative eigenvalues are 0
// and the others as they were, with Shifted all are raised by the magnitude of the least. Where L″ is so already, nothing changes.
func TestConvexity(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, loss := range []accel.Loss{accel.LogisticSquaredError, accel.TanhSquaredError} {
		indefinite, definite := 0, 0
		for range 300 {
			p, target, ones := make([]float64, 3), make([]float64, 3), []float64{1, 1, 1}
			for i := range p {
				p[i], target[i] = rng.Float64(), rng.NormFloat64()
			}
			exact := LossCurvature(loss, p, target, ones)
			least := slices.Min(exact)
			dropped, shifted := LossCurvature(loss.Shows(accel.Dropped), p, target, ones), LossCurvature(loss.Shows(accel.Shifted), p, target, ones)
			for i, c := range exact {
				if want := max(c, 0); dropped[i] != want {
					t.Errorf("dropped: %g becomes %g", c, dropped[i])
				}
				if want := c - min(least, 0); shifted[i] != want || shifted[i] < 0 {
					t.Errorf("shifted: %g becomes %g, want %g", c, shifted[i], want)
				}
			}
			if least < 0 {
				indefinite++
			} else {
				definite++
			}
		}
		if indefinite == 0 || definite == 0 {
			t.Errorf("loss %d: %d indefinite and %d definite cases", loss, indefinite, definite)
		}
	}
	for _, loss := range []accel.Loss{accel.SquaredError, accel.LogisticCrossEntropy, accel.SoftmaxCrossEntropy} {
		if loss.Shows(accel.Shifted) != loss || !loss.Convex() {
			t.Errorf("loss %d is convex, and changes", loss)
		}
	}
}
