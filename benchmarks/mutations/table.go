package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

// overview prints the table of hf/README.md: each technique with its settings, its file, and the tests that fail where it is wrong.
func overview(all []technique) string {
	var m bench.Markdown
	m.Head("technique", "section", "setting", "file", "tests that fail where it is wrong")
	for _, t := range all {
		var tests []string
		for _, c := range t.changes {
			name := c.test
			if pkg := c.tested(t.place(c)); pkg != "hf" {
				name = pkg + "." + name
			}
			if !slices.Contains(tests, name) {
				tests = append(tests, name)
			}
		}
		m.Row(t.name, t.section, t.setting, t.file, strings.Join(tests, ", "))
	}
	return m.String()
}

// table prints what became of each change.
func table(results []result) string {
	var m bench.Markdown
	noticed := 0
	for _, r := range results {
		if r.Noticed {
			noticed++
		}
	}
	m.Say("%d changes, one at a time, each of which makes a technique wrong; %d made the test named beside it fail.", len(results), noticed)
	m.Head("technique", "section", "file", "changed", "to", "fails")
	for _, r := range results {
		fails := "**none**"
		if r.Noticed {
			fails = strings.Join(r.Tests, ", ")
		}
		m.Row(r.Technique, r.Section, path.Clean(r.File), code(r.From), code(r.To), fails)
	}
	return m.String()
}

// code prints Go in a cell of a table.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "(nothing)"
	}
	return fmt.Sprintf("`%s`", strings.ReplaceAll(text, "|", "\\|"))
}
