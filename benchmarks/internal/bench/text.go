package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Median returns the middle of values, the mean of the two in the middle of an even number of them; it reorders them. Of none it is 0.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// A Markdown is a table that grows row by row.
type Markdown struct{ b strings.Builder }

// Head starts a table with the given columns.
func (m *Markdown) Head(columns ...string) {
	m.Row(columns...)
	m.b.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
}

// Row adds a row.
func (m *Markdown) Row(cells ...string) { m.b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

// Say adds a paragraph.
func (m *Markdown) Say(format string, args ...any) { fmt.Fprintf(&m.b, "\n"+format+"\n\n", args...) }

// String returns the text.
func (m *Markdown) String() string { return strings.TrimLeft(m.b.String(), "\n") }

// Of writes a number that may be missing.
func Of(format string, v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

// Words cuts a flag's list at its commas; of "" it has none.
func Words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// Thousands writes a count with its last three digits as k, above 10,000.
func Thousands(n float64) string {
	if n >= 10000 {
		return fmt.Sprintf("%.0fk", n/1000)
	}
	return fmt.Sprintf("%.0f", n)
}

// Slug writes a setting so that it may be part of a file's name.
func Slug(setting string) string {
	return strings.NewReplacer("=", "-", ".", "_", "/", "_", ":", "_", ",", "_", " ", "").Replace(setting)
}
