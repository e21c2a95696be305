package ingest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
)

// An Encoder turns rows into sequences, as a stored [Encoding] says. It may be used by several goroutines, each with its own
// sequence.
type Encoder[F Float] struct {
	plan    *plan
	mixed   bool // sparse inputs with numbers among them, so that indices have values
	classes bool // targets are classes
	scratch sync.Pool
}

// NewEncoder matches the columns of the encoding with those of the schema by name, in any order. Columns that are missing or
// that have another type are an *[Error].
func NewEncoder[F Float](schema *arrow.Schema, e *Encoding) (*Encoder[F], error) {
	p, err := resolve(schema, e)
	if err != nil {
		return nil, err
	}
	for _, f := range p.encoded {
		if f.enc.Width == 0 || f.coder == nil && (f.enc.Kind == OneHot || f.enc.Kind == Chars) {
			return nil, schemaError("config.encoding", f.enc.Column, "the encoding has no width or vocabulary").fix("use an encoding that was fitted on data")
		}
	}
	enc := &Encoder[F]{plan: p, scratch: sync.Pool{New: func() any { return new(scratch) }}}
	for _, f := range slices.Concat(p.inputs, p.static) {
		enc.mixed = enc.mixed || f.enc.Kind == Numeric
	}
	of := enc.targets()
	enc.classes = e.Loss == "softmax_cross_entropy" && (len(of) == 0 || of[0].enc.Kind != Numeric)
	return enc, nil
}

// InputsOnly returns the encoding without targets, mask and weight, for data that is to be predicted. An encoding of form
// "next" needs no targets and is returned as it is. Sequences encoded by it have zeros for targets.
func (e *Encoding) InputsOnly() *Encoding {
	if e.Form == "next" {
		return e
	}
	out := *e
	out.Targets, out.Mask, out.Weight = nil, "", ""
	return &out
}

// Columns returns the columns that Append wants in its records, as indices into the schema, ascending.
func (e *Encoder[F]) Columns() []int { return e.plan.columns }

// targets lists the columns that targets are made of: the inputs with form next.
func (e *Encoder[F]) targets() []*field {
	if e.plan.form == "next" {
		return e.plan.inputs
	}
	return e.plan.targets
}

// scratch is the memory of one Append.
type scratch struct {
	rec    arrow.Record
	views  []view
	loaded []loaded // by place in plan.encoded
	mask   loaded
}

func (x *scratch) bind(p *plan, rec arrow.Record) {
	if x.loaded == nil {
		x.loaded = make([]loaded, len(p.inputs)+len(p.static)+len(p.targets))
	}
	if x.rec == rec {
		return
	}
	x.rec, x.views = rec, x.views[:0]
	for _, c := range rec.Columns() {
		x.views = append(x.views, newView(c))
	}
}

// Append adds rows [lo, hi) of rec, which holds Columns of unit u, to seq: all of the sequence in the nested and the flat
// layout, where hi is lo+1, or one span of it in the long layout. A seq of Length 0 is begun anew; its slices are reused. Finish must be
// called after the last span. Bad data is an *[Error] that names the place.
func (e *Encoder[F]) Append(seq *Sequence[F], rec arrow.Record, lo, hi int, u Unit) (err error) {
	defer func() {
		if r := recover(); IsFault(r) {
			err = cutShort(u)
		} else if r != nil {
			err = &Error{Code: "data.malformed", File: u.File, RowGroup: u.RowGroup, Row: u.FirstRow + int64(lo), ID: string(seq.ID),
				Message: fmt.Sprintf("has malformed lists: %v", r), Hint: "write the file again"}
		}
	}()
	if err := checkRecord(e.plan, rec); err != nil {
		return fmt.Errorf("ingest: encoding %s: %w", u.File, err)
	}
	x := e.scratch.Get().(*scratch)
	defer e.scratch.Put(x)
	x.bind(e.plan, rec)
	if seq.Length == 0 {
		seq.Reset()
		var bad *flaw
		if seq.ID, bad = e.plan.appendID(seq.ID, x.views, u, lo); bad != nil {
			return place(bad, u, "")
		}
	}
	steps, bad := e.read(x, lo, hi)
	if bad == nil {
		bad = e.write(seq, x, steps, lo, hi)
	}
	if bad != nil {
		return place(bad, u, string(seq.ID))
	}
	return nil
}

// read loads all columns, and returns the number of time-steps.
func (e *Encoder[F]) read(x *scratch, lo, hi int) (steps int, bad *flaw) {
	p := e.plan
	for i, f := range p.encoded {
		from, to := lo, hi
		switch {
		case f.role == "static input":
			to = lo + 1
		case f.role == "target" && p.layout == Long && p.form == "last":
			from = hi - 1
		}
		l := &x.loaded[i]
		if bad := f.load(l, x.views[f.at], from, to, f.coder, f.enc.Width); bad != nil {
			return 0, bad
		}
		if i == 0 {
			steps = l.steps
		}
		if bad := e.agree(f, l, steps, lo); bad != nil {
			return 0, bad
		}
	}
	return steps, nil
}

// agree refuses columns of different lengths.
func (e *Encoder[F]) agree(f *field, l *loaded, steps, lo int) *flaw {
	ragged := func() *flaw { return &flaw{code: "data.ragged_targets", row: lo} }
	switch {
	case f.role == "input" && l.steps != steps:
		return f.flaw("data.ragged_inputs", lo, "has %d time-steps, but column %q has %d", l.steps, e.plan.inputs[0].enc.Column, steps)
	case f.role == "target" && l.steps == 0 && steps > 0:
		return ragged().say("has no target in column %q", f.enc.Column)
	case f.role == "target" && f.series && e.plan.form == "each" && l.steps != steps:
		return ragged().say("has %d input steps but %d target steps", steps, l.steps).fix("--form last (one target per sequence)")
	}
	return nil
}

// write appends what was read.
func (e *Encoder[F]) write(seq *Sequence[F], x *scratch, steps, lo, hi int) *flaw {
	p := e.plan
	var bad *flaw
	if p.sparse {
		bad = e.writeSparse(seq, x, steps, lo)
	} else {
		bad = e.writeDense(seq, x, steps, lo)
	}
	if bad != nil {
		return bad
	}
	if bad := e.writeTargets(seq, x, steps, lo, hi); bad != nil {
		return bad
	}
	if p.mask != nil {
		if bad := e.writeMask(seq, x, steps, lo, hi); bad != nil {
			return bad
		}
	}
	if p.weight != nil {
		v := x.views[p.weight.at]
		if bad := p.weight.checkWeight(v, lo); bad != nil {
			return bad
		}
		var weight [1]float64
		floats(weight[:], v.leaf, lo)
		seq.Weight = F(weight[0])
	}
	seq.Length += steps
	return nil
}

// Finish completes a sequence after its last span: with form next, inputs lose their last time-step.
func (e *Encoder[F]) Finish(seq *Sequence[F]) error {
	p := e.plan
	bad := func(code, message, hint string) error {
		return &Error{Code: code, RowGroup: -1, Row: -1, ID: string(seq.ID), Message: message, Hint: hint}
	}
	if seq.Length == 0 {
		return bad("data.empty_sequence", "has no time-steps", "remove it, or --missing drop-sequence")
	}
	if p.form == "last" && p.layout == Long && !e.finishLast(seq) {
		return bad("data.null", "has no target in its last row", "put the target into the last row, or --missing mask")
	}
	if p.form != "next" {
		return nil
	}
	if seq.Length == 1 {
		return bad("data.short_sequence", "has one time-step, so there is no next one to predict", "remove it, or --missing drop-sequence")
	}
	seq.Length--
	if p.sparse {
		seq.Ptr = seq.Ptr[:seq.Length+1]
		seq.Col = seq.Col[:seq.Ptr[seq.Length]]
		if len(seq.Val) > 0 {
			seq.Val = seq.Val[:len(seq.Col)]
		}
	} else {
		seq.Dense = seq.Dense[:seq.Length*p.in]
	}
	return nil
}
