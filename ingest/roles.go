package ingest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// The names that give a column its role where nobody says otherwise, in order.
var (
	idNames     = []string{"sequence_id", "seq_id", "series_id", "session_id", "item_id", "unique_id", "group_id", "id"}
	timeNames   = []string{"t", "step", "time", "timestamp", "ds", "date"}
	targetNames = []string{"y", "target", "targets", "label", "class"}
	splitNames  = []string{"split", "fold"}
	maskNames   = []string{"mask"}
	weightNames = []string{"weight"}
)

// Roles is what each column is for, and why. Form and Loss are "" until the data have been seen, where the columns' types
// do not settle them.
type Roles struct {
	Layout  Layout   `json:"layout"`
	ID      []string `json:"id"`
	Time    string   `json:"time,omitempty"`
	Inputs  []string `json:"inputs"`
	Static  []string `json:"static,omitempty"`
	Targets []string `json:"targets"`
	Mask    string   `json:"mask,omitempty"`
	Weight  string   `json:"weight,omitempty"`
	Ignored []string `json:"ignored,omitempty"`
	Form    string   `json:"form,omitempty"`
	Loss    string   `json:"loss,omitempty"`
	Notes   []string `json:"notes"` // one sentence a decision, to be printed
}

// note keeps the reason of a decision.
func (r *Roles) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// taken lists the columns that have a role.
func (r *Roles) taken() []string {
	all := slices.Concat(r.ID, r.Inputs, r.Static, r.Targets, r.Ignored)
	return append(all, r.Time, r.Mask, r.Weight)
}

// Infer gives every column a role, from what the options say, then from what the file's own metadata says, then from names
// and types. It never chooses among several: an ambiguity is an *[Error] that lists the candidates and the option to give.
func Infer(schema *arrow.Schema, o RoleOptions) (Roles, error) {
	o, r, err := begin(schema, o)
	if err != nil {
		return Roles{}, err
	}
	in := &inference{schema: schema, o: o, r: r}
	for _, step := range []func() error{in.names, in.chooseLayout, in.helpers, in.chooseTargets, in.rest, in.settle} {
		if err := step(); err != nil {
			return Roles{}, err
		}
	}
	return *in.r, nil
}

// begin checks the options' words and names, adds the metadata's, and opens the list of notes.
func begin(schema *arrow.Schema, o RoleOptions) (RoleOptions, *Roles, error) {
	r := &Roles{}
	o, err := withMetadata(schema, o, r)
	if err != nil {
		return o, nil, err
	}
	for _, w := range []struct {
		option, value string
		allowed       []string
	}{
		{"--layout", string(o.Layout), []string{string(Nested), string(Long), string(Flat)}},
		{"--form", o.Form, []string{"each", "last", "next"}},
		{"--loss", o.Loss, []string{"squared_error", "logistic_cross_entropy", "softmax_cross_entropy", "logistic_squared_error", "tanh_squared_error"}},
		{"--normalize", o.Normalize, []string{"zscore", "none"}},
		{"--missing", o.Missing, []string{"error", "zero", "mask", "drop-sequence"}},
	} {
		if _, err := choose(w.option, w.value, "", w.allowed...); err != nil {
			return o, nil, err
		}
	}
	for column, e := range o.Encode {
		if len(schema.FieldIndices(column)) == 0 {
			return o, nil, unknownColumn(schema, "encoding", column)
		}
		if _, err := choose("encoding of column "+column, string(e.Kind), "", string(Numeric), string(OneHot), string(MultiHot), string(Chars)); err != nil {
			return o, nil, err
		}
	}
	return o, r, nil
}

// inference is the work of Infer; each step leaves less undecided.
type inference struct {
	schema *arrow.Schema
	o      RoleOptions
	r      *Roles
}

// names takes over what the options say, and checks that the columns exist and have one role each.
func (in *inference) names() error {
	o, r := in.o, in.r
	r.Layout, r.ID, r.Time, r.Mask, r.Weight, r.Form, r.Loss = o.Layout, o.ID, o.Time, o.Mask, o.Weight, o.Form, o.Loss
	r.Inputs, r.Static, r.Targets, r.Ignored = slices.Clone(o.Inputs), slices.Clone(o.Static), slices.Clone(o.Targets), slices.Clone(o.Ignore)
	role := map[string]string{}
	for _, part := range []struct {
		role    string
		columns []string
	}{
		{"--id", r.ID}, {"--time", []string{r.Time}}, {"--inputs", r.Inputs}, {"--static", r.Static}, {"--targets", r.Targets},
		{"--mask", []string{r.Mask}}, {"--weight", []string{r.Weight}}, {"--ignore", r.Ignored},
	} {
		for _, c := range part.columns {
			if c == "" {
				continue
			}
			if len(in.schema.FieldIndices(c)) == 0 {
				return unknownColumn(in.schema, strings.TrimPrefix(part.role, "--"), c)
			}
			was, twice := role[c]
			if twice && !(was == "--inputs" && part.role == "--targets") && !(was == "--time" && part.role == "--inputs") {
				return schemaError("data.two_roles", c, "is named in %s and in %s", was, part.role).fix("name it in one of them")
			}
			role[c] = part.role
		}
	}
	if o.Form == "next" && len(o.Targets) > 0 {
		return schemaError("config.next_targets", "", "the targets %s are named, but with --form next the targets are the next inputs", strings.Join(o.Targets, ", ")).
			fix("leave out --targets, or use --form each")
	}
	return nil
}

// open lists the columns without a role.
func (in *inference) open() []string {
	var out []string
	taken := in.r.taken()
	for _, name := range columnNames(in.schema) {
		if !slices.Contains(taken, name) {
			out = append(out, name)
		}
	}
	return out
}

// matching lists the open columns that have one of the names, in the order of names.
func (in *inference) matching(names []string) []string {
	var out []string
	for _, n := range names {
		for _, c := range in.open() {
			if strings.EqualFold(c, n) {
				out = append(out, c)
			}
		}
	}
	return out
}

func (in *inference) shape(column string) shape {
	return shapeOf(in.schema.Field(in.schema.FieldIndices(column)[0]).Type)
}

// chooseLayout: nested if any candidate is a list, or if the only one is a text; else long if an id is known.
func (in *inference) chooseLayout() error {
	r := in.r
	if r.Layout != "" {
		return nil
	}
	var lists, texts, plain []string
	for _, c := range slices.Concat(r.Inputs, r.Targets, in.open()) {
		s := in.shape(c)
		switch {
		case s.depth > 0:
			lists = append(lists, c)
		case in.reserved(c) != "" || slices.ContainsFunc(targetNames, func(n string) bool { return strings.EqualFold(n, c) }) || slices.Contains(r.Targets, c):
		case s.class == text && !s.dictionary:
			texts = append(texts, c)
		default:
			plain = append(plain, c)
		}
	}
	if step := in.scalarTime(lists); step != "" {
		if !strings.EqualFold(step, "t") && !strings.EqualFold(step, "step") {
			return schemaError("data.ambiguous_layout", "", "column %s has one time a row and column %s is a list, so a row may be a time-step with a vector or a whole sequence", step, lists[0]).
				fix("--layout long if a row is a time-step, or --layout nested if a row is a sequence")
		}
		r.Layout = Long
		r.note("layout long: column %s numbers the rows of a sequence id, so a row is a time-step and the lists (%s) are vectors", step, strings.Join(lists, ", "))
		return nil
	}
	switch {
	case len(lists) > 0:
		r.Layout = Nested
		r.note("layout nested: column %s is a list, so a row is a sequence", lists[0])
	case len(texts) == 1 && len(plain) == 0 && r.Time == "" && len(in.matching(timeNames)) == 0:
		r.Layout = Nested
		r.note("layout nested: the text in column %s is the only input, so a row is a sequence of characters", texts[0])
	case len(r.ID) > 0 || len(in.matching(idNames)) > 0:
		r.Layout = Long
		r.note("layout long: no column is a list and there is a sequence id, so a row is a time-step")
	default:
		return schemaError("data.ambiguous_layout", "", "no column is a list and none is named like a sequence id (%s), so it is not clear what a row is; the columns are %s",
			strings.Join(idNames, ", "), strings.Join(columnNames(in.schema), ", ")).
			fix("--id COLUMN if a row is a time-step, or --layout flat if a row is a whole case")
	}
	return nil
}

// scalarTime returns the time column with one value a row, where there are a sequence id and lists that are no deeper than
// vectors: then the lists may be the vectors of time-steps. Otherwise it returns "".
func (in *inference) scalarTime(lists []string) string {
	if len(lists) == 0 || slices.ContainsFunc(lists, func(c string) bool { return in.shape(c).depth > 1 }) {
		return ""
	}
	if len(in.r.ID) == 0 && len(in.matching(idNames)) == 0 {
		return ""
	}
	times := in.matching(timeNames)
	if in.r.Time != "" {
		times = []string{in.r.Time}
	}
	for _, c := range times {
		if in.shape(c).depth == 0 {
			return c
		}
	}
	return ""
}

// reserved returns the role that a column's name suggests, apart from target; "" if none.
func (in *inference) reserved(column string) string {
	for _, k := range []struct {
		role  string
		names []string
	}{{"id", idNames}, {"time", timeNames}, {"split", splitNames}, {"mask", maskNames}, {"weight", weightNames}} {
		if slices.ContainsFunc(k.names, func(n string) bool { return strings.EqualFold(n, column) }) {
			return k.role
		}
	}
	return ""
}
