package ingest

import (
	"slices"
	"strings"
)

// joined follows sequences of the long layout over the units that they cross. The other layouts need none of it.
type joined struct {
	tails map[string]*tail
	spans int // in all
	units int
}

// Rows of the long layout that lie scattered would be read again for each of the sequences that a unit has rows of, and each run of rows takes
// memory. So more than scattered runs for each sequence and unit, where there are more than fewSpans in all, are refused.
const (
	scattered = 8
	fewSpans  = 20_000
)

// A tail is what is known of a sequence at the end of its last span so far.
type tail struct {
	steps    int
	last     int64 // time
	lastWord string
	target   []string
	varies   bool
	gap      bool // the last row has no target, with form "last"
	drop     bool
	away     bool // the scan's Selection leaves it out
	unit     Unit
	row      int
}

// add takes over a unit's spans, in the order of units. It returns the first flaw, having gone through all.
func (j *joined) add(p *plan, u *UnitScan) error {
	if p.layout != Long {
		return nil
	}
	if j.tails == nil {
		j.tails = map[string]*tail{}
	}
	var first *Error
	for i := range u.Spans {
		s := &u.Spans[i]
		t, seen := j.tails[s.ID]
		if !seen {
			t = &tail{target: s.target}
			j.tails[s.ID] = t
		}
		if bad := t.extend(p, s, seen); bad != nil && !t.drop {
			if first == nil {
				first = place(bad, u.Unit, s.ID)
				first.Of = int64(len(u.Spans))
			}
			first.Count++
		}
		t.unit, t.row = u.Unit, s.Hi-1
	}
	if first != nil {
		return first
	}
	return j.scattered(p, u)
}

// scattered refuses data whose rows are in no order of sequences.
func (j *joined) scattered(p *plan, u *UnitScan) error {
	j.spans += len(u.Spans)
	j.units++
	if len(p.id) == 0 || j.spans < fewSpans || j.spans < scattered*(len(j.tails)+j.units) {
		return nil
	}
	return place(p.id[0].flaw("data.scattered", 0, "the rows of sequences are scattered: %s runs of rows for %s sequences so far", thousands(int64(j.spans)), thousands(int64(len(j.tails)))).
		fix("curvestream data convert --sort --id %s FILES -o sorted.parquet", quoted(joinedNames(p.id))), u.Unit, "")
}

// joinedNames lists columns as a flag takes them.
func joinedNames(fields []*field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.enc.Column
	}
	return strings.Join(names, ",")
}

// extend appends a span.
func (t *tail) extend(p *plan, s *Span, seen bool) *flaw {
	if seen && t.away != s.Elsewhere {
		return p.split.flaw("data.split", s.Lo, "the part that the sequence belongs to changes within it").fix("give all rows of a sequence the same value")
	}
	t.away = s.Elsewhere
	t.drop = t.drop || s.Drop != ""
	if seen && p.time != nil && s.Drop == "" {
		if bad := p.time.order(t.last, s.first, t.lastWord, s.firstWord, s.Lo); bad != nil {
			return bad
		}
	}
	t.steps += s.Steps
	if p.maxLength > 0 && t.steps > p.maxLength {
		return p.tooLong(s.Lo, t.steps)
	}
	t.varies = t.varies || s.varies || !slices.Equal(t.target, s.target)
	t.last, t.lastWord, t.gap = s.last, s.lastWord, s.gap
	return nil
}
