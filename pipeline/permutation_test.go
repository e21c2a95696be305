package pipeline

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Every index is reached once, and Inverse undoes At.
func TestPermutationIsABijection(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 100, 255, 256, 257, 1000, 4097, 65537} {
		for key := range uint64(5) {
			p := newPermutation(n, key, 7)
			seen := make([]bool, n)
			for i := range n {
				j := p.At(i)
				if j < 0 || j >= n || seen[j] {
					t.Fatalf("n=%d key=%d: %d goes to %d, which is outside or taken", n, key, i, j)
				}
				seen[j] = true
				if back := p.Inverse(j); back != i {
					t.Fatalf("n=%d key=%d: Inverse(At(%d)) = %d", n, key, i, back)
				}
			}
		}
	}
}

func TestPermutationOfManyIsInvertible(t *testing.T) {
	for _, n := range []int{1 << 31, 1<<40 + 3, 1<<62 + 11} {
		p := newPermutation(n, 3)
		for range 1000 {
			i := rand.IntN(n)
			if j := p.At(i); j < 0 || j >= n || p.Inverse(j) != i {
				t.Fatalf("n=%d: %d goes to %d and back to %d", n, i, j, p.Inverse(j))
			}
		}
	}
}

// Over many keys, where an index goes is uniform: χ² over n cells stays below its mean plus six standard deviations.
func TestPermutationIsUniform(t *testing.T) {
	const keys = 20000
	for _, n := range []int{3, 6, 24, 100} {
		for _, i := range []int{0, n / 2, n - 1} {
			counts := make([]float64, n)
			for key := range uint64(keys) {
				counts[newPermutation(n, key).At(i)]++
			}
			expected, chi2 := float64(keys)/float64(n), 0.0
			for _, c := range counts {
				chi2 += (c - expected) * (c - expected) / expected
			}
			if freedom := float64(n - 1); chi2 > freedom+6*math.Sqrt(2*freedom) {
				t.Errorf("n=%d i=%d: χ² = %.1f with %d degrees of freedom", n, i, chi2, n-1)
			}
		}
	}
}
