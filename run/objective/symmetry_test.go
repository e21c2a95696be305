package objective

import (
	"math"
	"testing"
)

// A guard looks at the first linearization and at each tenth after it, and tells once of what is above its bound.
func TestGuard(t *testing.T) {
	for _, c := range []struct {
		at   []float64 // asymmetries that are found
		told int
	}{{[]float64{1e-4, 9e-4, 0}, 0}, {[]float64{1e-4, 2e-3, 5}, 1}, {[]float64{math.NaN(), 1}, 1}} {
		told, looked := 0, 0
		g := &Guard{Every: 10, Bound: 1e-3, Exceeds: func(float64) { told++ }}
		for k := 1; k <= 10*len(c.at); k++ {
			if !g.due() {
				continue
			}
			if k%10 != 1 {
				t.Errorf("%v: it looks at linearization %d", c.at, k)
			}
			g.look(c.at[looked])
			looked++
		}
		if told != c.told || told == 0 && looked != len(c.at) {
			t.Errorf("%v: told %d times, looked %d times", c.at, told, looked)
		}
	}
	if (*Guard)(nil).due() {
		t.Error("no guard looks")
	}
}
