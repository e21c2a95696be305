package cpu

import (
	"math"
	"testing"

	"curvestream/accel"
)

// TestUlp measures activations and exponentials in units in the last place of the exact value, over all exponents of their
// arguments and densely where they bend, for full registers and for masked ones.
func TestUlp(t *testing.T) {
	forEachPath(t, func(t *testing.T, p path) {
		t.Run("float32", func(t *testing.T) { testUlp(t, kernelsFor[float32](p)) })
		t.Run("float64", func(t *testing.T) { testUlp(t, kernelsFor[float64](p)) })
	})
}

func testUlp[F accel.Float](t *testing.T, k *kernels[F]) {
	for _, f := range []struct {
		name    string
		run     func(x []F)
		exact   func(x float64) float64
		allowed float64 // in ulp
	}{
		{"tanh", k.activate[accel.Tanh], math.Tanh, 6},
		{"logistic", k.activate[accel.Logistic], sigma, 3},
		{"exp", func(x []F) { k.expShifted(0, x) }, math.Exp, 2},
		{"log(1+exp(x))", func(x []F) { k.crossEntropy(x, x, make([]F, len(x))) }, func(x float64) float64 {
			return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
		}, 3},
	} {
		x := arguments[F]()
		y := append([]F(nil), x...)
		f.run(y)
		worst, where := 0.0, F(0)
		for i := range x {
			if e := ulps(y[i], f.exact(float64(x[i]))); !(e <= worst) {
				worst, where = e, x[i]
			}
			if i%97 == 0 { // alone, it falls into a masked register
				one := []F{x[i]}
				if f.run(one); !same(one[0], y[i]) {
					t.Fatalf("%s(%v) is %v alone and %v among others", f.name, x[i], one[0], y[i])
				}
			}
		}
		t.Logf("%s: %.2f ulp, at %v", f.name, worst, where)
		if !(worst <= f.allowed) {
			t.Errorf("%s is %.3g ulp off at %v: more than %v", f.name, worst, where, f.allowed)
		}
	}
}

func same[F accel.Float](a, b F) bool { return a == b || a != a && b != b }

// arguments returns numbers of both signs and all exponents, a dense range around 0, zeros, infinities and NaN.
func arguments[F accel.Float]() []F {
	x := []F{0, F(math.Copysign(0, -1)), F(math.Inf(1)), F(math.Inf(-1)), F(math.NaN())}
	for e := -1080.0; e < 1024; e += 0.037 {
		if v := F(math.Exp2(e)); v > 0 && !math.IsInf(float64(v), 0) {
			x = append(x, v, -v)
		}
	}
	for v := -110.0; v < 92; v += 0.00731 {
		x = append(x, F(v), F(v/10))
	}
	return x
}

// ulps returns the distance of y from an exact value in units in the last place of F, which below the smallest normal number
// are those of subnormal ones. It is NaN where y is wrongly NaN or not NaN, or wrongly infinite.
func ulps[F accel.Float](y F, exact float64) float64 {
	if want := F(exact); math.IsNaN(exact) || math.IsInf(float64(want), 0) || y == want {
		if same(y, want) {
			return 0
		}
		return math.NaN()
	}
	_, exponent := math.Frexp(exact)
	if _, single := any(y).(float32); single {
		return math.Abs(float64(y)-exact) / math.Ldexp(1, max(exponent-24, -149))
	}
	return math.Abs(float64(y)-exact) / math.Ldexp(1, max(exponent-53, -1074))
}
