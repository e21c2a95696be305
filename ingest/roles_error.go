package ingest

import (
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// schemaError is an error about a column as a whole.
func schemaError(code, column, format string, args ...any) *Error {
	return &Error{Code: code, RowGroup: -1, Row: -1, Column: column, Message: fmt.Sprintf(format, args...)}
}

// fix adds what to do.
func (e *Error) fix(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func unknownColumn(schema *arrow.Schema, role, name string) *Error {
	names := columnNames(schema)
	e := schemaError("data.unknown_column", "", "there is no column %q for the %s; the columns are %s", name, role, strings.Join(names, ", "))
	if near := Nearest(name, names); near != "" {
		return e.fix("did you mean %q?", near)
	}
	return e.fix("name one of them")
}

func columnNames(schema *arrow.Schema) []string {
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
	}
	return names
}

// choose returns the option itself where it is one of the allowed words, fallback where it is empty, or an error.
func choose(option, value, fallback string, allowed ...string) (string, error) {
	if value == "" {
		return fallback, nil
	}
	for _, a := range allowed {
		if a == value {
			return a, nil
		}
	}
	e := &Error{Code: "config.value", RowGroup: -1, Row: -1, Message: fmt.Sprintf("%s cannot be %q; it is one of %s", option, value, strings.Join(allowed, ", "))}
	if near := Nearest(value, allowed); near != "" {
		return "", e.fix("did you mean %q?", near)
	}
	return "", e
}

// Nearest returns the word that name was most likely meant to be, or "" where none is near: at most a third of its letters
// wrong, missing, too many or swapped.
func Nearest(name string, words []string) string {
	best, at := "", max(1, len([]rune(name))/3)+1
	for _, w := range words {
		if d := distance(strings.ToLower(name), strings.ToLower(w)); d < at {
			best, at = w, d
		}
	}
	return best
}

// distance is the number of single-letter changes and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	var before []int // two rows up
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(s); i++ {
		next := make([]int, len(t)+1)
		next[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(t)]
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
