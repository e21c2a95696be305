package hf

import (
	"math"
	"math/rand/v2"
	"testing"
)

// martensStops is the rule of literature.md 1.2, written down by itself: values are counted from 1, there is no value for
// the start.
func martensStops(values []float64, epsilon float64) bool {
	i := len(values)
	k := int(math.Ceil(0.1 * float64(i)))
	if k < 10 {
		k = 10
	}
	if i <= k {
		return false
	}
	now, then := values[i-1], values[i-k-1]
	return now < 0 && (now-then)/now < float64(k)*epsilon
}

func TestRelativeProgressAgainstTheRule(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	stops := 0
	for range 200 {
		// a warm start may begin far above 0; progress then dies away
		q := []float64{3 * rng.NormFloat64()}
		decay := 0.6 + 0.38*rng.Float64()
		for i := range 300 {
			q = append(q, q[i]-rng.Float64()*math.Pow(decay, float64(i)))
			got, want := RelativeProgress{}.Stop(q), martensStops(q[1:], 5e-4)
			if got != want {
				t.Fatalf("at iteration %d: stop = %v, want %v", i+1, got, want)
			}
			if got {
				stops++
				break
			}
		}
	}
	if stops < 50 {
		t.Errorf("only %d of 200 runs stopped: the test sees too little", stops)
	}
}

func TestRelativeProgressCases(t *testing.T) {
	// run returns n+1 values that fall from start to bottom within the first steps and then by the given share of bottom
	// an iteration.
	run := func(n int, start, bottom, share float64) []float64 {
		q := []float64{start}
		for i := range n {
			q = append(q, bottom*(1+share*float64(i)))
		}
		return q
	}
	for _, c := range []struct {
		name string
		rule RelativeProgress
		q    []float64
		want bool
	}{
		{"too early", RelativeProgress{}, run(10, 0, -1, 0), false},
		{"x_0 does not count", RelativeProgress{}, run(10, -1, -1, 0), false},
		{"flat from the first iterate on", RelativeProgress{}, run(11, 0, -1, 0), true},
		{"k is 10: 10 steps of 6e-4 are more than 10·5e-4", RelativeProgress{}, run(12, 0, -1, 6e-4), false},
		{"10 steps of 4e-4 are less", RelativeProgress{}, run(12, 0, -1, 4e-4), true},
		{"above zero after a warm start", RelativeProgress{}, run(50, 9, 1, 0), false},
		{"k is 30 at iteration 300", RelativeProgress{Form: ProgressTotal, Tolerance: 0.02}, run(300, 0, -1, 1e-3), false},
		{"eqn. 2 has no factor k", RelativeProgress{Form: ProgressTotal}, run(12, 0, -1, 4e-4), false},
		{"eqn. 2 below 1e-4", RelativeProgress{Form: ProgressTotal}, run(12, 0, -1, 9e-6), true},
		{"eqn. 2 between 1e-4 and 5e-4", RelativeProgress{Form: ProgressTotal}, run(12, 0, -1, 3e-5), false},
		{"a tolerance of one's own", RelativeProgress{Tolerance: 1e-2}, run(12, 0, -1, 6e-4), true},
	} {
		if got := c.rule.Stop(c.q); got != c.want {
			t.Errorf("%s: stop = %v", c.name, got)
		}
	}
}
