package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
)

// activate returns s(a), s′(a) and s″(a): the plain definition of an activation, in float64.
func activate(act accel.Activation, a float64) (s, ds, dds float64) {
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

func TestParse(t *testing.T) {
	for _, name := range activationNames {
		if a, err := ParseActivation(name); err != nil || ActivationName(a) != name {
			t.Errorf("activation %q parses to %v, %v", name, a, err)
		}
	}
	for _, name := range lossNames {
		if l, err := ParseLoss(name); err != nil || LossName(l) != name {
			t.Errorf("loss %q parses to %v, %v", name, l, err)
		}
	}
	for i, name := range schemeNames {
		if s, err := ParseScheme(name); err != nil || int(s) != i {
			t.Errorf("scheme %q parses to %v, %v", name, s, err)
		}
	}
	for _, name := range []string{"", "Tanh", "tanhh"} {
		_, a := ParseActivation(name)
		_, l := ParseLoss(name)
		_, s := ParseScheme(name)
		if a == nil || l == nil || s == nil {
			t.Errorf("%q is taken for a name: %v, %v, %v", name, a, l, s)
		}
	}
}

// The derivatives of an activation are those of its definition, and the backend's are the same functions.
func TestActivations(t *testing.T) {
	const eps = 1e-5
	backend := cpu.New[float64](cpu.Options{})
	for _, name := range activationNames {
		act, _ := ParseActivation(name)
		for _, a := range []float64{-30, -3, -0.4, 0.3, 2, 30} {
			s, ds, dds := activate(act, a)
			up, upD, _ := activate(act, a+eps)
			down, downD, _ := activate(act, a-eps)
			if e := math.Abs(ds - (up-down)/(2*eps)); e > 1e-9 {
				t.Errorf("%s′(%g) is off by %g", name, a, e)
			}
			if e := math.Abs(dds - (upD-downD)/(2*eps)); e > 1e-9 {
				t.Errorf("%s″(%g) is off by %g", name, a, e)
			}
			got := []float64{a, 1, 0, 1, 1} // h, d, rd, d, ra
			onStream(t, backend, got, func(st accel.Stream[float64], m func(i int) accel.Mat[float64]) {
				st.Activate(act, m(0))
				st.MulDerivative(act, m(1), m(0))
				st.AddSecondDerivative(act, m(2), m(3), m(0), m(4))
			})
			for i, want := range []float64{s, ds, dds} {
				if math.Abs(got[i]-want) > 1e-14*max(1, math.Abs(want)) {
					t.Errorf("%s at %g: the backend's derivative %d is %g, want %g", name, a, i, got[i], want)
				}
			}
		}
	}
}

// onStream runs f on a stream, with m(i) a 1 × 1 matrix over values[i], and reads the results back.
func onStream(t *testing.T, backend accel.Backend[float64], values []float64, f func(s accel.Stream[float64], m func(i int) accel.Mat[float64])) {
	t.Helper()
	v, err := backend.FromHost(append([]float64(nil), values...))
	if err != nil {
		t.Fatal(err)
	}
	err = backend.Run(1, func(_ int, s accel.Stream[float64]) error {
		f(s, func(i int) accel.Mat[float64] { return accel.NewMat(v, i, 1, 1) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	v.Read(values)
}

// ∇L and L″ are the derivatives of L (table 2), and the backend's are the same functions.
func TestLosses(t *testing.T) {
	const eps = 1e-5
	rng := rand.New(rand.NewPCG(3, 3))
	backend := cpu.New[float64](cpu.Options{})
	for _, name := range lossNames {
		loss, _ := ParseLoss(name)
		const m = 4
		z, target, v := make([]float64, m), make([]float64, m), make([]float64, m)
		for i := range z {
			z[i], v[i] = 2*rng.NormFloat64(), rng.NormFloat64()
			target[i] = rng.Float64()
		}
		if loss == accel.SoftmaxCrossEntropy {
			clear(target)
			target[2] = 1
		}
		p := Predict(loss, z)
		g, lv := LossGradient(loss, p, target), LossCurvature(loss, p, target, v)
		up, down := make([]float64, m), make([]float64, m)
		for i := range z {
			up[i], down[i] = z[i]+eps*v[i], z[i]-eps*v[i]
		}
		slope := (Loss(loss, up, target) - Loss(loss, down, target)) / (2 * eps)
		if e := math.Abs(accel.Slice[float64](g).Dot(accel.Slice[float64](v)) - slope); e > 1e-8 {
			t.Errorf("%s: ∇L is off by %g", name, e)
		}
		gUp, gDown := LossGradient(loss, Predict(loss, up), target), LossGradient(loss, Predict(loss, down), target)
		for i := range lv {
			if e := math.Abs(lv[i] - (gUp[i]-gDown[i])/(2*eps)); e > 1e-8 {
				t.Errorf("%s: L″v is off by %g", name, e)
			}
		}
		for _, c := range []accel.Convexity{accel.Indefinite, accel.Dropped, accel.Shifted} {
			compareLoss(t, backend, loss.Shows(c), z, target, slices.Clone(v))
		}
	}
}

func compareLoss(t *testing.T, backend accel.Backend[float64], loss accel.Loss, z, target, v []float64) {
	t.Helper()
	const weight = 0.75
	m := len(z)
	vec, err := backend.FromHost(append(append(append(append([]float64(nil), z...), z...), v...), target...))
	if err != nil {
		t.Fatal(err)
	}
	row := func(i int) accel.Mat[float64] { return accel.NewMat(vec, i*m, 1, m) }
	targets := accel.Targets[float64]{Dense: row(3), Weight: []float64{weight}}
	if loss == accel.SoftmaxCrossEntropy {
		targets.Dense, targets.Class = accel.Mat[float64]{}, []int32{2}
	}
	sums := make([]float64, 1)
	err = backend.Run(1, func(_ int, s accel.Stream[float64]) error {
		s.LossSums(loss, row(0), targets, []int32{0}, sums)
		s.Predict(loss, row(0))
		s.LossCurvature(loss, row(0), targets, row(2))
		s.CopyMat(row(1), row(0))
		s.LossGradient(loss, row(1), targets)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float64, 4*m)
	vec.Read(got)
	p := Predict(loss, z)
	want := append(append(slices.Clone(p), LossGradient(loss, p, target)...), LossCurvature(loss, p, target, v)...)
	for i, w := range want {
		if i >= m {
			w *= weight
		}
		if math.Abs(got[i]-w) > 1e-14 {
			t.Errorf("loss %d: element %d of p, ∇L, L″v is %g on the backend, want %g", loss, i, got[i], w)
		}
	}
	if want := weight * Loss(loss, z, target); math.Abs(sums[0]-want) > 1e-13 {
		t.Errorf("loss %d: L is %g on the backend, want %g", loss, sums[0], want)
	}
}

// L stays finite and exact where a prediction saturates.
func TestLossesDoNotOverflow(t *testing.T) {
	for _, z := range []float64{-800, 800} {
		for _, target := range []float64{0, 1} {
			want := math.Max(z, 0) - target*z
			if got := Loss(accel.LogisticCrossEntropy, []float64{z}, []float64{target}); got != want {
				t.Errorf("logistic L(%g; %g) = %g, want %g", z, target, got, want)
			}
		}
	}
	if got := Loss(accel.SoftmaxCrossEntropy, []float64{900, -900}, []float64{0, 1}); got != 1800 {
		t.Errorf("softmax L = %g, want 1800", got)
	}
}
