package hf

import "math"

// A tridiagonal matrix T is what Lanczos makes of A: symmetric, with T_jj = diagonal[j] and T_j,j+1 = off[j] (section 8.6).
type tridiagonal struct {
	diagonal, off []float64

	d, l, y, w []float64 // T + λI = L diag(d) Lᵀ, and solutions; used again by the next call
}

// minimize returns the y that minimises ½ yᵀTy − γ y₁ within ‖y‖ ≤ radius, and the multiplier λ ≥ 0 for which
// (T + λI) y = γ e₁: 0 where y lies inside. y is valid until the next call. The hard case, in which no such λ gets to the
// border, does not occur: no off-diagonal element of T is 0, so that e₁ is orthogonal to none of its eigenvectors.
func (t *tridiagonal) minimize(gamma, radius float64) (y []float64, lambda float64) {
	definite := t.solve(0, gamma)
	if definite && norm(t.y) <= radius {
		return t.y, 0
	}
	low, high := 0.0, gamma/radius+math.Max(0, -t.bound())
	lambda = high
	for range 200 {
		if !t.solve(lambda, gamma) {
			low = lambda
			lambda = (low + high) / 2
			continue
		}
		length := norm(t.y)
		if math.Abs(length-radius) <= 1e-13*radius {
			break
		}
		if length > radius {
			low = lambda
		} else {
			high = lambda
		}
		// Newton on 1/‖y(λ)‖ = 1/radius, which is almost linear
		next := lambda + (length-radius)/radius*length*length/t.energy()
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if next == lambda || high-low <= 1e-15*high {
			break
		}
		lambda = next
	}
	return t.y, lambda
}

// bound returns a lower bound of the eigenvalues of T (Gershgorin).
func (t *tridiagonal) bound() float64 {
	least := math.Inf(1)
	for j, x := range t.diagonal {
		if j > 0 {
			x -= math.Abs(t.off[j-1])
		}
		if j+1 < len(t.diagonal) {
			x -= math.Abs(t.off[j])
		}
		least = math.Min(least, x)
	}
	return least
}

// solve sets y to the solution of (T + λI) y = γ e₁, and reports whether T + λI is positive definite; if not, y is not set.
func (t *tridiagonal) solve(lambda, gamma float64) bool {
	n := len(t.diagonal)
	t.d, t.l, t.y, t.w = resize(t.d, n), resize(t.l, n), resize(t.y, n), resize(t.w, n)
	for j := range n {
		t.d[j] = t.diagonal[j] + lambda
		t.y[j] = gamma
		if j > 0 {
			t.l[j] = t.off[j-1] / t.d[j-1]
			t.d[j] -= t.l[j] * t.off[j-1]
			t.y[j] = -t.l[j] * t.y[j-1]
		}
		if !(t.d[j] > 0) {
			return false
		}
	}
	for j := n - 1; j >= 0; j-- {
		t.y[j] /= t.d[j]
		if j+1 < n {
			t.y[j] -= t.l[j+1] * t.y[j+1]
		}
	}
	return true
}

// energy returns yᵀ(T + λI)⁻¹y of the last solution.
func (t *tridiagonal) energy() float64 {
	var sum float64
	for j, y := range t.y {
		t.w[j] = y
		if j > 0 {
			t.w[j] -= t.l[j] * t.w[j-1]
		}
		sum += t.w[j] * t.w[j] / t.d[j]
	}
	return sum
}

func norm(y []float64) float64 {
	var sum float64
	for _, x := range y {
		sum += x * x
	}
	return math.Sqrt(sum)
}

func resize(x []float64, n int) []float64 {
	for len(x) < n {
		x = append(x, 0)
	}
	return x[:n]
}
