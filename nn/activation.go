package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"curvestream/accel"
)

var activationNames = []string{accel.Linear: "linear", accel.Tanh: "tanh", accel.Logistic: "logistic", accel.ReLU: "relu"}

// ActivationNames returns the names of all activations.
func ActivationNames() []string { return slices.Clone(activationNames) }

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

// Activate returns s(a), s′(a) and s″(a): the plain definition of an activation, in float64.
func Activate(act accel.Activation, a float64) (s, ds, dds float64) {
	switch act {
	case accel.Linear:
		return a, 1, 0
	case accel.Tanh:
		h := math.Tanh(a)
		return h, 1 - h*h, -2 * h * (1 - h*h)
	case accel.Logistic:
		h := logistic(a)
		return h, h * (1 - h), h * (1 - h) * (1 - 2*h)
	case accel.ReLU:
		if a > 0 {
			return a, 1, 0
		}
		return 0, 0, 0
	}
	panic(fmt.Sprintf("nn: no activation %d", act))
}

func logistic(a float64) float64 {
	if a >= 0 {
		return 1 / (1 + math.Exp(-a))
	}
	e := math.Exp(a)
	return e / (1 + e)
}
