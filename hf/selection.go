package hf

import "math"

// Selection names the rule by which CG-backtracking chooses among the kept iterates of a CG run (section 8.7).
type Selection int

// The rules. Each kept iterate that a rule looks at costs one evaluation of f.
const (
	SelectGlobal   Selection = iota // the lowest f of all kept iterates
	SelectWalkBack                  // from the last one back while f gets lower: Martens (2010)
	SelectLast                      // the last iterate; no other is kept
)

var selectionNames = names{"global", "walk_back", "last"}

// String returns the name of s.
func (s Selection) String() string { return selectionNames.of(int(s)) }

// MarshalText implements encoding.TextMarshaler.
func (s Selection) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Selection) UnmarshalText(text []byte) error {
	i, err := selectionNames.find(string(text))
	*s = Selection(i)
	return err
}

// choose returns the index of the chosen one of n ≥ 1 iterates, which stand in the order of their iterations, and its f.
// A non-finite f counts as +∞. Between equals the later iterate is chosen.
func (s Selection) choose(n int, f func(j int) (float64, error)) (best int, lowest float64, err error) {
	best = n - 1
	if lowest, err = f(best); err != nil || s == SelectLast {
		return best, lowest, err
	}
	if !finite(lowest) {
		lowest = math.Inf(1)
	}
	for j := n - 2; j >= 0; j-- {
		value, err := f(j)
		if err != nil {
			return best, lowest, err
		}
		switch {
		case value < lowest:
			best, lowest = j, value
		case s == SelectWalkBack && finite(lowest):
			return best, lowest, nil
		}
	}
	return best, lowest, nil
}
