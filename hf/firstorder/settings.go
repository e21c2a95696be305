package firstorder

import (
	"errors"
	"fmt"
	"math"

	"curvestream/hf"
)

// Method names a first-order method.
type Method int

// The methods.
const (
	SGD   Method = iota // stochastic gradient descent with Nesterov momentum (Sutskever, Martens, Dahl and Hinton 2013)
	Adam                // Kingma and Ba (2015)
	LBFGS               // limited-memory BFGS (Nocedal and Wright, algorithm 7.4), backtracking
)

var methodNames = []string{"sgd", "adam", "lbfgs"}

// String returns the name of m.
func (m Method) String() string {
	if m < 0 || int(m) >= len(methodNames) {
		return fmt.Sprintf("invalid(%d)", int(m))
	}
	return methodNames[m]
}

// MarshalText implements encoding.TextMarshaler.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Method) UnmarshalText(text []byte) error {
	for i, name := range methodNames {
		if name == string(text) {
			*m = Method(i)
			return nil
		}
	}
	return fmt.Errorf("firstorder: %q is none of sgd, adam, lbfgs", text)
}

// Settings are all that can be chosen. The zero Settings are ready to use.
type Settings struct {
	Method Method
	// Rate is the learning rate by iteration: ε of SGD, α of Adam, the first length that L-BFGS tries. Empty means 0.01, 0.001
	// and 1.
	Rate hf.Schedule
	// MuMax bounds the momentum of SGD, μ = min(1 − 2^(−1−log₂(⌊t/250⌋+1)), MuMax), t counting from 0: the schedule of
	// Sutskever et al. (2013). Zero means 0.99; a negative value none.
	MuMax float64
	// Momentum, where not empty, gives μ of SGD by iteration instead. They lower it near the end.
	Momentum hf.Schedule
	Clip     float64 // SGD and Adam: longer gradients are scaled to this length; zero means no bound
	Beta1    float64 // Adam: decay of the mean of gradients; zero means 0.9
	Beta2    float64 // Adam: decay of the mean of their squares; zero means 0.999
	Epsilon  float64 // Adam: added to the root of that; zero means 1e-8
	Pairs    int     // L-BFGS: differences kept, two vectors of the length of θ each; zero means 10
	// MaxRejections is the number of rejected iterations in a row after which Step gives up. Zero means 10.
	MaxRejections int
}

// WithDefaults returns s with every default in the place of its zero.
func (s Settings) WithDefaults() Settings {
	if len(s.Rate) == 0 {
		s.Rate = hf.Schedule{{Iteration: 1, Value: [...]float64{SGD: 0.01, Adam: 0.001, LBFGS: 1}[s.Method]}}
	}
	for _, d := range []struct {
		at    *float64
		value float64
	}{{&s.MuMax, 0.99}, {&s.Beta1, 0.9}, {&s.Beta2, 0.999}, {&s.Epsilon, 1e-8}} {
		if *d.at == 0 {
			*d.at = d.value
		}
	}
	if s.Pairs == 0 {
		s.Pairs = 10
	}
	if s.MaxRejections == 0 {
		s.MaxRejections = 10
	}
	return s
}

// Validate reports all that is wrong with s at once, one line a problem.
func (s Settings) Validate() error {
	if s.Method < SGD || s.Method > LBFGS {
		return fmt.Errorf("firstorder: setting Method = %v is not a method", s.Method)
	}
	var errs []error
	check := func(ok bool, field string, value any, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("firstorder: setting %s = %v %s", field, value, what))
		}
	}
	s = s.WithDefaults()
	for i, p := range s.Rate {
		check(p.Value > 0 && !math.IsInf(p.Value, 0), fmt.Sprintf("Rate[%d].Value", i), p.Value, "must be finite and above 0")
	}
	for i, p := range s.Momentum {
		check(p.Value >= 0 && p.Value < 1, fmt.Sprintf("Momentum[%d].Value", i), p.Value, "must be at least 0 and below 1")
	}
	check(s.MuMax < 1, "MuMax", s.MuMax, "must be below 1")
	check(s.Clip >= 0 && !math.IsInf(s.Clip, 0), "Clip", s.Clip, "must be finite and not negative")
	check(s.Beta1 >= 0 && s.Beta1 < 1, "Beta1", s.Beta1, "must be at least 0 and below 1")
	check(s.Beta2 >= 0 && s.Beta2 < 1, "Beta2", s.Beta2, "must be at least 0 and below 1")
	check(s.Epsilon > 0 && !math.IsInf(s.Epsilon, 0), "Epsilon", s.Epsilon, "must be finite and above 0")
	check(s.Pairs > 0, "Pairs", s.Pairs, "must not be negative")
	check(s.MaxRejections > 0, "MaxRejections", s.MaxRejections, "must not be negative")
	return errors.Join(errs...)
}
