package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/benchmarks/internal/bench"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name                                            string
		tasks, lengths, seeds, methods, structural, set string
		want                                            int
		wrong                                           string
	}{
		{"the table's lengths", "addition,xor", "", "1,2,3,4", "hf", "yes", "", 16, ""},
		{"given lengths", "addition,xor", "30", "1", "hf", "yes,no", "", 4, ""},
		{"Adam has one kind", "xor", "", "1", "hf,adam", "yes,no", "", 3, ""},
		{"no such problem", "adding", "", "1", "hf", "yes", "", 0, "adding"},
		{"no such method", "xor", "", "1", "sgd", "yes", "", 0, "sgd"},
		{"neither yes nor no", "xor", "", "1", "hf", "maybe", "", 0, "maybe"},
	} {
		rows, err := choose(c.tasks, c.lengths, c.seeds, c.methods, c.structural, c.set)
		if len(rows) != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %d rows, %v", c.name, len(rows), err)
		}
	}
}

// Rows differ in name wherever they differ in what they train, and a result leads back to its row.
func TestRows(t *testing.T) {
	rows, err := choose(strings.Join(names(), ","), "", "1,2", "hf,adam", "yes,no", "")
	if err != nil {
		t.Fatal(err)
	}
	rows = append(rows, row{"xor", "50", withStructural, "1", "batch.gradient=4000"})
	seen := map[string]bool{}
	for _, r := range rows {
		j := r.job()
		if seen[j.Name] {
			t.Errorf("two rows are called %s", j.Name)
		}
		seen[j.Name] = true
		if back := rowOf(bench.Result{Labels: j.Labels}); back != r {
			t.Errorf("%+v came back as %+v", r, back)
		}
		if strings.Contains(strings.Join(j.Args, " "), j.Test) {
			t.Errorf("%s is trained on its test data", j.Name)
		}
	}
}

// The table counts seeds, takes medians of those that solved, lists what was not run, and leaves out rows of another recipe.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	folder := filepath.Join("benchmarks", "pathological")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	recipe := filepath.Join(folder, "recipe.yaml")
	write(t, recipe, "seed: 1\n")
	var text []string
	for seed, r := range map[string]string{
		"1": `"state":"finished","reason":"target_error","products":100,"iterations":10,"test":{"error_rate":0.001}`,
		"2": `"state":"finished","reason":"target_error","products":300,"iterations":20,"test":{"error_rate":0}`,
		"3": `"state":"limit","reason":"products","products":20001,"iterations":99,"test":{"error_rate":0.5}`,
		"4": `"state":"started"`,
	} {
		j := row{"xor", "50", withStructural, seed, ""}.job()
		digest, err := j.Digest()
		if err != nil {
			t.Fatal(err)
		}
		write(t, j.Name+".json", `{"name":"`+j.Name+`","labels":{"task":"xor","length":"50","kind":"hf","seed":"`+seed+`"},"digest":"`+digest+`",`+r+`}`)
	}
	get := func() string {
		if err := report(bench.Desk{Dir: "."}); err != nil {
			t.Fatal(err)
		}
		table, err := os.ReadFile(filepath.Join("benchmarks", "results", "pathological.md"))
		if err != nil {
			t.Fatal(err)
		}
		text = strings.Split(string(table), "\n")
		return string(table)
	}
	if table := get(); !strings.Contains(table, "| xor | 50 | HF, structural damping | 2 of 4 | 15 | 200 | 0 | 0 | 0.0010, 0.0000, 0.5000, - | 20k products (products), interrupted |") {
		t.Error(table)
	}
	notRun := 0
	for _, line := range text {
		if strings.Contains(line, "| not run |") {
			notRun++
		}
	}
	if want := 3*17 - 1 + 4; notRun != want {
		t.Errorf("%d rows are not run, want %d", notRun, want)
	}
	write(t, recipe, "seed: 2\n")
	if table := get(); !strings.Contains(table, "| xor | 50 | HF, structural damping | not run |") || !strings.Contains(table, "4 rows of other recipes") {
		t.Error(table)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
