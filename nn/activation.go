package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"curvestream/accel"
)

var activationNames = []string{accel.Linear: "linear", accel.Tanh: "tanh", accel.Logistic: "logistic", accel.ReLU: "relu"}

// ActivationName returns the name that ParseActivation takes.
func ActivationName(a accel.Activation) string { return activationNames[a] }

// ParseActivation returns the activation of a name: linear, tanh, logistic (also sigmoid) or relu.
func ParseActivation(name string) (accel.Activation, error) {
	if name == "sigmoid" {
		return accel.Logistic, nil
	}
	if i := slices.Index(activationNames, name); i >= 0 {
		return accel.Activation(i), nil
	}
	return 0, fmt.Errorf("nn: unknown activation %q: use one of %s", name, strings.Join(activationNames, ", "))
}

// logistic returns 1/(1+e⁻ᵃ) without overflow.
func logistic(a float64) float64 {
	if a >= 0 {
		return 1 / (1 + math.Exp(-a))
	}
	e := math.Exp(a)
	return e / (1 + e)
}
