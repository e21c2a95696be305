package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// spanWalk goes through the sequences of one unit.
type spanWalk struct {
	*scanner
	unit     Unit
	views    []view // by field.at
	out      *UnitScan
	loaded   []loaded // by place in plan.encoded
	coders   []*coder
	widths   []int // of numeric vectors, 0 until the first is seen
	encoded  []*field
	mask     loaded
	problems map[string]*Problem
}

func newSpanWalk(s *scanner, u Unit, rec arrow.Record) *spanWalk {
	w := &spanWalk{scanner: s, unit: u, out: &UnitScan{Unit: u}, problems: map[string]*Problem{}, encoded: s.plan.encoded}
	for _, c := range rec.Columns() {
		w.views = append(w.views, newView(c))
	}
	w.loaded = make([]loaded, len(w.encoded))
	w.out.Spans = make([]Span, 0, rec.NumRows())
	for _, f := range w.encoded {
		w.widths = append(w.widths, f.enc.Width)
		c := f.coder
		if s.fit {
			w.out.fits = append(w.out.fits, newFit(s.plan, f))
			if c == nil {
				c = w.out.fits[len(w.out.fits)-1].coder
			}
		}
		w.coders = append(w.coders, c)
	}
	return w
}

// rows makes every row a sequence.
func (w *spanWalk) rows() {
	for r := range int(w.unit.Rows) {
		w.span(r, r+1)
	}
}

// long makes every run of rows with the same id a span.
func (w *spanWalk) long() {
	n := int(w.unit.Rows)
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && w.sameID(lo, hi) {
			hi++
		}
		w.span(lo, hi)
		lo = hi
	}
}

func (w *spanWalk) sameID(i, j int) bool {
	for _, f := range w.plan.id {
		if !sameValue(w.views[f.at].leaf, i, j) {
			return false
		}
	}
	return true
}

// id returns the identifier of the sequence at a row: the values of the id columns, joined by "|" (which is escaped inside
// them), or the file and the row where there is no id column.
func (p *plan) idAt(views []view, u Unit, row int) (string, *flaw) {
	id, bad := p.appendID(nil, views, u, row)
	return string(id), bad
}

// appendID appends the identifier of a row to dst.
func (p *plan) appendID(dst []byte, views []view, u Unit, row int) ([]byte, *flaw) {
	if len(p.id) == 0 {
		return appendRowID(dst, u, row), nil
	}
	for i, f := range p.id {
		a := views[f.at].leaf
		if a.IsNull(row) {
			return dst, f.flaw("data.null_id", row, "the sequence id is null").fix("give every row an id, or remove the row")
		}
		switch {
		case len(p.id) == 1:
			return appendWord(dst, a, row), nil
		case i > 0:
			dst = append(dst, '|')
		}
		dst = append(dst, idEscape.Replace(word(a, row))...)
	}
	return dst, nil
}

// appendRowID appends the identifier of a row where no column gives one.
func appendRowID(dst []byte, u Unit, row int) []byte {
	dst = append(append(dst, u.File...), ':')
	return strconv.AppendInt(dst, u.FirstRow+int64(row), 10)
}

// idEscape keeps identifiers of several columns apart.
var idEscape = strings.NewReplacer(`\`, `\\`, "|", `\|`)

// span checks rows [lo, hi) as one sequence, or the part of it in this unit, and keeps it or says what is wrong.
func (w *spanWalk) span(lo, hi int) {
	id, bad := w.plan.idAt(w.views, w.unit, lo)
	s := Span{ID: id, Lo: lo, Hi: hi}
	if bad == nil && w.selection != nil {
		bad = w.choose(&s)
	}
	if bad == nil && !s.Elsewhere {
		bad = w.check(&s)
	}
	switch {
	case bad == nil && s.Elsewhere:
		w.out.Dropped++
	case bad == nil:
		w.out.Steps += int64(s.Steps)
		for i := range w.out.fits {
			if w.counts(&s, w.encoded[i]) {
				w.out.fits[i].add(w, i, &s)
			}
		}
	case w.plan.missing == "drop-sequence" && bad.droppable():
		s.Drop = bad.message
		w.out.Dropped++
	default:
		w.problem(&s, bad)
		s.Drop = bad.message
		w.out.Dropped++
	}
	w.out.Spans = append(w.out.Spans, s)
}

// counts reports whether a field's values in the span are used in training: all, but of the long layout's targets of form
// "last", which may be empty in a span that is not the sequence's last.
func (w *spanWalk) counts(s *Span, f *field) bool { return f.role != "target" || !s.gap }

func (b *flaw) droppable() bool {
	switch b.code {
	case "data.ragged_targets", "data.ragged_inputs", "data.empty_sequence", "data.short_sequence":
		return true
	}
	return b.missing
}

func (w *spanWalk) problem(s *Span, bad *flaw) {
	key := bad.code
	if bad.field != nil {
		key += "\x00" + bad.field.enc.Column
	}
	if p, ok := w.problems[key]; ok {
		p.add(place(bad, w.unit, s.ID))
		return
	}
	p := &Problem{}
	p.add(place(bad, w.unit, s.ID))
	w.problems[key] = p
	w.out.Problems = append(w.out.Problems, p)
}

// place makes an error of a flaw, of which the unit and the sequence are now known.
func place(bad *flaw, u Unit, id string) *Error {
	e := &Error{Code: bad.code, File: u.File, RowGroup: u.RowGroup, Row: u.FirstRow + int64(bad.row), ID: id, Message: bad.message, Hint: bad.hint}
	if bad.field != nil {
		e.Column = bad.field.enc.Column
	}
	if id != "" && u.File != "" && u.File != "-" {
		e.See = fmt.Sprintf("curvestream data head %s --sequence %s", quoted(u.File), quoted(id))
	}
	return e
}

// quoted makes a word of a shell command of s.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
