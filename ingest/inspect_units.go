package ingest

import (
	"context"
	"fmt"
	"runtime"

	"github.com/apache/arrow/go/v15/arrow"
	"golang.org/x/sync/errgroup"
)

// sampleUnits is how many units of an endless source are looked at.
const sampleUnits = 1

// unitsOf returns how many units a look at all data visits.
func unitsOf(src Source) int {
	if src.Len() == Endless {
		return sampleUnits
	}
	return src.Len()
}

// eachUnit reads the units of a source in waves, one unit a processor, looks at those of a wave in parallel and merges what was seen
// in the order of units. A wave at a time is what bounds the memory. merge may end it with errEnough.
func eachUnit[T any](ctx context.Context, src Source, columns []int, look func(Unit, arrow.Record) (T, error), merge func(T) error) error {
	wave := runtime.GOMAXPROCS(0)
	n := unitsOf(src)
	for lo := 0; lo < n; lo += wave {
		hi := min(n, lo+wave)
		seen := make([]T, hi-lo)
		g, ctx := errgroup.WithContext(ctx)
		for i := lo; i < hi; i++ {
			g.Go(func() error {
				return guardUnit(src.Unit(i), func() error {
					rec, err := src.Read(ctx, i, columns)
					if err != nil {
						return err
					}
					defer rec.Release()
					seen[i-lo], err = look(src.Unit(i), rec)
					return err
				})
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for _, v := range seen {
			if err := merge(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// guardUnit turns a panic over a unit's bytes into an error.
func guardUnit(u Unit, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Code: "data.malformed", File: u.File, RowGroup: u.RowGroup, Row: -1, Message: fmt.Sprintf("is malformed: %v", r), Hint: "write the file again"}
		}
	}()
	return f()
}

// survey is one pass over all data by a Fitter that goes on after flaws.
type survey struct {
	fitter   *Fitter
	lengths  []int64 // of the sequences without flaws, in the order of their first rows
	dropped  int64
	spans    int64
	problems []*Problem
	byKey    map[string]*Problem
	at       map[string]int // sequence of the long layout, by id
	ids      map[string]bool
}

// newSurvey infers the roles; the error is that of [Infer].
func newSurvey(schema *arrow.Schema, o RoleOptions) (*survey, error) {
	f, err := NewFitter(schema, o)
	if err != nil {
		return nil, err
	}
	f.all = true
	s := emptySurvey()
	s.fitter = f
	return s, nil
}

func emptySurvey() *survey {
	return &survey{byKey: map[string]*Problem{}, at: map[string]int{}, ids: map[string]bool{}}
}

// run visits all units.
func (s *survey) run(ctx context.Context, src Source) error {
	return eachUnit(ctx, src, s.fitter.Columns(), s.fitter.Scan, func(u *UnitScan) error {
		s.add(u)
		return nil
	})
}

func (s *survey) add(u *UnitScan) {
	if err := s.fitter.Merge(u); err != nil {
		s.problem(err)
	}
	for _, p := range u.Problems {
		s.problemOf(p)
	}
	s.dropped += int64(u.Dropped)
	s.spans += int64(len(u.Spans))
	p := s.fitter.plan
	for _, span := range u.Spans {
		if p.layout != Long {
			s.identify(span, u.Unit)
		}
		if span.Drop != "" {
			continue
		}
		if p.layout != Long {
			s.lengths = append(s.lengths, int64(span.Steps))
			continue
		}
		i, ok := s.at[span.ID]
		if !ok {
			i = len(s.lengths)
			s.at[span.ID] = i
			s.lengths = append(s.lengths, 0)
		}
		s.lengths[i] += int64(span.Steps)
	}
}

// identify finds ids that two rows have, where a row is a sequence.
func (s *survey) identify(span Span, u Unit) {
	p := s.fitter.plan
	if len(p.id) == 0 {
		return
	}
	if s.ids[span.ID] {
		s.problem(place(p.id[0].flaw("data.duplicate_id", span.Lo, "two rows have this sequence id").
			fix("make the ids unique, or --layout long if a row is a time-step"), u, span.ID))
	}
	s.ids[span.ID] = true
}

// problem counts an error of the whole data.
func (s *survey) problem(err error) {
	e, ok := err.(*Error)
	if !ok {
		e = &Error{Code: "data.unusable", RowGroup: -1, Row: -1, Message: err.Error()}
	}
	p := &Problem{}
	p.add(e)
	p.Count = max(1, e.Count)
	s.problemOf(p)
}

func (s *survey) problemOf(p *Problem) {
	key := p.Examples[0].Code + "\x00" + p.Examples[0].Column
	known, ok := s.byKey[key]
	if !ok {
		s.byKey[key] = p
		s.problems = append(s.problems, p)
		return
	}
	known.Count += p.Count
	for _, e := range p.Examples {
		if len(known.Examples) < maxExamples {
			known.Examples = append(known.Examples, e)
		}
	}
}

// reports lists the problems with at most limit occurrences in all; truncated says that there are more.
func (s *survey) reports(limit int) (out []ProblemReport, truncated bool) {
	for _, p := range s.problems {
		r := ProblemReport{Code: p.Examples[0].Code, Count: p.Count}
		for _, e := range p.Examples {
			if limit == 0 {
				break
			}
			limit--
			r.Examples = append(r.Examples, exampleOf(e))
		}
		truncated = truncated || int64(len(r.Examples)) < p.Count
		out = append(out, r)
	}
	return out, truncated
}

// A ProblemReport is a kind of flaw, how many sequences have it, and the first of them.
type ProblemReport struct {
	Code     string    `json:"code"`
	Count    int64     `json:"count"`
	Examples []Example `json:"examples"`
}

// An Example is one place where the data is bad. RowGroup and Row are −1 where unknown.
type Example struct {
	File     string `json:"file,omitempty"`
	RowGroup int    `json:"row_group"`
	Row      int64  `json:"row"`
	Column   string `json:"column,omitempty"`
	Sequence string `json:"sequence,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	text     string
}

func exampleOf(e *Error) Example {
	alone := *e
	alone.Count, alone.Of = 0, 0
	return Example{File: e.File, RowGroup: e.RowGroup, Row: e.Row, Column: e.Column, Sequence: e.ID, Message: e.Message, Hint: e.Hint, text: alone.Error()}
}
