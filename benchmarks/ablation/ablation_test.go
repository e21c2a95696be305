package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/benchmarks/internal/bench"
	"curvestream/run/config"
)

// Every variant of every problem is a configuration that the program accepts, and none is the recipe under another name.
func TestVariantsAreSettings(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	for _, p := range problems {
		all, err := p.variants()
		if err != nil {
			t.Fatal(err)
		}
		recipe, err := p.settings(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all[1:] {
			if r, err := p.settings(v.set); err != nil || len(config.Differences(&recipe.Config, &r.Config)) == 0 {
				t.Errorf("%s, %s: %v, or it changes nothing", p.name, v.name, err)
			}
		}
	}
	if _, err := problems[0].settings([]string{"cg.maximum=3"}); err == nil {
		t.Error("a key that there is not was accepted")
	}
}

// Only variants that mean something for a problem are run on it, under names of their own, and the baseline changes nothing.
func TestChoose(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	for _, c := range []struct {
		problem, variant string
		want             int
	}{
		{"autoencoder", "structural-off", 0}, {"adding30", "structural-off", 1}, {"adding30", "init-glorot", 0}, {"adding30", "structural-on", 0}, {"jsb", "structural-on", 1}, {"jsb", "structural-off", 0}, {"autoencoder", "precond-fisher", 0}, {"jsb", "init-glorot", 1}, {"jsb", "baseline,hessian", 2},
	} {
		rows, err := choose(c.problem, c.variant, "1")
		if len(rows) != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s, %s: %d rows, %v", c.problem, c.variant, len(rows), err)
		}
	}
	if _, err := choose("mnist", "", "1"); err == nil {
		t.Error("a problem that there is not was chosen")
	}
	rows, err := choose(strings.Join(problemNames(), ","), "", "1")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range rows {
		if name := r.job().Name; seen[name] {
			t.Errorf("two rows are called %s", name)
		} else {
			seen[name] = true
		}
		if (r.variant.name == baseline) != (len(r.variant.set) == 0) {
			t.Errorf("%s of %s changes %v", r.variant.name, r.problem.name, r.variant.set)
		}
	}
}

// A held-out minibatch is taken from the gradient's: the three together are no more sequences than before.
func TestHeldOut(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	rows, err := choose("jsb", "holdout", "1")
	if err != nil {
		t.Fatal(err)
	}
	if got := rows[0].variant.set[:3]; !slices.Equal(got, []string{"batch.gradient=171", "batch.curvature=85", "batch.held_out=58"}) {
		t.Error(got)
	}
}

func TestProductsTo(t *testing.T) {
	rows := []map[string]any{{"f": 3.0, "products": 10.0}, {"f": nil, "products": 20.0}, {"f": 1.0, "products": 30.0}, {"f": 2.0, "products": 40.0}}
	for target, want := range map[float64]int{5: 10, 3: 10, 2.5: 30, 1: 30, 0.5: -1} {
		if got := productsTo(rows, target); got != want {
			t.Errorf("%v: %d, want %d", target, got, want)
		}
	}
}

func TestCells(t *testing.T) {
	f := 80.0
	l := line{bench.Result{State: bench.AtLimit, Reason: "products", Products: 1601, Loss: &f, Iterations: 20}, []int{390, -1}}
	if got := strings.Join(problems[0].cells(variants[0], l), "|"); got != "the recipe|-|390|not reached|80|20|1601|0|0|0|products" {
		t.Error(got)
	}
	if got := problems[0].cells(variants[1], line{Result: bench.Result{State: bench.Started}}); got[2] != "not run" {
		t.Error(got)
	}
}
