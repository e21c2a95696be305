package ingest

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// A Span is the part of a sequence that lies in one unit. In the nested and the flat layout it is the whole sequence, one
// row. In the long layout it is a run of rows with the same id; the spans of one id, in the order of units and rows, make
// the sequence together.
type Span struct {
	ID     string
	Lo, Hi int // rows [Lo, Hi) of the unit
	Steps  int // time-steps in these rows; with form "next" the encoded sequence is one shorter, see Encoding.Length
	// Drop says why the sequence is unusable where Missing is "drop-sequence", with all its spans; "" keeps it.
	Drop string
	// Elsewhere says that the scan's Selection leaves the sequence out; then Drop is not empty, and nothing else was looked at.
	Elsewhere bool

	first, last         int64 // time of the first and the last row, in the long layout with a time column
	firstWord, lastWord string
	target              []string // the targets' only value in these rows, in the long layout where the form is to be inferred
	varies              bool     // a target changes within these rows
	gap                 bool     // the last row has no target, in the long layout with form "last"
}

// A UnitScan is what one pass over a unit found: the sequences, and (of a [Fitter]) the statistics of the columns.
type UnitScan struct {
	Unit     Unit
	Spans    []Span
	Steps    int64      // in all spans that are kept
	Dropped  int        // spans that are not
	Problems []*Problem // of the first flaw a sequence; filled only by Inspect and Validate: otherwise Scan fails with the first

	fits []*fit
}

// A Problem is a kind of flaw in the data: how many sequences have it, and the first of them.
type Problem struct {
	Count    int64
	Examples []*Error // in order, at most maxExamples
}

// maxExamples bounds the memory that the flaws of one kind take.
const maxExamples = 100

func (p *Problem) add(e *Error) {
	p.Count++
	if len(p.Examples) < maxExamples {
		p.Examples = append(p.Examples, e)
	}
}

// A Scanner finds and checks the sequences of data that is encoded by a stored [Encoding], as in evaluation, prediction,
// validation data and resumed runs. Scan may be called by several goroutines.
type Scanner struct {
	*scanner
	joined joined
}

// NewScanner matches the columns of the encoding with those of the schema by name, in any order. Columns that are missing
// or that have another type are an *[Error].
func NewScanner(schema *arrow.Schema, e *Encoding) (*Scanner, error) {
	p, err := resolve(schema, e)
	if err != nil {
		return nil, err
	}
	return &Scanner{scanner: &scanner{plan: p}}, nil
}

// Columns returns the columns that Scan wants in its records, as indices into the schema, ascending.
func (s *Scanner) Columns() []int { return s.plan.columns }

// Scan finds the sequences in rec, which holds Columns of the whole unit, and checks every row. It is pure and may run in
// parallel. Bad data is an *[Error] that names the place, and says how many sequences of the unit are like it.
func (s *Scanner) Scan(u Unit, rec arrow.Record) (*UnitScan, error) { return s.scan(u, rec) }

// Merge checks what only the whole data shows, in the long layout: that time goes on increasing where a sequence goes on in
// another unit, and that no sequence is too long. It is called once a unit, in the order of units, by one goroutine.
func (s *Scanner) Merge(u *UnitScan) error { return s.joined.add(s.plan, u) }

// Length returns the number of encoded time-steps that a sequence with the given number of time-steps in its rows has.
func (e *Encoding) Length(steps int) int {
	if e.Form == "next" {
		return steps - 1
	}
	return steps
}

// scanner is what [Fitter] and [Scanner] share. It is read-only.
type scanner struct {
	plan      *plan
	selection *Selection // nil takes all sequences
	fit       bool       // collect statistics
	all       bool       // go on after a flaw, and report all in UnitScan.Problems
}

// scan is Scan of both.
func (s *scanner) scan(u Unit, rec arrow.Record) (out *UnitScan, err error) {
	defer func() {
		if r := recover(); IsFault(r) {
			err = cutShort(u)
		} else if r != nil {
			err = &Error{Code: "data.malformed", File: u.File, RowGroup: u.RowGroup, Row: -1,
				Message: fmt.Sprintf("malformed lists: %v", r), Hint: "write the file again"}
		}
	}()
	if err := checkRecord(s.plan, rec); err != nil {
		return nil, fmt.Errorf("ingest: scanning %s: %w", u.File, err)
	}
	w := newSpanWalk(s, u, rec)
	if s.plan.layout == Long {
		w.long()
	} else {
		w.rows()
	}
	if len(w.out.Problems) > 0 && !s.all {
		return nil, w.out.Problems[0].err(int64(len(w.out.Spans)))
	}
	return w.out, nil
}

// err returns the first occurrence, with the number of sequences like it.
func (p *Problem) err(of int64) *Error {
	e := *p.Examples[0]
	e.Count, e.Of = p.Count, of
	return &e
}

func checkRecord(p *plan, rec arrow.Record) error {
	if int(rec.NumCols()) != len(p.columns) {
		return fmt.Errorf("record has %d columns, want %d", rec.NumCols(), len(p.columns))
	}
	return nil
}
