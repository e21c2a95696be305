package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A SequenceView shows one sequence.
type SequenceView struct {
	ID      string       `json:"id"`
	File    string       `json:"file"`
	Row     int64        `json:"row"` // the first
	Steps   int64        `json:"steps"`
	Columns []ColumnView `json:"columns"`
}

// A ColumnView shows the values of a column in a sequence: one a time-step, or one in all. Of more than maxShown the middle is left out.
type ColumnView struct {
	Name    string   `json:"name"`
	Role    string   `json:"role,omitempty"`
	Values  []string `json:"values"`
	Omitted int64    `json:"omitted"` // values between the last and the others
	Unread  string   `json:"unread"`  // why the column is not read; "" where it is
}

// maxShown is the number of values that are shown of a column.
const maxShown = 8

// maxText is the number of characters that are shown of a text.
const maxText = 160

// Head returns the first n sequences, or the one with the given id. Rows are made sequences by the layout that o says or that is inferred,
// whether or not targets can be told.
func Head(ctx context.Context, src Source, o RoleOptions, n int, id string) ([]SequenceView, error) {
	r, err := keysOf(src.Schema(), o)
	if err != nil {
		return nil, err
	}
	p := &plan{layout: r.Layout}
	for _, c := range r.ID {
		f, err := newField(src.Schema(), r.Layout, "sequence id", ColumnEncoding{Column: c})
		if err != nil {
			return nil, err
		}
		p.id = append(p.id, f)
	}
	h := &heading{plan: p, roles: r, schema: src.Schema(), n: n, id: id, at: map[string]int{}}
	columns := readable(src.Schema())
	for _, f := range p.id {
		f.at = slices.Index(columns, f.schema)
	}
	for i := 0; i < unitsOf(src) && !h.done; i++ {
		u := src.Unit(i)
		err := guardUnit(u, func() error {
			rec, err := h.read(ctx, src, i, columns, &u)
			if err != nil {
				return err
			}
			defer rec.Release()
			return h.unit(u, rec)
		})
		if err != nil {
			return nil, fmt.Errorf("ingest: showing sequences: %w", err)
		}
	}
	if id != "" && len(h.out) == 0 {
		return nil, &Error{Code: "data.unknown_sequence", RowGroup: -1, Row: -1, Message: fmt.Sprintf("there is no sequence %q in the data", id), Hint: "curvestream data head without --sequence shows which there are"}
	}
	return h.out, nil
}

// read reads a unit, or, where rows are sequences of which the first are wanted, no more than one row beyond these.
func (h *heading) read(ctx context.Context, src Source, i int, columns []int, u *Unit) (arrow.Record, error) {
	b, ok := src.(beginner)
	if enough := int64(h.n) + 1; ok && h.id == "" && h.plan.layout != Long && enough < u.Rows {
		u.Rows = enough
		return b.readFirst(ctx, i, enough, columns)
	}
	return src.Read(ctx, i, columns)
}

// keysOf infers the layout and the id, and as much of the roles as can be told.
func keysOf(schema *arrow.Schema, o RoleOptions) (Roles, error) {
	r, err := Infer(schema, o)
	if err == nil {
		return r, nil
	}
	if _, ok := errors.AsType[*Error](err); !ok {
		return r, err
	}
	o, keys, err := begin(schema, o)
	if err != nil {
		return r, err
	}
	in := &inference{schema: schema, o: o, r: keys}
	for _, step := range []func() error{in.names, in.chooseLayout, in.helpers} {
		if err := step(); err != nil {
			return r, err
		}
	}
	return *keys, nil
}

// heading collects sequences until it has enough.
type heading struct {
	plan   *plan
	roles  Roles
	schema *arrow.Schema
	n      int
	id     string
	out    []SequenceView
	at     map[string]int // place in out
	done   bool
}

// unit looks at the rows of a unit. In the long layout a sequence may go on in later units, so that a wanted one is sought in all.
func (h *heading) unit(u Unit, rec arrow.Record) error {
	var views []view
	for _, c := range rec.Columns() {
		views = append(views, newView(c))
	}
	for row := range int(u.Rows) {
		id, bad := h.plan.idAt(views, u, row)
		if bad != nil {
			return place(bad, u, "")
		}
		if h.id != "" && id != h.id {
			continue
		}
		i, known := h.at[id]
		if !known || h.plan.layout != Long {
			if h.id == "" && len(h.out) == h.n {
				h.done = true
				return nil
			}
			i = len(h.out)
			h.at[id] = i
			h.out = append(h.out, h.begin(id, u, row))
		}
		h.append(&h.out[i], views, row)
		if h.id != "" && h.plan.layout != Long {
			h.done = true
			return nil
		}
	}
	return nil
}

func (h *heading) begin(id string, u Unit, row int) SequenceView {
	s := SequenceView{ID: id, File: u.File, Row: u.FirstRow + int64(row)}
	for _, f := range h.schema.Fields() {
		c := ColumnView{Name: f.Name, Role: h.roles.of(f.Name), Values: []string{}}
		if err := supported(f.Type); err != nil {
			c.Unread = err.Error()
		}
		s.Columns = append(s.Columns, c)
	}
	return s
}

// append shows one more row of a sequence.
func (h *heading) append(s *SequenceView, views []view, row int) {
	steps := int64(1)
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Unread != "" {
			continue
		}
		v := views[0]
		views = views[1:]
		switch {
		case h.plan.layout == Nested && v.outer != nil:
			if v.outer.IsNull(row) {
				c.add("null")
				continue
			}
			lo, hi := v.outer.ValueOffsets(row)
			for e := lo; e < hi; e++ {
				c.add(elementText(v.inner, v.leaf, int(e)))
			}
			if slices.Contains(h.roles.Inputs, c.Name) || len(h.roles.Inputs) == 0 {
				steps = hi - lo
			}
		case v.outer != nil:
			c.add(elementText(v.outer, v.leaf, row))
		case h.plan.layout == Nested && slices.Contains(h.roles.Inputs, c.Name):
			text := shown(v.leaf, row)
			c.add(text)
			steps = int64(len([]rune(text)))
		default:
			c.add(shown(v.leaf, row))
		}
	}
	s.Steps += steps
}

// add keeps the first values and the last.
func (c *ColumnView) add(value string) {
	if r := []rune(value); len(r) > maxText {
		value = string(r[:maxText]) + fmt.Sprintf("… %d more", len(r)-maxText)
	}
	if len(c.Values) < maxShown {
		c.Values = append(c.Values, value)
		return
	}
	c.Omitted++
	c.Values[maxShown-1] = value // the one it replaces is left out
}

// elementText shows one value, or a list of them.
func elementText(lists array.ListLike, leaf arrow.Array, e int) string {
	if lists == nil {
		return shown(leaf, e)
	}
	if lists.IsNull(e) {
		return "null"
	}
	lo, hi := lists.ValueOffsets(e)
	var out []string
	for i := lo; i < hi; i++ {
		if len(out) == maxShown {
			out = append(out, fmt.Sprintf("… %d more", hi-i))
			break
		}
		out = append(out, shown(leaf, int(i)))
	}
	return "[" + strings.Join(out, " ") + "]"
}

// shown is a value for a person: bytes that are a text as the text, because many programs store texts as bytes.
func shown(leaf arrow.Array, i int) string {
	if b, ok := leaf.(interface{ Value(int) []byte }); ok && leaf.IsValid(i) && utf8.Valid(b.Value(i)) {
		return string(b.Value(i))
	}
	return word(leaf, i)
}
