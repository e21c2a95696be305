package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/benchmarks/internal/bench"
	"curvestream/run/generate"
)

func TestUntil(t *testing.T) {
	for limit, want := range map[int][]int{10: {10}, 63: {63}, 100: {63, 100}, 500: {63, 123, 415, 500}} {
		if got := until(limit); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", limit, got, want)
		}
	}
}

// The table has a line for every line of the log, and one for a limit between two of them.
func TestTable(t *testing.T) {
	text := table([]point{{Stage: 63, Products: 70, Iterations: 5, Train: 17.4, Test: 17.5, Loss: 130}, {Stage: 100, Products: 101, Iterations: 8, Train: 17, Test: 17.1, Loss: 126}})
	for _, want := range []string{"| 63 | 5 | 17.48 | 17.53 | 5 | 70 | 17.4 | 17.5 | 130.00 | 0 | 0 |", "| 100 |  |  |  | 8 | 101 | 17 |", "| 60221 | 300 | 0.12531 | 0.18317 | not run |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// The squared error is that of the model's own images: it is bounded by f, and files that are no reproductions are refused.
func TestSquaredError(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	dir := t.TempDir()
	d, err := bench.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	options := generate.Options{Task: "curves", Train: 20, Test: 10, Seed: 1, Format: "parquet", Dir: data(d)}
	if _, err := generate.Run(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	recipe := filepath.Join(dir, "small.yaml")
	if err := os.WriteFile(recipe, []byte("model: {arch: mlp, hidden: [5], activation: [logistic]}\nrun: {iterations: 0}\nseed: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	j := job(d)
	j.Config, j.Limit = []string{recipe}, bench.Limit{Products: 5}
	r, err := d.Do(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	e, err := squaredError(t.Context(), d, j, "test")
	if err != nil {
		t.Fatal(err)
	}
	if bound := *r.Test.Loss / 2; !(e > 0) || e > bound { // Pinsker's inequality, pixel by pixel
		t.Errorf("squared error %v, want at most %v", e, bound)
	}
	test := filepath.Join(data(d), "test.parquet")
	if same, err := difference(t.Context(), test, test); err == nil {
		t.Errorf("images without reproductions differ by %v", same)
	}
}

// Points of other settings are not taken for those of a run.
func TestPointsFollowTheSettings(t *testing.T) {
	dir := t.TempDir()
	d, recipe := bench.Desk{Dir: dir}, filepath.Join(dir, "recipe.yaml")
	j := bench.Job{Config: []string{recipe}}
	for i, text := range []string{"seed: 1\n", "seed: 1\n", "seed: 2\n"} {
		if err := os.WriteFile(recipe, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := load(d, j)
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{0, 1, 0}[i]; len(p.Points) != want {
			t.Errorf("%q: %d points, want %d", text, len(p.Points), want)
		}
		p.Points = append(p.Points, point{Stage: 63})
		if err := save(d, p); err != nil {
			t.Fatal(err)
		}
	}
}
