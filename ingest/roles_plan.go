package ingest

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// A plan is which columns are read and what each is for. It is read-only once made.
type plan struct {
	layout        Layout
	form          string // "" until the data have been seen
	loss          string // "" until the data have been seen
	missing       string
	maxLength     int
	maxCategories int
	zscore        bool
	in, out       int
	sparse        bool

	id                      []*field
	time                    *field
	split                   *field // of a Selection by column
	inputs, static, targets []*field
	mask, weight            *field
	encoded                 []*field // inputs, static and targets: what becomes numbers of the net
	columns                 []int    // of the schema, ascending
}

// A field is one column in one role.
type field struct {
	enc    ColumnEncoding // Kind "" is a list of integers: numeric or multi-hot, as the data will show
	role   string         // for messages
	schema int            // column of the schema
	at     int            // column of the scanned records
	shape  shape
	series bool   // a row holds the values of all its time-steps
	coder  *coder // of a known vocabulary; nil where it is being collected
}

// vector reports whether a time-step is a list.
func (f *field) vector() bool {
	if f.series && f.enc.Kind != Chars {
		return f.shape.depth == 2
	}
	return f.shape.depth == 1
}

// undecided reports whether only the data can tell numeric vectors from multi-hot ones.
func (f *field) undecided() bool { return f.enc.Kind == "" }

// fields lists all columns that have a role.
func (p *plan) fields() []*field {
	all := slices.Concat(p.id, p.inputs, p.static, p.targets)
	for _, f := range []*field{p.time, p.mask, p.weight, p.split} {
		if f != nil {
			all = append(all, f)
		}
	}
	return all
}

// index fills in which columns are read and where each lies in the records.
func (p *plan) index() {
	seen := map[int]bool{}
	p.columns = nil
	for _, f := range p.fields() {
		seen[f.schema] = true
	}
	for i := range seen {
		p.columns = append(p.columns, i)
	}
	sort.Ints(p.columns)
	for _, f := range p.fields() {
		f.at, _ = slices.BinarySearch(p.columns, f.schema)
	}
}

// newField finds a column by name. series is decided by the layout and the type.
func newField(schema *arrow.Schema, layout Layout, role string, enc ColumnEncoding) (*field, error) {
	at := schema.FieldIndices(enc.Column)
	switch {
	case len(at) == 0:
		return nil, unknownColumn(schema, role, enc.Column)
	case len(at) > 1:
		return nil, schemaError("data.duplicate_column", enc.Column, "the schema has %d columns of this name", len(at)).fix("rename them, so that each has its own name")
	}
	s := shapeOf(schema.Field(at[0]).Type)
	f := &field{enc: enc, role: role, schema: at[0], shape: s}
	f.series = layout == Nested && (s.depth > 0 || enc.Kind == Chars)
	return f, nil
}

// check refuses types that the role cannot use.
func (f *field) check(schema *arrow.Schema, layout Layout) error {
	t := schema.Field(f.schema).Type
	bad := func(hint string) error {
		return schemaError("data.column_type", f.enc.Column, "has the type %s, which cannot be %s in the %s layout", t, article(f.describe()), layout).fix("%s", hint)
	}
	limit := 1
	if layout == Nested {
		limit = 2
	}
	if f.shape.class == other || f.shape.depth > limit {
		return bad(fmt.Sprintf("store it as numbers, booleans, strings or lists of them, at most %d deep, or name it in --ignore", limit))
	}
	switch f.enc.Kind {
	case Numeric:
		if f.shape.class == text {
			return bad("store it as numbers, or encode it as onehot")
		}
	case OneHot:
		if f.vector() {
			return bad("a one-hot step is one value, not a list; lists of active indices are multihot")
		}
	case MultiHot:
		if f.shape.class != integer || !f.vector() {
			return bad("multihot wants a list of active indices for each time-step")
		}
	case Chars:
		if f.shape.class != text || f.shape.depth > 0 || f.shape.dictionary || layout != Nested {
			return bad("chars wants a plain string column whose rows are sequences (--layout nested)")
		}
	}
	return nil
}

// describe says what the field is, for messages.
func (f *field) describe() string {
	if f.enc.Kind == "" {
		return f.role
	}
	return fmt.Sprintf("%s %s", f.enc.Kind, f.role)
}

func article(s string) string {
	if strings.ContainsAny(s[:1], "aeio") {
		return "an " + s
	}
	return "a " + s
}

// resolve matches a stored encoding with a schema.
func resolve(schema *arrow.Schema, e *Encoding) (*plan, error) {
	p := &plan{layout: e.Layout, form: e.Form, loss: e.Loss, missing: e.Missing, in: e.In, out: e.Out, sparse: e.SparseInputs}
	for _, part := range []struct {
		to   *[]*field
		role string
		of   []ColumnEncoding
	}{
		{&p.id, "sequence id", columnsOf(e.ID...)}, {&p.inputs, "input", e.Inputs}, {&p.static, "static input", e.Static}, {&p.targets, "target", e.Targets},
	} {
		for _, enc := range part.of {
			f, err := newField(schema, e.Layout, part.role, enc)
			if err != nil {
				return nil, err
			}
			*part.to = append(*part.to, f)
		}
	}
	p.encoded = slices.Concat(p.inputs, p.static, p.targets)
	for _, f := range p.encoded {
		if err := f.prepare(schema, e.Layout); err != nil {
			return nil, err
		}
	}
	if err := p.helpers(schema, e.Time, e.Mask, e.Weight); err != nil {
		return nil, err
	}
	p.index()
	return p, nil
}

// helpers adds the columns that are no numbers of the net, and checks their types.
func (p *plan) helpers(schema *arrow.Schema, time, mask, weight string) error {
	for _, part := range []struct {
		to         **field
		role, name string
	}{{&p.time, "time", time}, {&p.mask, "mask", mask}, {&p.weight, "weight", weight}} {
		if part.name == "" {
			continue
		}
		f, err := newField(schema, p.layout, part.role, ColumnEncoding{Column: part.name, Width: 1})
		if err != nil {
			return err
		}
		*part.to = f
		if err := f.checkHelper(schema); err != nil {
			return err
		}
	}
	for _, f := range p.id {
		if f.shape.depth > 0 {
			return schemaError("data.column_type", f.enc.Column, "is a list, which cannot be a sequence id").fix("name a column with one value a row in --id")
		}
	}
	return nil
}

func (f *field) checkHelper(schema *arrow.Schema) error {
	t := schema.Field(f.schema).Type
	allowed, want := f.shape.class == float || f.shape.class == integer, "numbers"
	switch f.role {
	case "time":
		allowed = allowed || isTime(leafType(t))
		want = "numbers, dates or timestamps"
	case "mask":
		allowed = allowed || f.shape.class == boolean
		want = "booleans or numbers 0 and 1"
	}
	if !allowed || f.vector() {
		return schemaError("data.column_type", f.enc.Column, "has the type %s, but a %s column holds %s, one a time-step", t, f.role, want).fix("convert the column, or leave out --%s", f.role)
	}
	if f.role == "weight" && f.series {
		return schemaError("data.column_type", f.enc.Column, "has the type %s, but a weight is one number a sequence", t).fix("use --mask for time-steps that do not count")
	}
	return nil
}

func leafType(t arrow.DataType) arrow.DataType {
	for isList(t) {
		t = t.(interface{ Elem() arrow.DataType }).Elem()
	}
	return t
}

// valueType returns the type of a column's innermost values: of lists their elements, of dictionaries what they stand for.
func valueType(t arrow.DataType) arrow.DataType {
	t = leafType(t)
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}

func isTime(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.DURATION:
		return true
	}
	return false
}

func columnsOf(columns ...string) []ColumnEncoding {
	out := make([]ColumnEncoding, len(columns))
	for i, c := range columns {
		out[i].Column = c
	}
	return out
}

// prepare checks the type against the encoding, and completes what the encoding leaves open but the type says.
func (f *field) prepare(schema *arrow.Schema, layout Layout) error {
	if err := f.check(schema, layout); err != nil {
		return err
	}
	if f.enc.Kind == OneHot || f.enc.Kind == Chars {
		if len(f.enc.Vocabulary) > 0 {
			c, err := newCoder(f.enc.Vocabulary, f.shape.class)
			if err != nil {
				return schemaError("config.vocabulary", f.enc.Column, "%v", err).fix("give the vocabulary as the column's own values")
			}
			f.coder = c
			f.enc.Width = len(f.enc.Vocabulary)
		}
		return nil
	}
	if f.enc.Kind == Numeric && f.enc.Width == 0 {
		switch {
		case !f.vector():
			f.enc.Width = 1
		case f.shape.fixed > 0:
			f.enc.Width = f.shape.fixed
		}
	}
	return f.spread()
}

// spread repeats a single Mean or Scale for all of Width, once that is known, and checks them.
func (f *field) spread() error {
	if f.enc.Kind != Numeric || f.enc.Width == 0 {
		return nil
	}
	for name, v := range map[string]*[]float64{"mean": &f.enc.Mean, "scale": &f.enc.Scale} {
		if len(*v) == 1 && f.enc.Width > 1 {
			*v = slices.Repeat(*v, f.enc.Width)
		}
		if len(*v) != 0 && len(*v) != f.enc.Width {
			return schemaError("config.width", f.enc.Column, "has %d values a time-step, but %d values of %s are given", f.enc.Width, len(*v), name).
				fix("give one %s, or %d", name, f.enc.Width)
		}
		for _, x := range *v {
			if !finite(x) || name == "scale" && x == 0 {
				return schemaError("config.scale", f.enc.Column, "%s %g is of no use", name, x).fix("give finite values, and no scale of 0")
			}
		}
	}
	return nil
}
