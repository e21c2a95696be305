package hf

// A Point fixes a value at an iteration.
type Point struct {
	Iteration int // counted from 1
	Value     float64
}

// A Schedule changes a value with the HF iteration: linearly between its points, constant before the first and after the
// last. The points are in the order of their iterations. An empty Schedule leaves the value at its default.
type Schedule []Point

// At returns the value at iteration k, or standard if s is empty.
func (s Schedule) At(k int, standard float64) float64 {
	if len(s) == 0 {
		return standard
	}
	if k <= s[0].Iteration {
		return s[0].Value
	}
	for i := 1; i < len(s); i++ {
		if from, to := s[i-1], s[i]; k < to.Iteration {
			done := float64(k-from.Iteration) / float64(to.Iteration-from.Iteration)
			return from.Value + done*(to.Value-from.Value)
		}
	}
	return s[len(s)-1].Value
}
