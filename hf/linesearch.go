package hf

import "math"

// LineSearchKind names how the step length α is found (section 8.8).
type LineSearchKind int

// The line searches.
const (
	LineSearchBacktracking LineSearchKind = iota // shrink α until f has decreased sufficiently
	LineSearchFixed                              // take α as it is, also where f rises (section 12.2)
)

var lineSearchNames = names{"backtracking", "fixed"}

// String returns the name of k.
func (k LineSearchKind) String() string { return lineSearchNames.of(int(k)) }

// MarshalText implements encoding.TextMarshaler.
func (k LineSearchKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *LineSearchKind) UnmarshalText(text []byte) error {
	i, err := lineSearchNames.find(string(text))
	*k = LineSearchKind(i)
	return err
}

// A LineSearch finds the length α of the step along δ (section 8.8). The zero LineSearch is that of Martens (2010). It has
// no state.
type LineSearch struct {
	Kind LineSearchKind
	// Rate is α to start with, or the fixed α: the learning rate, by iteration (section 12.2). Empty means 1.
	Rate   Schedule
	Factor float64 // that shrinks α; zero means 0.8
	// C is c of the sufficient-decrease condition f(θ+αδ) ≤ f(θ) + cα∇fᵀδ. Zero means 1e-2.
	C float64
	// Max is the number of reductions after which the step is given up. Zero means 60.
	Max int
}

// search returns α and f(θ+αδ), or α = 0 if there is none. f0 is f(θ) and slope ∇f(θ)ᵀδ. Where slope ≥ 0, δ does not point
// downhill and the condition is that f falls at all.
func (l LineSearch) search(k int, f0, slope float64, f func(alpha float64) (float64, error)) (alpha, value float64, err error) {
	l = l.withDefaults()
	alpha = l.Rate.At(k, 1)
	if l.Kind == LineSearchFixed {
		if value, err = f(alpha); err != nil || !finite(value) {
			return 0, f0, err
		}
		return alpha, value, nil
	}
	for i := 0; i <= l.Max; i++ {
		if value, err = f(alpha); err != nil {
			return 0, f0, err
		}
		if value < f0 && value <= f0+l.C*alpha*math.Min(slope, 0) {
			return alpha, value, nil
		}
		alpha *= l.Factor
	}
	return 0, f0, nil
}

func (l LineSearch) withDefaults() LineSearch {
	l.Factor = orDefault(l.Factor, 0.8)
	l.C = orDefault(l.C, 1e-2)
	if l.Max == 0 {
		l.Max = 60
	}
	return l
}
