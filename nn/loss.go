package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"curvestream/accel"
)

var lossNames = []string{
	accel.SquaredError:         "squared_error",
	accel.LogisticCrossEntropy: "logistic_cross_entropy",
	accel.SoftmaxCrossEntropy:  "softmax_cross_entropy",
	accel.LogisticSquaredError: "logistic_squared_error",
	accel.TanhSquaredError:     "tanh_squared_error",
}

var convexityNames = []string{accel.Indefinite: "indefinite", accel.Dropped: "drop", accel.Shifted: "shift"}

// ParseConvexity returns what is shown in the place of an indefinite L″ (section 6.3): indefinite (L″ itself), drop or shift.
func ParseConvexity(name string) (accel.Convexity, error) {
	if i := slices.Index(convexityNames, name); i >= 0 {
		return accel.Convexity(i), nil
	}
	return 0, fmt.Errorf("nn: unknown treatment %q of an indefinite loss: use one of %s", name, strings.Join(convexityNames, ", "))
}

// LossNames returns the names of all losses.
func LossNames() []string { return slices.Clone(lossNames) }

// LossName returns the name that ParseLoss takes.
func LossName(l accel.Loss) string { return lossNames[l.Kind()] }

// ParseLoss returns the loss of a name, one of [LossNames].
func ParseLoss(name string) (accel.Loss, error) {
	if i := slices.Index(lossNames, name); i >= 0 {
		return accel.Loss(i), nil
	}
	return 0, fmt.Errorf("nn: unknown loss %q: use one of %s", name, strings.Join(lossNames, ", "))
}

// Predict returns p of an output vector z (table 2): the plain definition, in float64.
func Predict(loss accel.Loss, z []float64) []float64 {
	p := slices.Clone(z)
	switch loss.Kind() {
	case accel.LogisticCrossEntropy, accel.LogisticSquaredError:
		for i := range p {
			p[i] = logistic(p[i])
		}
	case accel.TanhSquaredError:
		for i := range p {
			p[i] = math.Tanh(p[i])
		}
	case accel.SoftmaxCrossEntropy:
		norm := logSumExp(z)
		for i := range p {
			p[i] = math.Exp(p[i] - norm)
		}
	}
	return p
}

// Loss returns L(z; t) (table 2): the plain definition, in float64. t is the target vector; for softmax it is a distribution,
// one-hot where the target is a class.
func Loss(loss accel.Loss, z, t []float64) float64 {
	sum := 0.0
	switch loss.Kind() {
	case accel.SquaredError, accel.LogisticSquaredError, accel.TanhSquaredError:
		for i, pi := range Predict(loss, z) {
			sum += (pi - t[i]) * (pi - t[i]) / 2
		}
	case accel.LogisticCrossEntropy: // −t log p − (1−t) log(1−p) = log(1+eᶻ) − t z
		for i, zi := range z {
			sum += max(zi, 0) + math.Log1p(math.Exp(-math.Abs(zi))) - t[i]*zi
		}
	case accel.SoftmaxCrossEntropy:
		norm := logSumExp(z)
		for i, zi := range z {
			sum += t[i] * (norm - zi)
		}
	}
	return sum
}

// LossGradient returns ∇L where the prediction is p and the target t: p − t (table 2), times s′ for a loss with a nonlinearity s of
// its own (section 6.3).
//
// Departure: the report prints −(p − t), which is the negative gradient.
func LossGradient(loss accel.Loss, p, t []float64) []float64 {
	g := slices.Clone(p)
	for i := range g {
		g[i] -= t[i]
		if !loss.Convex() {
			slope, _ := outputSlopes(loss, p[i])
			g[i] *= slope
		}
	}
	return g
}

// LossCurvature returns L″ v where the prediction is p and the target t (table 2), or what the loss shows in its place (section
// 6.3). Only losses that are not convex look at the target.
func LossCurvature(loss accel.Loss, p, t, v []float64) []float64 {
	lv := slices.Clone(v)
	switch loss.Kind() {
	case accel.LogisticCrossEntropy:
		for i := range lv {
			lv[i] *= p[i] * (1 - p[i])
		}
	case accel.SoftmaxCrossEntropy:
		pv := 0.0
		for i := range v {
			pv += p[i] * v[i]
		}
		for i := range lv {
			lv[i] = p[i] * (v[i] - pv)
		}
	case accel.LogisticSquaredError, accel.TanhSquaredError:
		for i, c := range shownCurvature(loss, p, t) {
			lv[i] *= c
		}
	}
	return lv
}

// shownCurvature returns the diagonal of L″ = diag(s′² + s″(p − t)), made positive semi-definite as the loss shows it.
func shownCurvature(loss accel.Loss, p, t []float64) []float64 {
	c := make([]float64, len(p))
	for i := range p {
		slope, turn := outputSlopes(loss, p[i])
		c[i] = slope*slope + turn*(p[i]-t[i])
	}
	least := min(0, slices.Min(c))
	for i := range c {
		switch loss.Shown() {
		case accel.Dropped:
			c[i] = max(0, c[i])
		case accel.Shifted:
			c[i] -= least
		}
	}
	return c
}

// outputSlopes returns s′ and s″ where the output is p.
func outputSlopes(loss accel.Loss, p float64) (slope, turn float64) {
	if loss.Output() == accel.Tanh {
		return 1 - p*p, -2 * p * (1 - p*p)
	}
	return p * (1 - p), p * (1 - p) * (1 - 2*p)
}

func logSumExp(z []float64) float64 {
	m := slices.Max(z)
	sum := 0.0
	for _, zi := range z {
		sum += math.Exp(zi - m)
	}
	return m + math.Log(sum)
}
