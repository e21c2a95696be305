package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
)

func recurrent(in, h, out int) Layout {
	return Layout(nil).Append("W_xh", h, in).Append("W_hh", h, h).Append("b_h", 1, h).Append("h_0", 1, h).Append("W_zh", out, h).Append("b_z", 1, out)
}

func draw(t *testing.T, l Layout, in Init, seed uint64) []float64 {
	t.Helper()
	theta := slices.Repeat([]float64{math.NaN()}, l.Len())
	if err := Initialize(l, theta, in, rand.New(rand.NewPCG(seed, 1))); err != nil {
		t.Fatal(err)
	}
	return theta
}

func values(l Layout, theta []float64, name string) []float64 {
	p, _ := l.Find(name)
	return theta[p.Off : p.Off+p.Size()]
}

func TestSparseInitialisation(t *testing.T) {
	l := recurrent(40, 60, 3)
	theta := draw(t, l, Init{}, 1)
	for _, name := range []string{"b_h", "h_0", "b_z"} {
		for _, x := range values(l, theta, name) {
			if x != 0 {
				t.Errorf("%s is drawn as %g, want 0", name, x)
			}
		}
	}
	for _, p := range l {
		if !p.Decays() {
			continue
		}
		w := values(l, theta, p.Name)
		for i := range p.Rows {
			incoming := 0
			for _, x := range w[i*p.Cols : (i+1)*p.Cols] {
				if x != 0 {
					incoming++
				}
			}
			if incoming != 15 {
				t.Errorf("unit %d has %d incoming weights in %s, want 15", i, incoming, p.Name)
			}
		}
	}
	if r, err := spectralRadius(values(l, theta, "W_hh"), 60); err != nil || math.Abs(r-1.1) > 1e-9 {
		t.Errorf("spectral radius of W_hh = %g, %v, want 1.1", r, err)
	}
	if sd := deviation(values(l, theta, "W_xh")); math.Abs(sd-math.Sqrt(15.0/40)) > 0.05 {
		t.Errorf("W_xh has standard deviation %g, want about %g: N(0, 1) at 15 of 40 places", sd, math.Sqrt(15.0/40))
	}
}

func deviation(w []float64) float64 {
	sum := 0.0
	for _, x := range w {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(w)))
}

func TestOtherInitialisations(t *testing.T) {
	l := recurrent(30, 20, 50)
	theta := draw(t, l, Init{SpectralRadius: -1, Rule: Rule{Scheme: GlorotScheme, Scale: 2}, Rules: map[string]Rule{
		"W_xh": {Scheme: GaussianScheme, Scale: 0.001},
		"W_zh": {Scheme: OrthogonalScheme, Scale: 3},
	}}, 4)
	if sd := deviation(values(l, theta, "W_xh")); sd < 0.0009 || sd > 0.0011 {
		t.Errorf("W_xh has standard deviation %g, want about 0.001", sd)
	}
	bound, most := 2*math.Sqrt(6.0/40), 0.0
	for _, x := range values(l, theta, "W_hh") {
		most = max(most, math.Abs(x))
	}
	if most > bound || most < 0.9*bound {
		t.Errorf("W_hh reaches %g, want nearly %g and not more", most, bound)
	}
	w := values(l, theta, "W_zh") // 50 × 20: columns are orthogonal, of norm 3
	for i := range 20 {
		for j := range 20 {
			dot := 0.0
			for r := range 50 {
				dot += w[r*20+i] * w[r*20+j]
			}
			if want := 9 * float64(btoi(i == j)); math.Abs(dot-want) > 1e-12 {
				t.Errorf("columns %d and %d of W_zh have product %g, want %g", i, j, dot, want)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTanhShift(t *testing.T) {
	l := Layout(nil).Append("W_1", 20, 20).Append("b_1", 1, 20).Append("W_2", 20, 20).Append("b_2", 1, 20).Append("W_3", 20, 20).Append("b_3", 1, 20)
	plain := draw(t, l, Init{}, 2)
	shifted := draw(t, l, Init{TanhShift: true, Activations: []accel.Activation{accel.Tanh, accel.Tanh, accel.Linear}}, 2)
	for name, factor := range map[string]float64{"W_1": 0.5, "W_2": 0.25, "W_3": 1} {
		for i, w := range values(l, shifted, name) {
			if want := factor * values(l, plain, name)[i]; w != want {
				t.Fatalf("%s: %g, want %g", name, w, want)
			}
		}
	}
	for name, want := range map[string]float64{"b_1": 0.5, "b_2": 0.5, "b_3": 0} {
		if b := values(l, shifted, name)[0]; b != want {
			t.Errorf("%s = %g, want %g", name, b, want)
		}
	}
}

// Equal seeds give equal parameters, in both precisions; other seeds give others.
func TestInitialisationIsAFunctionOfTheSeed(t *testing.T) {
	l := recurrent(5, 30, 2)
	a, b, c := draw(t, l, Init{}, 7), draw(t, l, Init{}, 7), draw(t, l, Init{}, 8)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("want equal parameters for equal seeds only")
	}
	single := make([]float32, l.Len())
	if err := Initialize(l, single, Init{}, rand.New(rand.NewPCG(7, 1))); err != nil {
		t.Fatal(err)
	}
	for i, x := range single {
		if x != float32(a[i]) {
			t.Fatalf("float32 parameter %d is %g, float64 %g", i, x, a[i])
		}
	}
}

func TestInitialisationErrors(t *testing.T) {
	l := recurrent(2, 3, 1)
	for want, in := range map[string]Init{
		"must be positive":               {Rule: Rule{Scale: -1}},
		"1 or more":                      {Rule: Rule{FanIn: -2}},
		"W_hx, which is not a weight":    {Rules: map[string]Rule{"W_hx": {}}},
		"h_0, which is not a weight":     {Rules: map[string]Rule{"h_0": {}}},
		"activation of each of 3 layers": {TanhShift: true},
	} {
		err := Initialize(l, make([]float64, l.Len()), in, rand.New(rand.NewPCG(1, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
	if err := Initialize(l, make([]float64, 3), Init{}, rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Error("no error for a θ of the wrong length")
	}
	nilpotent := []float64{0, 1, 0, 0}
	if err := scaleToRadius(nilpotent, 2, 1.1); err == nil {
		t.Error("no error for a matrix whose eigenvalues are zero")
	}
}

// Of a stack, each W_hh is scaled, and a rule without the index of a layer is for all layers but those with one of their own.
func TestInitializeOfLayers(t *testing.T) {
	var l Layout
	for _, name := range []string{"W_hh_l0", "W_hh_l1", "W_in_l0", "W_in_l1", "W_in_l12"} {
		l = l.Append(name, 8, 8)
	}
	theta := make([]float64, l.Len())
	in := Init{SpectralRadius: 0.5, Rules: map[string]Rule{"W_in": {Scheme: GaussianScheme, Scale: 1e-3}, "W_in_l1": {Scheme: GaussianScheme, Scale: 1e3}}}
	if err := Initialize(l, theta, in, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	largest := func(name string) float64 {
		p, _ := l.Find(name)
		most := 0.0
		for _, w := range theta[p.Off : p.Off+p.Size()] {
			most = max(most, math.Abs(w))
		}
		return most
	}
	if largest("W_in_l0") > 0.01 || largest("W_in_l12") > 0.01 || largest("W_in_l1") < 100 {
		t.Errorf("largest weights %g, %g, %g", largest("W_in_l0"), largest("W_in_l12"), largest("W_in_l1"))
	}
	if largest("W_hh_l0") > 1 || largest("W_hh_l1") > 1 || largest("W_hh_l1") == 0 { // N(0, 1) as drawn
		t.Errorf("largest recurrent weights %g and %g: they are not scaled", largest("W_hh_l0"), largest("W_hh_l1"))
	}
	if err := Initialize(l, theta, Init{Rules: map[string]Rule{"W_hh_l2": {}}}, rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Error("a rule for a layer that does not exist is accepted")
	}
}
