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
}

// LossNames returns the names of all losses.
func LossNames() []string { return slices.Clone(lossNames) }

// LossName returns the name that ParseLoss takes.
func LossName(l accel.Loss) string { return lossNames[l] }

// ParseLoss returns the loss of a name: squared_error, logistic_cross_entropy or softmax_cross_entropy.
func ParseLoss(name string) (accel.Loss, error) {
	if i := slices.Index(lossNames, name); i >= 0 {
		return accel.Loss(i), nil
	}
	return 0, fmt.Errorf("nn: unknown loss %q: use one of %s", name, strings.Join(lossNames, ", "))
}

// Predict returns p of an output vector z (table 2): the plain definition, in float64.
func Predict(loss accel.Loss, z []float64) []float64 {
	p := slices.Clone(z)
	switch loss {
	case accel.LogisticCrossEntropy:
		for i := range p {
			p[i] = logistic(p[i])
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
	switch loss {
	case accel.SquaredError:
		for i, zi := range z {
			sum += (zi - t[i]) * (zi - t[i]) / 2
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

// LossGradient returns ∇L = p − t (table 2).
//
// Departure: the report prints −(p − t), which is the negative gradient.
func LossGradient(loss accel.Loss, z, t []float64) []float64 {
	g := Predict(loss, z)
	for i := range g {
		g[i] -= t[i]
	}
	return g
}

// LossCurvature returns L″ v (table 2), which does not depend on the target.
func LossCurvature(loss accel.Loss, z, v []float64) []float64 {
	p, lv := Predict(loss, z), slices.Clone(v)
	switch loss {
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
	}
	return lv
}

func logSumExp(z []float64) float64 {
	m := slices.Max(z)
	sum := 0.0
	for _, zi := range z {
		sum += math.Exp(zi - m)
	}
	return m + math.Log(sum)
}
