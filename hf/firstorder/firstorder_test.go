package firstorder

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/hf"
)

type vec = accel.Slice[float64]

// banana is Rosenbrock's function, on minibatches that may differ by iteration and may fail.
type banana struct {
	k       int
	shift   func(k int) float64 // moves the minimum
	spoil   bool                // f and ∇f are NaN away from the start
	fail    error
	failAt  int
	calls   int
	uphill  bool // f rises along −∇f
	at      []vec
	linears int
}

func (b *banana) Advance(_ context.Context, k int) error {
	b.k = k
	return nil
}

func (b *banana) value(theta vec) (f, g0, g1 float64) {
	x, y := theta[0], theta[1]
	if b.shift != nil {
		x -= b.shift(b.k)
	}
	f = 100*(y-x*x)*(y-x*x) + (1-x)*(1-x)
	g0, g1 = -400*x*(y-x*x)-2*(1-x), 200*(y-x*x)
	if b.uphill {
		g0, g1 = -g0, -g1
	}
	if b.spoil {
		f, g0 = math.NaN(), math.NaN()
	}
	return f, g0, g1
}

func (b *banana) call() error {
	b.calls++
	if b.calls == b.failAt {
		return b.fail
	}
	return nil
}

func (b *banana) Loss(_ context.Context, _ hf.Role, theta accel.Vector[float64]) (float64, error) {
	f, _, _ := b.value(theta.(vec))
	return f, b.call()
}

func (b *banana) Gradient(_ context.Context, theta, grad, _ accel.Vector[float64]) (float64, error) {
	f, g0, g1 := b.value(theta.(vec))
	grad.Write([]float64{g0, g1})
	b.at = append(b.at, append(vec(nil), theta.(vec)...))
	return f, b.call()
}

func (b *banana) Linearize(context.Context, accel.Vector[float64]) (hf.Linearization[float64], error) {
	b.linears++
	return nil, errors.New("a first-order method asks for curvature")
}

func run(t *testing.T, b *banana, s Settings, steps int) (*Optimizer[float64], vec, hf.Report) {
	t.Helper()
	theta := vec{-1.2, 1}
	o, err := New(b, theta, s)
	if err != nil {
		t.Fatal(err)
	}
	var r hf.Report
	for range steps {
		if r, err = o.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return o, theta, r
}

func TestSGDIsNesterov(t *testing.T) {
	s := Settings{Rate: hf.Schedule{{Iteration: 1, Value: 1e-4}, {Iteration: 3, Value: 3e-4}}, Momentum: hf.Schedule{{Iteration: 1, Value: 0.9}, {Iteration: 2, Value: 0.8}, {Iteration: 3, Value: 0.7}}}
	b := &banana{}
	_, theta, r := run(t, b, s, 3)
	x, v := vec{-1.2, 1}, vec{0, 0}
	for k, c := range []struct{ rate, mu float64 }{{1e-4, 0.9}, {2e-4, 0.8}, {3e-4, 0.7}} {
		ahead := vec{x[0] + c.mu*v[0], x[1] + c.mu*v[1]}
		_, g0, g1 := b.value(ahead)
		v = vec{c.mu*v[0] - c.rate*g0, c.mu*v[1] - c.rate*g1}
		x = vec{x[0] + v[0], x[1] + v[1]}
		for i := range ahead {
			if math.Abs(b.at[k][i]-ahead[i]) > 1e-14 {
				t.Errorf("gradient %d is taken at %v, want %v", k+1, b.at[k], ahead)
			}
		}
	}
	if math.Abs(theta[0]-x[0])+math.Abs(theta[1]-x[1]) > 1e-14 || math.Abs(r.StepNorm-math.Hypot(v[0], v[1])) > 1e-14 {
		t.Errorf("θ = %v, want %v", theta, x)
	}
}

// The schedule of Sutskever et al. (2013).
func TestMomentumSchedule(t *testing.T) {
	for k, want := range map[int]float64{1: 0.5, 250: 0.5, 251: 0.75, 501: 1 - 0.5/3, 751: 0.875, 250*24 + 1: 0.98, 1e6: 0.99} {
		if got := (Settings{}).WithDefaults().momentum(k); math.Abs(got-want) > 1e-12 {
			t.Errorf("μ of iteration %d is %g, want %g", k, got, want)
		}
	}
	if got := (Settings{MuMax: -1}).WithDefaults().momentum(1000); got != 0 {
		t.Errorf("without momentum μ = %g", got)
	}
}

func TestAdamAgainstItsFormulas(t *testing.T) {
	b := &banana{}
	s := Settings{Method: Adam, Rate: hf.Schedule{{Iteration: 1, Value: 0.1}}, Clip: 50}
	_, theta, _ := run(t, b, s, 4)
	x, m, v := vec{-1.2, 1}, vec{0, 0}, vec{0, 0}
	for k := 1.0; k <= 4; k++ {
		_, g0, g1 := b.value(x)
		g := vec{g0, g1}
		if length := math.Hypot(g0, g1); length > 50 {
			g.Scale(50 / length)
		}
		for i := range g {
			m[i] = 0.9*m[i] + 0.1*g[i]
			v[i] = 0.999*v[i] + 0.001*g[i]*g[i]
			x[i] -= 0.1 * (m[i] / (1 - math.Pow(0.9, k))) / (math.Sqrt(v[i]/(1-math.Pow(0.999, k))) + 1e-8)
		}
	}
	if math.Abs(theta[0]-x[0])+math.Abs(theta[1]-x[1]) > 1e-12 {
		t.Errorf("θ = %v, want %v", theta, x)
	}
}

func TestMethodsReachTheMinimum(t *testing.T) {
	for _, c := range []struct {
		s     Settings
		steps int
		f     float64
	}{
		{Settings{Method: LBFGS}, 60, 1e-12},
		{Settings{Method: Adam, Rate: hf.Schedule{{Iteration: 1, Value: 0.02}}}, 4000, 1e-3},
		{Settings{Method: SGD, Rate: hf.Schedule{{Iteration: 1, Value: 1e-4}}}, 4000, 1e-3},
	} {
		b := &banana{}
		o, err := New(b, vec{-1.2, 1}, c.s)
		if err != nil {
			t.Fatal(err)
		}
		var r hf.Report
		for range c.steps {
			if r, err = o.Step(t.Context()); err != nil || r.F < c.f || r.Outcome == hf.Stationary {
				break
			}
			if c.s.Method == LBFGS && r.F >= r.F0 {
				t.Fatalf("f rises from %g to %g in iteration %d", r.F0, r.F, r.Iteration)
			}
		}
		if !(r.F < c.f) {
			t.Errorf("%s: f = %g after %d iterations, %v", c.s.Method, r.F, r.Iteration, err)
		}
		if b.linears > 0 || o.Progress().Gradients+o.Progress().Losses != int64(b.calls) {
			t.Errorf("%s: %d gradients and %d evaluations are counted, %d made", c.s.Method, o.Progress().Gradients, o.Progress().Losses, b.calls)
		}
	}
}

// The two-loop recursion is −Hg with the H that BFGS's update makes, pair by pair, of sᵀy/yᵀy I.
func TestLBFGSDirectionIsThatOfBFGS(t *testing.T) {
	pairs := []pair[float64]{{s: vec{1, 0.5}, y: vec{2, 0.3}}, {s: vec{-0.2, 1}, y: vec{0.1, 4}}}
	for i := range pairs {
		pairs[i].sy = pairs[i].s.Dot(pairs[i].y)
	}
	last := pairs[1]
	scale := last.sy / last.y.Dot(last.y)
	H := [2][2]float64{{scale, 0}, {0, scale}}
	for _, p := range pairs { // H ← (I − syᵀ/sᵀy) H (I − ysᵀ/sᵀy) + ssᵀ/sᵀy
		s, y := p.s.(vec), p.y.(vec)
		var next [2][2]float64
		for i := range 2 {
			for j := range 2 {
				next[i][j] = s[i] * s[j] / p.sy
				for k := range 2 {
					for l := range 2 {
						left, right := -s[i]*y[k]/p.sy, -y[l]*s[j]/p.sy
						if i == k {
							left++
						}
						if l == j {
							right++
						}
						next[i][j] += left * H[k][l] * right
					}
				}
			}
		}
		H = next
	}
	l, g := &lbfgs[float64]{pairs: pairs, d: make(vec, 2)}, vec{3, -1}
	l.direction(g)
	for i, d := range l.d.(vec) {
		if want := -H[i][0]*g[0] - H[i][1]*g[1]; math.Abs(d-want) > 1e-12 {
			t.Errorf("element %d of the direction is %g, want %g", i, d, want)
		}
	}
}

func TestDefaultRates(t *testing.T) {
	for method, want := range map[Method]float64{SGD: 0.01, Adam: 0.001, LBFGS: 1} {
		if got := (Settings{Method: method}).WithDefaults().Rate.At(9, 0); got != want {
			t.Errorf("%s: the rate is %g where none is given, want %g", method, got, want)
		}
	}
}

// Both gradients of a pair are of one minibatch: with minima that jump about, curvature is still that of the function.
func TestLBFGSPairsAreOfOneMinibatch(t *testing.T) {
	jump := func(k int) float64 { return 0.3 * math.Pow(-1, float64(k)) }
	o, _, _ := run(t, &banana{shift: jump}, Settings{Method: LBFGS, Pairs: 2}, 5)
	memory := o.State().Memory
	if len(memory) != 4 {
		t.Fatalf("%d vectors, want those of 2 pairs", len(memory))
	}
	for i := 0; i < 4; i += 2 {
		if sy := vec(memory[i]).Dot(vec(memory[i+1])); sy <= 0 {
			t.Errorf("sᵀy = %g", sy)
		}
	}
	b := &banana{shift: jump}
	run(t, b, Settings{Method: LBFGS}, 1)
	moved := vec{b.at[1][0] + 1.2, b.at[1][1] - 1}
	before, after := vec{0, 0}, vec{0, 0}
	_, before[0], before[1] = b.value(b.at[0])
	_, after[0], after[1] = b.value(b.at[1])
	o2, _, _ := run(t, &banana{shift: jump}, Settings{Method: LBFGS}, 1)
	if pair := o2.State().Memory; len(pair) == 2 {
		for i := range moved {
			if math.Abs(pair[0][i]-moved[i]) > 1e-12 || math.Abs(pair[1][i]-(after[i]-before[i])) > 1e-9 {
				t.Errorf("pair %v, want %v and %v − %v", pair, moved, after, before)
			}
		}
	}
}

func TestResumedRunEqualsTheUninterruptedOne(t *testing.T) {
	for _, method := range []Method{SGD, Adam, LBFGS} {
		s := Settings{Method: method, Pairs: 3, Rate: hf.Schedule{{Iteration: 1, Value: 1e-3}}}
		whole, theta, _ := run(t, &banana{}, s, 12)
		first, _, _ := run(t, &banana{}, s, 7)
		again := vec{5, 5}
		second, err := New(&banana{}, again, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := second.SetState(first.State()); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := second.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(again, theta) || !reflect.DeepEqual(second.State(), whole.State()) {
			t.Errorf("%s: θ = %v, uninterrupted %v", method, again, theta)
		}
	}
}

func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	for _, method := range []Method{SGD, Adam, LBFGS} {
		s := Settings{Method: method, MaxRejections: 3, Rate: hf.Schedule{{Iteration: 1, Value: 1e-3}}}
		for failAt := 1; failAt <= map[Method]int{SGD: 1, Adam: 1, LBFGS: 3}[method]; failAt++ {
			b := &banana{fail: broken, failAt: failAt}
			o, err := New(b, vec{-1.2, 1}, s)
			if err != nil {
				t.Fatal(err)
			}
			before := o.State()
			if _, err := o.Step(t.Context()); !errors.Is(err, broken) || !reflect.DeepEqual(o.State(), before) {
				t.Errorf("%s, call %d: %v, state %v", method, failAt, err, o.State())
			}
			if r, err := o.Step(t.Context()); err != nil || r.Iteration != 1 || r.Outcome != hf.Accepted {
				t.Errorf("%s: tried again: %+v, %v", method, r, err)
			}
		}
		theta := vec{-1.2, 1}
		o, _ := New(&banana{spoil: true}, theta, s)
		for i := 1; i <= 3; i++ {
			r, err := o.Step(t.Context())
			if r.Outcome != hf.NonFinite || theta[0] != -1.2 || errors.Is(err, hf.ErrDiverged) != (i == 3) {
				t.Errorf("%s: NaN: %s, θ = %v, %v", method, r.Outcome, theta, err)
			}
		}
	}
	o, _ := New(&banana{uphill: true}, vec{-1.2, 1}, Settings{Method: LBFGS, MaxRejections: 1})
	if r, err := o.Step(t.Context()); r.Outcome != hf.NoDecrease || !errors.Is(err, hf.ErrStalled) {
		t.Errorf("uphill: %s, %v", r.Outcome, err)
	}
	stationary, _ := New(&banana{}, vec{1, 1}, Settings{Method: Adam})
	if r, err := stationary.Step(t.Context()); r.Outcome != hf.Stationary || err != nil {
		t.Errorf("at the minimum: %s, %v", r.Outcome, err)
	}
}

func TestSettingsAndStatesThatDoNotFit(t *testing.T) {
	for field, s := range map[string]Settings{
		"Method": {Method: 9}, "Rate[0]": {Rate: hf.Schedule{{Iteration: 1, Value: 0}}}, "Momentum[0]": {Momentum: hf.Schedule{{Iteration: 1, Value: 1}}},
		"MuMax": {MuMax: 1}, "Clip": {Clip: -1}, "Beta1": {Beta1: 1}, "Beta2": {Beta2: -1}, "Epsilon": {Epsilon: -1}, "Pairs": {Pairs: -1},
		"MaxRejections": {MaxRejections: -1},
	} {
		if _, err := New(&banana{}, vec{1, 1}, s); err == nil || !strings.Contains(err.Error(), "setting "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, m := range []Method{SGD, Adam, LBFGS} {
		var back Method
		if err := back.UnmarshalText([]byte(m.String())); err != nil || back != m {
			t.Errorf("%s becomes %s, %v", m, back, err)
		}
	}
	if new(Method).UnmarshalText([]byte("rprop")) == nil {
		t.Error("rprop is a method")
	}
	adam, _, _ := run(t, &banana{}, Settings{Method: Adam}, 2)
	for name, spoil := range map[string]func(s *hf.State[float64]){
		"2 parameters":          func(s *hf.State[float64]) { s.Theta = s.Theta[:1] },
		"1 vectors besides":     func(s *hf.State[float64]) { s.Memory = s.Memory[:1] },
		"element 1 of vector":   func(s *hf.State[float64]) { s.Memory[1][1] = math.NaN() },
		"not that of adam":      func(s *hf.State[float64]) { s.Delta = []float64{1, 2} },
		"element 0 of vector 0": func(s *hf.State[float64]) { s.Theta[0] = math.Inf(1) },
	} {
		s := adam.State()
		spoil(&s)
		if err := adam.SetState(s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(&banana{}, vec{}, Settings{}); err == nil {
		t.Error("an empty θ is taken")
	}
}
