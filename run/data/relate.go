package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"curvestream/ingest"
	"curvestream/run/config"
)

// A Naming says how new data lay out their sequences, where that is not as in training. Zero fields are as in training if the
// data have such columns, else they are inferred.
type Naming struct {
	Layout ingest.Layout
	ID     []string
	Time   string
}

// NamingOf returns what settings say of it.
func NamingOf(c *config.Config) Naming {
	return Naming{Layout: ingest.Layout(word(c.Data.Layout)), ID: c.Data.ID, Time: c.Data.Time}
}

// given reports whether anything is said.
func (n Naming) given() bool { return n.Layout != "" || len(n.ID) > 0 || n.Time != "" }

// relate returns the encoding of data with the given columns that encodes the same inputs and targets as e, found by name.
// Layout, sequence id and time are taken from n, from e, or else inferred (see [ingest.Infer]); what was inferred, and why, is
// returned to be told. Data that are laid out as e says give e itself.
func relate(schema *arrow.Schema, e *ingest.Encoding, n Naming) (*ingest.Encoding, []string, error) {
	asStored := laidOut(schema, e, e.Layout) == nil
	if !n.given() && asStored && has(schema, e.ID...) && has(schema, e.Time) {
		return e, nil, nil
	}
	o := ingest.RoleOptions{Layout: n.Layout, ID: n.ID, Time: n.Time, Inputs: columns(e.Inputs), Static: columns(e.Static), Targets: columns(e.Targets),
		Mask: e.Mask, Weight: e.Weight, Form: e.Form, Loss: e.Loss}
	if len(o.Targets) == 0 {
		o.Form = "next" // there are none to look for
	}
	if o.Layout == "" && asStored {
		o.Layout = e.Layout
	}
	if len(o.ID) == 0 && has(schema, e.ID...) {
		o.ID = e.ID
	}
	if o.Time == "" && has(schema, e.Time) && o.Layout != ingest.Nested {
		o.Time = e.Time
	}
	r, err := ingest.Infer(schema, o)
	if err != nil {
		return nil, nil, err
	}
	out := *e
	out.Layout, out.ID, out.Time = r.Layout, r.ID, r.Time
	if e.Layout == ingest.Flat && out.Layout != ingest.Flat {
		return nil, nil, &ingest.Error{Code: "data.layout", RowGroup: -1, Row: -1, Message: fmt.Sprintf("the model takes rows of one time-step (layout flat), but these data are laid out as %s", out.Layout),
			Hint: "--layout flat if a row is one case"}
	}
	if bad := laidOut(schema, &out, out.Layout); bad != nil {
		return nil, nil, bad
	}
	return &out, reasons(r, e), nil
}

// reasons says what was inferred otherwise than in training.
func reasons(r ingest.Roles, e *ingest.Encoding) []string {
	var lines []string
	for _, note := range r.Notes {
		for _, about := range []string{"layout ", "sequence id: ", "time: "} {
			if strings.HasPrefix(note, about) {
				lines = append(lines, note)
			}
		}
	}
	if len(r.ID) == 0 && len(e.ID) > 0 {
		lines = append(lines, fmt.Sprintf("sequence id: there is no column %s, so sequences are named by file and row (--id COLUMN names another)", strings.Join(e.ID, ", ")))
	}
	if r.Layout == ingest.Long && r.Time == "" && e.Time != "" {
		lines = append(lines, fmt.Sprintf("time: there is no column %s, so time-steps are taken in the order of rows (--time COLUMN names another)", e.Time))
	}
	return lines
}

// laidOut returns an error for the first input that is not nested as deeply as a layout asks of its encoding.
func laidOut(schema *arrow.Schema, e *ingest.Encoding, layout ingest.Layout) error {
	for _, c := range e.Inputs {
		at := schema.FieldIndices(c.Column)
		if len(at) == 0 {
			continue // who looks for it says so
		}
		kind := schema.Field(at[0]).Type
		if want, ok := depths(c, layout); !slices.Contains(want, depth(kind)) || !ok {
			return &ingest.Error{Code: "data.column_type", RowGroup: -1, Row: -1, Column: c.Column,
				Message: fmt.Sprintf("has the type %s, which is not what the model's %s input of %d values a time-step is in the %s layout", kind, c.Kind, c.Width, layout),
				Hint:    "--layout nested if a row is a sequence, --layout long if a row is a time-step"}
		}
	}
	return nil
}

// depths returns how many levels of lists a column may have, and whether the encoding is possible in the layout.
func depths(c ingest.ColumnEncoding, layout ingest.Layout) (levels []int, ok bool) {
	base := 0
	if layout == ingest.Nested {
		base = 1
	}
	switch {
	case c.Kind == ingest.Chars:
		return []int{0}, layout == ingest.Nested
	case c.Kind == ingest.OneHot:
		return []int{base}, true
	case c.Kind == ingest.Numeric && c.Width == 1:
		return []int{base, base + 1}, true
	}
	return []int{base + 1}, true
}

// depth counts the levels of lists of a type.
func depth(t arrow.DataType) int {
	levels := 0
	for {
		list, ok := t.(arrow.ListLikeType)
		if !ok || t.ID() == arrow.MAP {
			return levels
		}
		t = list.Elem()
		levels++
	}
}

func columns(of []ingest.ColumnEncoding) []string {
	names := make([]string, len(of))
	for i, c := range of {
		names[i] = c.Column
	}
	return names
}

// has reports whether there are columns of all the names that are not empty.
func has(schema *arrow.Schema, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return name != "" && len(schema.FieldIndices(name)) == 0 })
}
