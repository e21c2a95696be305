package ingest

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// A Fitter finds out how data are to be encoded, in one pass: the roles from the schema at once, vocabularies, widths and
// statistics from the scans of all units. Scan may be called by several goroutines; Merge by one, in the order of units, so
// that the result does not depend on the number of workers.
type Fitter struct {
	*scanner
	roles  Roles
	o      RoleOptions
	joined joined
	fits   []*fit
	spans  int64 // kept
}

// NewFitter infers the roles (see [Infer]).
func NewFitter(schema *arrow.Schema, o RoleOptions) (*Fitter, error) {
	r, err := Infer(schema, o)
	if err != nil {
		return nil, err
	}
	o, err = withMetadata(schema, o, &Roles{})
	if err != nil {
		return nil, err
	}
	p, err := planOf(schema, &r, o)
	if err != nil {
		return nil, err
	}
	return &Fitter{scanner: &scanner{plan: p, fit: true}, roles: r, o: o}, nil
}

// Roles returns what each column is for, with the reasons. After Encoding it has what the data settled, too.
func (f *Fitter) Roles() Roles { return f.roles }

// Columns returns the columns that Scan wants in its records, as indices into the schema, ascending.
func (f *Fitter) Columns() []int { return f.plan.columns }

// Scan finds the sequences in rec, which holds Columns of the whole unit, checks every row and collects statistics. It is pure
// and may run in parallel. Bad data is an *[Error] that names the place, and says how many sequences of the unit are like it.
func (f *Fitter) Scan(u Unit, rec arrow.Record) (*UnitScan, error) { return f.scan(u, rec) }

// Merge takes over what Scan found. It is called once a unit, in the order of units, by one goroutine.
func (f *Fitter) Merge(u *UnitScan) error {
	first := f.joined.add(f.plan, u)
	f.spans += int64(len(u.Spans) - u.Dropped)
	if f.fits == nil {
		f.fits = u.fits
		return first
	}
	for i, t := range u.fits {
		if err := f.fits[i].merge(t, u.Unit); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Encoding returns what all units together say, to be stored with the model.
func (f *Fitter) Encoding() (*Encoding, error) {
	if f.spans == 0 {
		return nil, &Error{Code: "data.no_sequences", RowGroup: -1, Row: -1, Message: "there is no usable sequence in the data", Hint: "check that the files are not empty"}
	}
	if err := f.settleForm(); err != nil {
		return nil, err
	}
	p := f.plan
	e := &Encoding{Layout: p.layout, ID: f.roles.ID, Time: f.roles.Time, Form: f.roles.Form, Mask: f.roles.Mask, Weight: f.roles.Weight, Missing: p.missing}
	for i, fd := range p.encoded {
		c, err := f.fits[i].encoding(&f.roles)
		if err != nil {
			return nil, err
		}
		switch fd.role {
		case "input":
			e.Inputs = append(e.Inputs, c)
		case "static input":
			e.Static = append(e.Static, c)
		default:
			e.Targets = append(e.Targets, c)
		}
	}
	if err := f.settleLoss(e); err != nil {
		return nil, err
	}
	e.widths()
	return e, nil
}

// settleForm infers the form in the long layout: last where no target ever changes within a sequence.
func (f *Fitter) settleForm() error {
	if bad := f.endings(); bad != nil {
		return bad
	}
	if f.roles.Form != "" {
		return nil
	}
	constant, longer := true, false
	for _, t := range f.joined.tails {
		constant = constant && (t.drop || !t.varies)
		longer = longer || t.steps > 1
	}
	target := f.plan.targets[0].enc.Column
	if constant && longer {
		f.roles.Form = "last"
		f.roles.note("form last: target %s is the same on all rows of every sequence", target)
		return nil
	}
	f.roles.Form = "each"
	f.roles.note("form each: target %s has a value for every time-step", target)
	return nil
}

// endings refuses sequences of the long layout that only their last spans show to be unusable: without a last target, or without a
// next step to predict. Of several it names the one with the least id.
func (f *Fitter) endings() error {
	p, worst := f.plan, ""
	bad := func(t *tail) bool {
		return !t.drop && (t.gap && p.form == "last" && p.missing != "mask" || t.steps == 1 && p.form == "next")
	}
	for id, t := range f.joined.tails {
		if bad(t) && (worst == "" || id < worst) {
			worst = id
		}
	}
	if worst == "" {
		return nil
	}
	t := f.joined.tails[worst]
	if p.form == "next" {
		return place(p.inputs[0].flaw("data.short_sequence", t.row, "has one time-step, so there is no next one to predict").fix("remove the sequence"), t.unit, worst)
	}
	return place(p.targets[0].flaw("data.null", t.row, "the target in the last row of the sequence is null").fix("put the target into the last row, or --missing mask"), t.unit, worst)
}

// settleLoss infers the loss from the targets' encodings (those of the inputs with form next), and checks a given one.
func (f *Fitter) settleLoss(e *Encoding) error {
	of := e.Targets
	if e.Form == "next" {
		of = e.Inputs
	}
	kinds := map[Kind]int{}
	names := []string{}
	for _, c := range of {
		kind := c.Kind
		if kind == Chars {
			kind = OneHot
		}
		kinds[kind]++
		names = append(names, fmt.Sprintf("%s (%s)", c.Column, c.Kind))
	}
	if e.Loss = f.o.Loss; e.Loss == "" {
		if e.Form == "next" && kinds[Numeric] > 0 && f.o.Form == "" {
			return schemaError("data.no_target", "", "no column is named like a target, and the inputs %v are numbers, not active indices or characters", names).
				fix("--form next to predict the next values, or --targets COLUMN")
		}
		switch {
		case len(kinds) > 1 || kinds[OneHot] > 1:
			return schemaError("data.ambiguous_loss", "", "the targets %v have no loss in common", names).fix("--targets with one of them, or --loss squared_error")
		case kinds[OneHot] == 1:
			e.Loss = "softmax_cross_entropy"
		case kinds[MultiHot] > 0 || f.booleans(of):
			e.Loss = "logistic_cross_entropy"
		default:
			e.Loss = "squared_error"
		}
		f.roles.Loss = e.Loss
		f.roles.note("loss %s, from the targets %v", e.Loss, names)
		return nil
	}
	if e.Loss == "softmax_cross_entropy" && (len(of) > 1 || kinds[MultiHot] > 0) {
		return schemaError("config.loss", "", "the loss softmax_cross_entropy wants one target of classes, but the targets are %v", names).fix("--targets with one of them, or another --loss")
	}
	return nil
}

// booleans reports whether all targets are columns of booleans.
func (f *Fitter) booleans(of []ColumnEncoding) bool {
	for _, fd := range f.plan.encoded {
		if slices.ContainsFunc(of, func(c ColumnEncoding) bool { return c.Column == fd.enc.Column }) && fd.shape.class != boolean {
			return false
		}
	}
	return true
}

// widths sums up the widths, and decides whether inputs are given as indices: where a category makes most of them zeros.
func (e *Encoding) widths() {
	nonzero, categories := 0, false
	for _, c := range slices.Concat(e.Inputs, e.Static) {
		e.In += c.Width
		switch c.Kind {
		case Numeric:
			nonzero += c.Width
		case MultiHot:
			categories = true
			nonzero += min(8, c.Width) // of chords, tags and the like few are active at once
		default:
			categories = true
			nonzero++
		}
	}
	e.SparseInputs = categories && e.In >= 4*nonzero
	of := e.Targets
	if e.Form == "next" {
		of = e.Inputs
	}
	for _, c := range of {
		e.Out += c.Width
	}
}
