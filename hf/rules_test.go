package hf

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		grid Grid
		want []int
	}{
		{Grid{}, []int{5, 7, 9, 11, 15, 19, 25, 32, 41, 54, 69, 90, 117, 152, 197}}, // ⌈5·1.3ʲ⌉
		{Grid{Start: 1, Ratio: 2}, []int{1, 2, 4, 8, 16}},
		{Grid{Start: 1, Ratio: 1.3}, []int{1, 2, 3, 4, 5, 7, 9, 11, 14}},
		{Grid{Every: 10}, []int{10, 20, 30}},
	} {
		i, got := 0, []int(nil)
		for range c.want {
			i = c.grid.Next(i)
			got = append(got, i)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.grid, got, c.want)
		}
	}
}

func TestSelection(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name               string
		f                  []float64
		global, back, last int
		looked             int // by walking back
	}{
		{"a lower one beyond a hill", []float64{5, 1, 4, 3, 3.5}, 1, 3, 4, 3},
		{"the last is best", []float64{3, 2, 1}, 2, 2, 2, 2},
		{"the first is best", []float64{1, 2, 3}, 0, 0, 2, 3},
		{"one only", []float64{7}, 0, 0, 0, 1},
		{"equals: the later one", []float64{1, 1, 1}, 2, 2, 2, 2},
		{"the last not finite", []float64{4, 3, nan, inf}, 1, 1, 3, 4},
		{"not finite in between", []float64{1, nan, 3}, 0, 2, 2, 2},
		{"none finite", []float64{nan, inf}, 1, 1, 1, 2},
	} {
		for rule, want := range map[Selection]int{SelectGlobal: c.global, SelectWalkBack: c.back, SelectLast: c.last} {
			looked := 0
			j, f, err := rule.choose(len(c.f), func(j int) (float64, error) {
				looked++
				return c.f[j], nil
			})
			if err != nil || j != want || finite(c.f[j]) && f != c.f[j] || !finite(c.f[j]) && finite(f) {
				t.Errorf("%s, %s: chose %d with f = %g, %v; want %d", c.name, rule, j, f, err, want)
			}
			if rule == SelectWalkBack && looked != c.looked {
				t.Errorf("%s: walking back looked at %d, want %d", c.name, looked, c.looked)
			}
		}
	}
}

func TestLineSearch(t *testing.T) {
	parabola := func(a float64) float64 { return (a-0.3)*(a-0.3) - 0.09 } // f(0) = 0, slope −0.6, minimum at 0.3
	for _, c := range []struct {
		name  string
		line  LineSearch
		slope float64
		f     func(float64) float64
		alpha float64
		evals int
	}{
		{"the whole step", LineSearch{}, -1, func(a float64) float64 { return -a }, 1, 1},
		{"reduced", LineSearch{}, -0.6, parabola, math.Pow(0.8, 3), 4},
		{"reduced by half", LineSearch{Factor: 0.5}, -0.6, parabola, 0.5, 2},
		{"decrease too small for c", LineSearch{C: 0.5}, -0.6, parabola, math.Pow(0.8, 6), 7},
		{"uphill slope, lower f", LineSearch{}, 2, func(float64) float64 { return -1e-9 }, 1, 1},
		{"equal f is no decrease", LineSearch{Max: 3}, 0, func(float64) float64 { return 0 }, 0, 4},
		{"never", LineSearch{}, -1, func(a float64) float64 { return a }, 0, 61},
		{"never, few tries", LineSearch{Max: 5}, -1, func(a float64) float64 { return a }, 0, 6},
		{"not finite where long", LineSearch{}, -1, func(a float64) float64 {
			if a > 0.7 {
				return math.NaN()
			}
			return -a
		}, 0.8 * 0.8, 3},
		{"never finite", LineSearch{}, -1, func(float64) float64 { return math.Inf(-1) }, 1, 1},
		{"fixed", LineSearch{Kind: LineSearchFixed, Rate: Schedule{{1, 0.5}}}, -1, func(a float64) float64 { return a }, 0.5, 1},
		{"fixed, not finite", LineSearch{Kind: LineSearchFixed}, -1, func(float64) float64 { return math.NaN() }, 0, 1},
		{"lower rate", LineSearch{Rate: Schedule{{1, 1}, {21, 0.5}}}, -1, func(a float64) float64 { return -a }, 0.75, 1},
	} {
		evals := 0
		alpha, f, err := c.line.search(11, 0, c.slope, func(a float64) (float64, error) {
			evals++
			return c.f(a), nil
		})
		if err != nil || math.Abs(alpha-c.alpha) > 1e-15 || evals != c.evals {
			t.Errorf("%s: α = %g after %d evaluations, %v; want %g after %d", c.name, alpha, evals, err, c.alpha, c.evals)
		}
		if alpha == 0 && f != 0 {
			t.Errorf("%s: f = %g without a step", c.name, f)
		}
	}
	broken := errors.New("broken")
	if _, _, err := (LineSearch{}).search(1, 0, -1, func(float64) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v is lost", err)
	}
}

func TestReductionRatioAndLM(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name          string
		change, model float64
		rho           float64
		verdict       Verdict
		lambda        float64 // from 6
	}{
		{"model as good as exact", -0.9, -1, 0.9, ModelAgrees, 4},
		{"in between", -0.5, -1, 0.5, ModelAgrees, 6},
		{"model promises too much", -0.2, -1, 0.2, ModelAgrees, 9},
		{"at the lower bound", -0.25, -1, 0.25, ModelAgrees, 6},
		{"at the upper bound", -0.75, -1, 0.75, ModelAgrees, 6},
		{"f rises, M < 0", 0.5, -1, -0.5, ModelWrong, 9},
		{"f falls, M > 0", -0.5, 1, -0.5, ModelBehind, 6},
		{"both rise: ρ = 1 is no praise", 1, 1, 1, ModelUseless, 9},
		{"f not finite", math.NaN(), -1, -inf, ModelWrong, 9},
		{"f infinite", inf, -1, -inf, ModelWrong, 9},
		{"f unchanged", 0, -1, 0, ModelWrong, 9},
		{"no model", 0, 0, 0, ModelUseless, 9},
	} {
		rho, verdict := reduction(c.change, c.model)
		lambda := LM{}.Adapt(6, rho, verdict)
		if rho != c.rho && !(rho == 0 && c.rho == 0) || verdict != c.verdict || math.Abs(lambda-c.lambda) > 1e-12 {
			t.Errorf("%s: ρ = %g, %s, λ = %g; want %g, %s, %g", c.name, rho, verdict, lambda, c.rho, c.verdict, c.lambda)
		}
		if got := (LM{Off: true}).Adapt(6, rho, verdict); got != 6 {
			t.Errorf("%s: switched off, and yet λ = %g", c.name, got)
		}
	}
	custom := LM{Low: 0.5, High: 0.6, Raise: 2, Drop: 0.1, Min: 1, Max: 10}
	for _, c := range []struct{ strength, rho, want float64 }{{4, 0.4, 8}, {8, 0.4, 10}, {4, 0.7, 1}, {4, 0.55, 4}} {
		if got := custom.Adapt(c.strength, c.rho, ModelAgrees); got != c.want {
			t.Errorf("from %g with ρ = %g: %g, want %g", c.strength, c.rho, got, c.want)
		}
	}
	for inARow, want := range map[int]float64{1: 1.5, 2: 2.25, 3: 3.375} {
		if got := (LM{}).Reject(1, inARow); got != want {
			t.Errorf("after %d rejections: %g, want %g", inARow, got, want)
		}
	}
}

// P = (d + κ)^ξ, κ being absolute, or relative to the mean of d (section 11.2).
func TestSoften(t *testing.T) {
	for _, c := range []struct{ kappa, ofMean, xi, first, last float64 }{
		{0, 0, 1, 1, 16},
		{0, 0, 0.75, 1, 8},
		{3, 0, 0.5, 2, math.Sqrt(19)},
		{0, 0.5, 1, 4.5, 19.5}, // the mean is 7
		{1, 0.5, 1, 5.5, 20.5},
		{0, -1, 1, 1, 16},
	} {
		d := vec{1, 4, 16}
		soften[float64](d, nil, make(vec, 3), c.kappa, c.ofMean, c.xi)
		if math.Abs(d[0]-c.first) > 1e-12 || math.Abs(d[2]-c.last) > 1e-12 {
			t.Errorf("%+v: %v", c, d)
		}
	}
}

func TestSchedule(t *testing.T) {
	s := Schedule{{10, 0.95}, {20, 0.99}, {21, 0.5}}
	for k, want := range map[int]float64{1: 0.95, 10: 0.95, 15: 0.97, 20: 0.99, 21: 0.5, 1000: 0.5} {
		if got := s.At(k, 7); math.Abs(got-want) > 1e-15 {
			t.Errorf("at %d: %g, want %g", k, got, want)
		}
	}
	if got := Schedule(nil).At(3, 7); got != 7 {
		t.Errorf("an empty schedule gives %g", got)
	}
}
