package ingest

import (
	"fmt"
	"strings"
)

// An Error is bad data, or data that cannot be read, said so that a person can find it and mend it. Zero fields are unknown.
type Error struct {
	Code     string // stable, such as "data.ragged_targets"
	File     string
	RowGroup int   // counted from 0; -1 where unknown
	Row      int64 // within the file, counted from 0; -1 where unknown
	Column   string
	ID       string // of the sequence
	Message  string // what is wrong, with the values
	Hint     string // what to do, after "fix: "
	See      string // a command that shows more
	Missing  bool   // the file does not exist or may not be read (exit 66 instead of 65)
	// Count of Of sequences that were looked at together, those of the row group, are like this; 0 where not counted.
	Count, Of int64
	Err       error
}

// Error gives the place, the message and the fix on lines of their own.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s: ", e.File)
	}
	switch {
	case e.ID != "" && e.Column != "":
		fmt.Fprintf(&b, "sequence %q: ", e.ID)
	case e.ID != "":
		fmt.Fprintf(&b, "sequence %q ", e.ID) // the message goes on: "has 120 input steps …"
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %q: ", e.Column)
	}
	b.WriteString(e.Message)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	var where []string
	if e.RowGroup >= 0 && e.File != "" {
		where = append(where, fmt.Sprintf("row group %d", e.RowGroup))
	}
	if e.Row >= 0 && e.File != "" {
		where = append(where, fmt.Sprintf("row %d", e.Row))
	}
	place := strings.Join(where, ", ")
	if e.Count > 0 {
		if place != "" {
			place += "; "
		}
		place += fmt.Sprintf("%s of %s sequences are like this", thousands(e.Count), thousands(e.Of))
	}
	if place != "" {
		fmt.Fprintf(&b, "\n     %s", place)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "\n     fix: %s", e.Hint)
	}
	if e.See != "" {
		fmt.Fprintf(&b, "\n     see: %s", e.See)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// thousands writes 2410 as 2,410.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
