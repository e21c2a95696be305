package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
)

// Stats is the statistics of all columns, and of the sequences' lengths.
type Stats struct {
	Columns   []ColumnStats `json:"columns"`
	Sequences int64         `json:"sequences"`
	Lengths   *Lengths      `json:"lengths"`        // nil where rows cannot be made sequences
	Note      string        `json:"note,omitempty"` // why not
}

// ColumnStats describes the values of a column, those in its lists one by one. Min, Mean, SD and Max are of finite numbers (nil where there
// are none); SD divides by n.
type ColumnStats struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Values   int64    `json:"values"` // with nulls, NaN and infinities
	Nulls    int64    `json:"nulls"`
	NullRows int64    `json:"null_rows"` // rows that are null as a whole, be they lists or not
	NaN      int64    `json:"nan"`
	Inf      int64    `json:"inf"`
	Min      *float64 `json:"min"`
	Mean     *float64 `json:"mean"`
	SD       *float64 `json:"sd"`
	Max      *float64 `json:"max"`
	Distinct int64    `json:"distinct"` // exact up to maxDistinct
	Many     bool     `json:"many"`     // there are more than Distinct different values
	Unread   string   `json:"unread"`   // why the column is not read, and all else is 0; "" where it is
}

// maxDistinct bounds the memory of counting different values.
const maxDistinct = 10_000

// CollectStats reads all data once (of an endless source the first unit), but for columns of types that are not read.
func CollectStats(ctx context.Context, src Source, o RoleOptions) (*Stats, error) {
	out := &Stats{}
	schema := src.Schema()
	columns := readable(schema)
	totals := make([]*tally, len(columns))
	for i := range totals {
		totals[i] = newTally()
	}
	err := eachUnit(ctx, src, columns, func(_ Unit, rec arrow.Record) ([]*tally, error) {
		seen := make([]*tally, len(columns))
		for i, c := range rec.Columns() {
			seen[i] = newTally()
			seen[i].add(c)
		}
		return seen, nil
	}, func(seen []*tally) error {
		for i, t := range seen {
			totals[i].merge(t)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: collecting statistics: %w", err)
	}
	for _, f := range schema.Fields() {
		if err := supported(f.Type); err != nil {
			out.Columns = append(out.Columns, ColumnStats{Name: f.Name, Type: typeText(f.Type), Unread: err.Error()})
			continue
		}
		out.Columns = append(out.Columns, totals[0].stats(f))
		totals = totals[1:]
	}
	return out, out.lengths(ctx, src, o)
}

// readable lists the columns of types that are read.
func readable(schema *arrow.Schema) (columns []int) {
	for i, f := range schema.Fields() {
		if supported(f.Type) == nil {
			columns = append(columns, i)
		}
	}
	return columns
}

// lengths adds the sequences' lengths, where the roles can be inferred.
func (st *Stats) lengths(ctx context.Context, src Source, o RoleOptions) error {
	s, err := newSurvey(src.Schema(), o)
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return err
		}
		st.Note = e.Error()
		return nil
	}
	if err := s.run(ctx, src); err != nil {
		return fmt.Errorf("ingest: collecting statistics: %w", err)
	}
	if s.dropped > 0 {
		st.Note = fmt.Sprintf("%d of %d sequences are unusable and not counted (curvestream data validate says why)", s.dropped, s.spans)
	}
	st.Sequences, st.Lengths = int64(len(s.lengths)), lengthsOf(s.lengths)
	return nil
}

// A tally counts the values of one column. Merging in the order of units gives the same bits whatever counted them.
type tally struct {
	values, nulls, nullRows, nan, inf int64
	n, mean, m2, min, max             float64
	numbers                           map[uint64]struct{}
	words                             map[string]struct{}
	many                              bool
	recent                            [1024]uint64 // numbers met lately, plus one: most need no look into the map
}

func newTally() *tally {
	return &tally{min: math.Inf(1), max: math.Inf(-1), numbers: map[uint64]struct{}{}, words: map[string]struct{}{}}
}

// add counts the values of a column.
func (t *tally) add(a arrow.Array) {
	t.nullRows += int64(a.NullN())
	v := newView(a)
	lo, hi := 0, a.Len()
	for _, l := range []interface{ ValueOffsets(int) (int64, int64) }{v.outer, v.inner} {
		if l == nil || hi == lo {
			continue
		}
		first, _ := l.ValueOffsets(lo)
		_, last := l.ValueOffsets(hi - 1)
		lo, hi = int(first), int(last)
	}
	t.values += int64(hi - lo)
	for i := lo; i < hi; i++ {
		if v.leaf.IsNull(i) {
			t.nulls++
		}
	}
	t.leaves(v.leaf, lo, hi)
}

// leaves counts numbers as numbers and everything else as words.
func (t *tally) leaves(leaf arrow.Array, lo, hi int) {
	const block = 4096
	var x [block]float64
	for ; lo < hi; lo += block {
		part := x[:min(block, hi-lo)]
		if classOf(leaf.DataType()) == text || !floats(part, leaf, lo) {
			for i := range part {
				if leaf.IsValid(lo + i) {
					t.word(leaf, lo+i)
				}
			}
			continue
		}
		for i, v := range part {
			if leaf.IsValid(lo + i) {
				t.number(v)
			}
		}
	}
}

func (t *tally) word(leaf arrow.Array, i int) {
	w := word(leaf, i)
	if _, known := t.words[w]; known {
		return
	}
	if len(t.words) >= maxDistinct {
		t.many = true
		return
	}
	t.words[w] = struct{}{}
}

func (t *tally) number(v float64) {
	switch {
	case math.IsNaN(v):
		t.nan++
		return
	case math.IsInf(v, 0):
		t.inf++
		return
	}
	t.n++
	d := v - t.mean
	t.mean += d / t.n
	t.m2 += d * (v - t.mean)
	t.min, t.max = min(t.min, v), max(t.max, v)
	t.distinct(math.Float64bits(v))
}

func (t *tally) distinct(bits uint64) {
	slot := bits * 0x9e3779b97f4a7c15 >> 54
	if t.many || t.recent[slot] == bits+1 {
		return
	}
	t.recent[slot] = bits + 1
	t.numbers[bits] = struct{}{}
	if len(t.numbers) > maxDistinct {
		delete(t.numbers, bits)
		t.many = true
	}
}

func (t *tally) merge(u *tally) {
	t.values, t.nulls, t.nullRows, t.nan, t.inf = t.values+u.values, t.nulls+u.nulls, t.nullRows+u.nullRows, t.nan+u.nan, t.inf+u.inf
	if n := t.n + u.n; u.n > 0 {
		d := u.mean - t.mean
		t.mean += d * u.n / n
		t.m2 += u.m2 + d*d*t.n*u.n/n
		t.n = n
	}
	t.min, t.max = min(t.min, u.min), max(t.max, u.max)
	for bits := range u.numbers {
		t.distinct(bits)
	}
	for w := range u.words {
		if _, known := t.words[w]; !known && len(t.words) >= maxDistinct {
			t.many = true
			break
		}
		t.words[w] = struct{}{}
	}
	t.many = t.many || u.many
}

func (t *tally) stats(f arrow.Field) ColumnStats {
	s := ColumnStats{Name: f.Name, Type: typeText(f.Type), Values: t.values, Nulls: t.nulls, NullRows: t.nullRows, NaN: t.nan, Inf: t.inf,
		Distinct: int64(len(t.numbers) + len(t.words)), Many: t.many}
	if t.n > 0 {
		sd := math.Sqrt(t.m2 / t.n)
		s.Min, s.Mean, s.SD, s.Max = &t.min, &t.mean, &sd, &t.max
	}
	return s
}
