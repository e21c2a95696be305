package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestFormats: every command that prints a table prints the same rows in every format.
func TestFormats(t *testing.T) {
	run, data := filepath.Join(t.TempDir(), "run"), filepath.Join(small(), "test.parquet")
	must(t, training(run, "--iterations", "1")...)
	for _, c := range []struct {
		args   []string
		column string // one of the table
		rows   int
	}{
		{[]string{"data", "stats", data}, "distinct", 3},
		{[]string{"data", "inspect", data}, "type", 3},
		{[]string{"data", "head", data, "-n", "2"}, "values", 6},
		{[]string{"eval", run, "--data", data}, "loss", 1},
		{[]string{"config", "show", "--hidden", "7", "--seed", "1"}, "origin", len(strings.Split(must(t, "config", "show").stdout, "\n")) / 2},
	} {
		t.Run(strings.Join(c.args[:2], " "), func(t *testing.T) {
			in := func(format string) string { return must(t, append(c.args, "--format", format, "-q")...).stdout }
			objects := lines(t, in("jsonl"))
			table, err := csv.NewReader(strings.NewReader(in("csv"))).ReadAll()
			if err != nil || len(table) != len(objects)+1 || len(objects) < c.rows {
				t.Fatalf("%v: %d objects, %d lines of CSV, want at least %d rows", err, len(objects), len(table), c.rows)
			}
			for k, name := range table[0] {
				v := objects[0][name]
				if text := cell(v); v != nil && table[1][k] != text {
					t.Errorf("%s is %q in CSV, %q in JSON lines", name, table[1][k], text)
				}
			}
			md := strings.Split(strings.TrimSpace(in("md")), "\n")
			if len(md) != len(objects)+2 || !strings.Contains(md[0], " "+c.column+" ") {
				t.Errorf("Markdown:\n%s", strings.Join(md, "\n"))
			}
			if in("table") != must(t, append(c.args, "-q")...).stdout {
				t.Error("table is not the default")
			}
			var one, other any
			if err := json.Unmarshal([]byte(in("json")), &one); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(must(t, append(c.args, "--json", "-q")...).stdout), &other); err != nil || fmt.Sprint(one) != fmt.Sprint(other) {
				t.Errorf("--format json and --json differ (%v)", err)
			}
			for _, wrong := range [][]string{{"--format", "jsno"}, {"--format", "csv", "--json"}} {
				if o := call(append(c.args, wrong...)...); o.exit != 64 || o.stdout != "" {
					t.Errorf("%v: exit %d, %q", wrong, o.exit, o.stdout)
				}
			}
		})
	}
}
