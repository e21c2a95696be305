package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/benchmarks/internal/bench"
)

func TestLowestIsOfThePastOnly(t *testing.T) {
	points := [][2]float64{{1, 9}, {2, 8}, {3, 8.5}, {4, 7}}
	for until, want := range map[float64]float64{0.5: math.Inf(1), 1: 9, 2.5: 8, 3: 8, 4: 7, 99: 7} {
		if got := lowest(points, until); got != want {
			t.Errorf("until %v: %v, want %v", until, got, want)
		}
	}
}

func TestReachedIsDecidedByTheTestFile(t *testing.T) {
	for nll, want := range map[float64]string{8.57: "yes", 8.58: "yes", 8.59: "no"} {
		if got := reached(line{Result: bench.Result{Test: &bench.Score{LossPerStep: &nll}}}, sets[0]); got != want {
			t.Errorf("%v: %s", nll, got)
		}
	}
	if reached(line{}, sets[0]) != "no" {
		t.Error("what was not tested is reached")
	}
}

// Rows have names and files of their own, and are not tested on what they are trained on or stopped by.
func TestRows(t *testing.T) {
	rows, err := choose("jsb,nottingham", "hf,adam", "1,2", "")
	if err != nil || len(rows) != 8 {
		t.Fatal(rows, err)
	}
	seen := map[string]bool{}
	for _, r := range rows {
		j := r.job()
		if seen[j.Name] || !strings.HasSuffix(j.Test, "_test.parquet") {
			t.Errorf("%+v", j)
		}
		seen[j.Name] = true
		for _, name := range j.Config {
			if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, bad := range [][2]string{{"bach", "hf"}, {"jsb", "sgd"}} {
		if _, err := choose(bad[0], bad[1], "1", ""); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestTable(t *testing.T) {
	nll := 8.5
	l := line{Result: bench.Result{Labels: map[string]string{"set": "jsb", "method": "hf", "seed": "1"}, Reason: "patience", BestAt: 9, Iterations: 17, Products: 1200,
		Test: &bench.Score{LossPerStep: &nll}}, Curve: [][2]float64{{0.9, 10}, {4, 8.6}}}
	text := table([]line{l})
	for _, want := range []string{"| JSB chorales | HF | 1 | 8.500 | ≤ 8.58 | yes | 8.91 | 8.600 | 9 | 17 | 1200 | 0 | patience |", "| Nottingham | not run |", "| 1 | 10.000 |", "| 5 | 8.600 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(text, "| 20 |") {
		t.Error("the curve goes on long after its end")
	}
}
