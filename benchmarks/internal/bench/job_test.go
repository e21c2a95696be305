package bench

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A job is due again when what it was stopped by is raised, and only then.
func TestBeyond(t *testing.T) {
	for _, c := range []struct {
		name     string
		now, old Limit
		reason   string
		want     bool
	}{
		{"more products", Limit{Products: 20}, Limit{Products: 10}, "products", true},
		{"no limit any more", Limit{}, Limit{Products: 10}, "products", true},
		{"the same", Limit{Products: 10}, Limit{Products: 10}, "products", false},
		{"less", Limit{Products: 5}, Limit{Products: 10}, "products", false},
		{"more time, but it used its products", Limit{Products: 10, Time: time.Hour}, Limit{Products: 10, Time: time.Minute}, "products", false},
		{"more time", Limit{Time: time.Hour}, Limit{Time: time.Minute}, "time", true},
		{"more iterations", Limit{Iterations: 9}, Limit{Iterations: 8}, "iterations", true},
		{"iterations of the recipe", Limit{Products: 10}, Limit{}, "iterations", false},
		{"at its target", Limit{Products: 20}, Limit{Products: 10}, "target_error", false},
	} {
		if got := c.now.beyond(c.old, c.reason); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// The digest follows the recipe's text and the arguments, and not the limit.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	recipe := filepath.Join(dir, "recipe.yaml")
	write(t, recipe, "seed: 1\n")
	j := Job{Name: "a", Config: []string{recipe}, Args: []string{"--seed", "1"}, Test: "x"}
	before := digest(t, j)
	limited := j
	limited.Limit = Limit{Products: 5}
	if digest(t, limited) != before {
		t.Error("the limit changes the digest")
	}
	more := j
	more.Args = []string{"--seed", "1", "--quiet"}
	if digest(t, more) == before {
		t.Error("arguments do not change the digest")
	}
	write(t, recipe, "seed: 2\n")
	if digest(t, j) == before {
		t.Error("the recipe does not change the digest")
	}
}

// A job is done once, goes on where its limit is raised, ends where a single run with the higher limit ends, goes on from the
// checkpoint where it was interrupted, and is done anew where its recipe has changed.
func TestDo(t *testing.T) {
	dir := t.TempDir()
	d := desk(t, dir)
	recipe := filepath.Join(dir, "recipe.yaml")
	write(t, recipe, "model: {hidden: [6], activation: [tanh]}\nbatch: {gradient: 20, curvature: 10}\neval: {every: 2}\nrun: {iterations: 40}\n")
	j := Job{Name: "row", Config: []string{recipe}, Args: []string{"--data", "gen:addition?length=10&seed=1", "--valid", "gen:addition?length=10&seed=2&n=20", "--seed", "1"},
		Test: "gen:addition?length=10&seed=3&n=30", Limit: Limit{Products: 10}}
	first := do(t, d, j)
	if first.State != AtLimit || first.Reason != "products" || first.Products < 10 || first.Test.Sequences != 30 || first.Sequences != 20*first.Iterations {
		t.Fatalf("%+v", first)
	}
	if again := do(t, d, j); again.CPUSeconds != first.CPUSeconds {
		t.Error("a job at its limit was done again")
	}
	j.Limit.Products = 40
	second := do(t, d, j)
	straight := j
	straight.Name = "straight"
	if whole := do(t, d, straight); second.Products <= first.Products || whole.Products != second.Products || *whole.Test.Loss != *second.Test.Loss {
		t.Errorf("with the limit raised: %+v; in one go: %+v", second, whole)
	}
	lost := second
	lost.State, lost.Iterations = Started, 0
	if err := d.save(lost); err != nil {
		t.Fatal(err)
	}
	if after := do(t, d, j); after.Iterations != second.Iterations || *after.Test.Loss != *second.Test.Loss {
		t.Errorf("after an interruption: %+v, want %+v", after, second)
	}
	write(t, recipe, "model: {hidden: [5], activation: [tanh]}\nbatch: {gradient: 20, curvature: 10}\nrun: {iterations: 1}\n")
	if _, known, err := d.Result(j); known || err != nil {
		t.Errorf("the result of an old recipe is known: %v", err)
	}
	if anew := do(t, d, j); anew.State != Finished || anew.Iterations != 1 {
		t.Errorf("done anew: %+v", anew)
	}
}

// A run that fails leaves a row that is not finished, and the program's own words.
func TestDoFails(t *testing.T) {
	d := desk(t, t.TempDir())
	_, err := d.Do(t.Context(), Job{Name: "row", Args: []string{"--data", "gen:nothing?length=10"}})
	if err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("%v", err)
	}
	r, known, err := d.Result(Job{Name: "row", Args: []string{"--data", "gen:nothing?length=10"}})
	if err != nil || !known || r.State != Started {
		t.Errorf("%+v, %v, %v", r, known, err)
	}
}

func TestSolved(t *testing.T) {
	for text, want := range map[string]bool{
		`{"state":"finished","test":{"error_rate":0.0099}}`: true,
		`{"state":"limit","test":{"error_rate":0}}`:         true,
		`{"state":"finished","test":{"error_rate":0.01}}`:   false,
		`{"state":"started","test":{"error_rate":0}}`:       false,
		`{"state":"finished","test":{"error_rate":null}}`:   false,
		`{"state":"finished"}`:                              false,
	} {
		var r Result
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if r.Solved() != want {
			t.Errorf("%s: %v", text, r.Solved())
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}, {[]float64{9, 1, 2, 4}, 3}} {
		if got := Median(c.of); got != c.want {
			t.Errorf("of %v: %v", c.of, got)
		}
	}
}

// built is the program, made once for all tests in folder.
var (
	folder string
	built  = sync.OnceValues(func() (p Program, err error) {
		if folder, err = os.MkdirTemp("", "curvestream-bench"); err != nil {
			return Program{}, err
		}
		return Build(context.Background(), folder)
	})
)

func TestMain(m *testing.M) {
	code := m.Run()
	if folder != "" {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

func desk(t *testing.T, dir string) Desk {
	t.Helper()
	t.Chdir(filepath.Join("..", "..", ".."))
	p, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return Desk{p, dir}
}

func do(t *testing.T, d Desk, j Job) Result {
	t.Helper()
	r, err := d.Do(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func digest(t *testing.T, j Job) string {
	t.Helper()
	s, err := j.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
