package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// Each technique has a file, a setting and changes; each change names a test that its package has.
func TestEveryChangeNamesATestThatExists(t *testing.T) {
	seen := map[string]bool{}
	for _, technique := range techniques() {
		if technique.name == "" || technique.section == "" || technique.setting == "" || len(technique.changes) == 0 {
			t.Errorf("%+v lacks something", technique)
		}
		for _, c := range technique.changes {
			file := technique.place(c)
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", technique.name, err)
			}
			if key := file + c.from + "→" + c.to; seen[key] || c.from == c.to {
				t.Errorf("%s: %q becomes %q, twice or not at all", file, c.from, c.to)
			} else {
				seen[key] = true
			}
			if !hasTest(t, c.tested(file), c.test) {
				t.Errorf("%s: %s has no test %q", technique.name, c.tested(file), c.test)
			}
		}
	}
}

// hasTest reports whether a package of ours has a test.
func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declaration := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(t \*testing\.T\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name != "" && declaration.Match(text) {
			return true
		}
	}
	return false
}

// The README has the table that the list here gives.
func TestTheReadmeHasTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "hf", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), overview(techniques())) {
		t.Error("hf/README.md does not have the table that `go run ./benchmarks/mutations -readme` prints")
	}
}

// A change is made beside the tree, and only where its text occurs once.
func TestMutate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.go")
	if err := os.WriteFile(file, []byte("x = a + b\ny = c + c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := mutate(dir, file, change{from: "a + b", to: "a - b"})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := os.ReadFile(filepath.Join(dir, "changed.go"))
	if err != nil || string(changed) != "x = a - b\ny = c + c\n" {
		t.Errorf("%q, %v", changed, err)
	}
	if text, err := os.ReadFile(overlay); err != nil || !strings.Contains(string(text), "changed.go") {
		t.Errorf("overlay %s, %v", text, err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "a + b") {
		t.Errorf("the file itself has become %q, %v", text, err)
	}
	for _, from := range []string{"c", "d"} {
		if _, err := mutate(dir, file, change{from: from}); err == nil {
			t.Errorf("%q does not occur once, and yet it is replaced", from)
		}
	}
}

// The tables say what went unnoticed.
func TestTables(t *testing.T) {
	text := table([]result{{Technique: "sign", File: "hf/cg.go", From: "a\n\t+ b", To: "a || b", Tests: []string{"TestX"}, Noticed: true}, {Technique: "term", From: "x", To: ""}})
	for _, want := range []string{"2 changes", "; 1 made", "`a + b` | `a \\|\\| b` | TestX", "| `x` | (nothing) | **none** |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	rows := overview([]technique{{name: "a", section: "4", setting: "`k`", file: "hf/a.go", changes: []change{{test: "TestA"}, {test: "TestA"}, {file: "nn/b.go", test: "TestB"}}}})
	if !strings.Contains(rows, "| a | 4 | `k` | hf/a.go | TestA, nn.TestB |") {
		t.Error(rows)
	}
}
