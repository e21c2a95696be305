package train

import (
	"slices"
	"strings"
	"testing"

	"curvestream/hf"
	"curvestream/hf/firstorder"
	"curvestream/nn"
	"curvestream/run/config"
)

func settings(t *testing.T, text string) *config.Config {
	t.Helper()
	r, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &r.Config
}

// What a person sets arrives in the package that does it.
func TestSettingsArriveInTheOptimizer(t *testing.T) {
	s, err := optimizerSettings(settings(t, `
seed: 7
method: {kind: ksd}
curvature: {kind: ggn}
ksd: {size: 5, iterations: 6, batch: held_out, floor: 0.01}
damping: {kind: none, exponent: 0.5, kappa: 3, kappa_of_mean: 0, floor: "1:0,9:2"}
cg: {max_schedule: "1:50,9:25", backtrack_by: model, start: highest, watch: 3}
precond: {kind: unbiased_normal, draws: 4, kappa_of_mean: 0.1}
line_search: {rate_schedule: "1:1,5:0.5"}
batch: {growth_theta: 0.5, growth_factor: 3}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"method", s.Method == hf.MethodKSD && s.KSD == hf.KSD{Size: 5, Iterations: 6, Role: hf.HeldOut, Floor: 0.01}},
		{"damping matrix", s.DampingShape == hf.Interpolation{Xi: 0.5, Kappa: 3, KappaOfMean: -1}},
		{"floor", slices.Equal(s.LambdaFloor, hf.Schedule{{Iteration: 1, Value: 0}, {Iteration: 9, Value: 2}})},
		{"max of CG", s.CG.MaxSchedule.At(9, 0) == 25},
		{"selection", s.Select.Model},
		{"start", s.CG.Start == hf.StartHighest},
		{"preconditioner", s.Precondition == hf.PreconditionSettings{Kind: hf.PreconditionNormal, Draws: 4, Seed: 7, Xi: 0.75, KappaOfMean: 0.1}},
		{"rate", s.LineSearch.Rate.At(5, 0) == 0.5},
		{"growth", s.Growth == hf.Growth{Theta: 0.5, Factor: 3}},
	} {
		if !c.ok {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
	f, err := firstOrderSettings(settings(t, "method: {kind: adam}\nfirst_order: {rate: \"1:0.5\", momentum_max: 0, momentum: \"1:0.5\", clip: 2, beta1: 0.8, beta2: 0.9, epsilon: 1e-6, pairs: 3}\nrun: {max_rejection: 4}\n"))
	if err != nil || f.Method != firstorder.Adam || f.Rate.At(1, 0) != 0.5 || f.MuMax != -1 || f.Momentum.At(1, 0) != 0.5 || f.Clip != 2 || f.Beta1 != 0.8 ||
		f.Beta2 != 0.9 || f.Epsilon != 1e-6 || f.Pairs != 3 || f.MaxRejections != 4 {
		t.Errorf("%+v, %v", f, err)
	}
}

// The settings of every recipe are settings that the optimizer takes.
func TestRecipesMakeOptimizers(t *testing.T) {
	for _, name := range config.Recipes() {
		text, err := config.Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := optimizerSettings(settings(t, string(text))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScaleOfParameters(t *testing.T) {
	layout := nn.Layout{{Name: "W", Rows: 1, Cols: 2, Off: 0}, {Name: "b", Rows: 1, Cols: 1, Off: 2}}
	if s, err := scaleOf(layout, map[string]float64{"b": 4}); err != nil || !slices.Equal(s, []float64{1, 1, 4}) {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := scaleOf(layout, nil); err != nil || s != nil {
		t.Errorf("without a scale: %v, %v", s, err)
	}
	if _, err := scaleOf(layout, map[string]float64{"c": 4}); err == nil || !strings.Contains(err.Error(), "it has W, b") {
		t.Errorf("an unknown parameter: %v", err)
	}
}

func TestProductsOfAnIteration(t *testing.T) {
	for text, want := range map[string]int{
		"cg: {max: 30}\n": 30, "cg: {max: 30, max_schedule: \"1:20,5:25\"}\n": 25, "method: {kind: ksd}\nksd: {size: 7}\n": 8, "method: {kind: adam}\n": 0,
	} {
		if got := products(settings(t, text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
