package ingest

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"curvestream/ingest/simd"
)

// loaded is the content of one column in some rows of one sequence. Its slices are reused.
type loaded struct {
	steps int
	width int       // of numeric steps
	vals  []float64 // numeric: steps × width, raw, NaN where missing; after wide only
	raw   []float32 // instead of vals, in the record's memory, until wide is called: a column of float32 without nulls is not copied
	codes []int32   // one-hot, chars: of each step; multi-hot: active indices
	ptr   []int32   // multi-hot: step τ has codes[ptr[τ]:ptr[τ+1]]
	nulls []int32   // steps of codes and of indices that are null
}

// A flaw is what is wrong with a sequence, before it is known where that is.
type flaw struct {
	code    string
	field   *field
	row     int // of the record
	message string
	hint    string
	missing bool // a missing value, which --missing may allow
}

func (f *field) flaw(code string, row int, format string, args ...any) *flaw {
	return &flaw{code: code, field: f, row: row, message: fmt.Sprintf(format, args...)}
}

func (w *flaw) say(format string, args ...any) *flaw {
	w.message = fmt.Sprintf(format, args...)
	return w
}

func (w *flaw) fix(format string, args ...any) *flaw {
	w.hint = fmt.Sprintf(format, args...)
	return w
}

// elements returns which elements of the column rows [lo, hi) are, one a time-step: [a, b) of the leaves, or of the inner
// lists. For a series hi is lo+1.
func (f *field) elements(v view, lo, hi int) (a, b int, w *flaw) {
	if !f.series {
		return lo, hi, nil
	}
	if v.outer.IsNull(lo) {
		w = f.flaw("data.null", lo, "the list is null").fix("remove the row, or --missing drop-sequence")
		w.missing = true
		return 0, 0, w
	}
	x, y := v.outer.ValueOffsets(lo)
	return int(x), int(y), nil
}

// rowOf returns the row of element e, given that the elements start with a at row lo.
func (f *field) rowOf(e, a, lo int) int {
	if f.series {
		return lo
	}
	return lo + e - a
}

// vectors returns the lists of the elements of a column of vectors.
func (f *field) vectors(v view) array.ListLike {
	if f.series {
		return v.inner
	}
	return v.outer
}

// load reads rows [lo, hi) of one sequence into l. c is the coder, fixed or growing; width is that of numeric vectors where it is
// known, 0 where it is not. undecided says to try both: l then has vals of the width, or only codes where lengths differ.
func (f *field) load(l *loaded, v view, lo, hi int, c *coder, width int) *flaw {
	l.codes, l.ptr, l.vals, l.raw, l.steps, l.width = l.codes[:0], l.ptr[:0], l.vals[:0], nil, 0, 0
	l.nulls = l.nulls[:0]
	if f.enc.Kind == Chars {
		return f.loadText(l, v, lo, c)
	}
	a, b, w := f.elements(v, lo, hi)
	if w != nil {
		return w
	}
	l.steps = b - a
	switch {
	case f.enc.Kind == OneHot:
		return f.loadCodes(l, v, lo, a, b, c)
	case f.enc.Kind == MultiHot || f.undecided():
		return f.loadActive(l, v, lo, a, b)
	case f.vector():
		return f.loadVectors(l, v, lo, a, b, width)
	}
	l.width = 1
	l.numbers(v.leaf, a, b-a)
	return nil
}

// numbers takes the n leaves from a on: as they are, or as float64.
func (l *loaded) numbers(leaf arrow.Array, a, n int) {
	if f, ok := leaf.(*array.Float32); ok && f.NullN() == 0 {
		within(f, a+n)
		l.raw = f.Float32Values()[a : a+n : a+n]
		return
	}
	l.vals = slices.Grow(l.vals, n)[:n]
	floats(l.vals, leaf, a)
}

// wide returns vals.
func (l *loaded) wide() []float64 {
	if l.raw != nil {
		l.vals = slices.Grow(l.vals[:0], len(l.raw))[:len(l.raw)]
		widen(l.vals, l.raw)
		l.raw = nil
	}
	return l.vals
}

func (f *field) loadText(l *loaded, v view, row int, c *coder) *flaw {
	if v.leaf.IsNull(row) {
		w := f.flaw("data.null", row, "the text is null").fix("remove the row, or --missing drop-sequence")
		w.missing = true
		return w
	}
	var ok bool
	if l.codes, ok = c.ofText(l.codes, stringAt(v.leaf, row)); !ok {
		return f.flaw("data.not_utf8", row, "the text is not UTF-8 from character %d on", len(l.codes)).fix("convert the text to UTF-8")
	}
	l.steps = len(l.codes)
	if i := slices.Index(l.codes, unseenCode); i >= 0 && !c.grow {
		at := 0
		for _, r := range stringAt(v.leaf, row) {
			if at == i {
				return f.unseen(row, i, fmt.Sprintf("%q", r))
			}
			at++
		}
	}
	return nil
}

func (f *field) loadCodes(l *loaded, v view, lo, a, b int, c *coder) *flaw {
	for e := a; e < b; e++ {
		code := c.of(v.leaf, e)
		switch {
		case code == missingCode:
			l.nulls = append(l.nulls, int32(e-a))
		case code == unseenCode && !c.grow:
			return f.unseen(f.rowOf(e, a, lo), e-a, word(v.leaf, e))
		case code == unseenCode && !c.over:
			return f.flaw("data.not_integer", f.rowOf(e, a, lo), "the value %s is no integer, so it is no category", word(v.leaf, e)).
				fix("store the categories as integers or strings, or encode the column as numeric")
		}
		l.codes = append(l.codes, code)
	}
	return nil
}

func (f *field) unseen(row, step int, value string) *flaw {
	where := ""
	if f.series {
		where = fmt.Sprintf(" at time-step %d", step)
	}
	return f.flaw("data.unseen_category", row, "the value %s%s is not in the vocabulary of %d values that the encoding has", value, where, len(f.enc.Vocabulary)).
		fix("train on data that has this value, or map it to one that is known (such as %q)", f.enc.Vocabulary[0])
}

// loadActive reads lists of integers: indices of multi-hot steps. A null list is a gap, without indices.
func (f *field) loadActive(l *loaded, v view, lo, a, b int) *flaw {
	lists := f.vectors(v)
	l.ptr = append(l.ptr, 0)
	for e := a; e < b; e++ {
		if lists.IsNull(e) {
			l.nulls = append(l.nulls, int32(e-a))
			l.ptr = append(l.ptr, int32(len(l.codes)))
			continue
		}
		x, y := lists.ValueOffsets(e)
		start := len(l.codes)
		if bad := f.loadStep(l, v.leaf, int(x), int(y), e-a, f.rowOf(e, a, lo)); bad != nil {
			return bad
		}
		if f.enc.Kind == MultiHot {
			if w := f.checkActive(l.codes[start:], f.rowOf(e, a, lo), e-a); w != nil {
				return w
			}
		}
		l.ptr = append(l.ptr, int32(len(l.codes)))
	}
	return nil
}

// loadStep appends the integers [x, y) of one time-step.
func (f *field) loadStep(l *loaded, leaf arrow.Array, x, y, step, row int) *flaw {
	start := len(l.codes)
	l.codes = slices.Grow(l.codes, y-x)[:start+y-x]
	fit := indices(l.codes[start:], leaf, x)
	if leaf.NullN() > 0 {
		for i := x; i < y; i++ {
			if leaf.IsNull(i) {
				w := f.flaw("data.null", row, "time-step %d has a null in its list", step).fix("remove the nulls from the lists")
				w.missing = true
				return w
			}
		}
	}
	if fit < y-x {
		return f.flaw("data.index_overflow", row, "the value %s at time-step %d is beyond what an index can be (2,147,483,647)", word(leaf, x+fit), step).
			fix("number the active indices from 0, or give them a vocabulary as one-hot")
	}
	return nil
}

// checkActive checks the active indices of one step: each from 0 to Width−1, each once.
func (f *field) checkActive(active []int32, row, step int) *flaw {
	ascending := true // then no index can be twice
	for i, k := range active {
		ascending = ascending && (i == 0 || k > active[i-1])
		if k < 0 {
			return f.flaw("data.index_range", row, "the index %d at time-step %d is negative", k, step).fix("number the active indices from 0")
		}
		if f.enc.Width > 0 && int(k) >= f.enc.Width {
			return f.flaw("data.index_range", row, "the index %d at time-step %d is beyond the width %d", k, step, f.enc.Width).
				fix("give a width above the largest index when training (encode: %s: {kind: multihot, width: %d})", f.enc.Column, k+1)
		}
		if !ascending && slices.Contains(active[:i], k) {
			return f.flaw("data.duplicate_index", row, "the index %d is twice in the list of time-step %d", k, step).fix("list each active index once")
		}
	}
	return nil
}

// loadVectors reads numeric vectors, which must all have the same length.
func (f *field) loadVectors(l *loaded, v view, lo, a, b, width int) *flaw {
	lists := f.vectors(v)
	for e := a; e < b; e++ {
		if lists.IsNull(e) {
			continue
		}
		x, y := lists.ValueOffsets(e)
		if width == 0 {
			width = int(y - x)
		}
		if int(y-x) != width || width == 0 {
			return f.flaw("data.ragged_vectors", f.rowOf(e, a, lo), "time-step %d has %d values, but others have %d", e-a, y-x, width).
				fix("give all time-steps the same number of values; lists of active indices must be integers")
		}
	}
	l.width = width
	n := (b - a) * width
	if n == 0 {
		return nil
	}
	if first, _ := lists.ValueOffsets(a); lists.NullN() == 0 {
		l.numbers(v.leaf, int(first), n)
		return nil
	}
	l.vals = slices.Grow(l.vals, n)[:n]
	for e := a; e < b; e++ {
		at := l.vals[(e-a)*width : (e-a+1)*width]
		if lists.IsNull(e) {
			for i := range at {
				at[i] = math.NaN()
			}
			continue
		}
		x, _ := lists.ValueOffsets(e)
		floats(at, v.leaf, int(x))
	}
	return nil
}

// missing returns the first time-step with a missing value, and what it is; −1 where there is none.
func (l *loaded) missing() (step int, what string) {
	if len(l.nulls) > 0 {
		return int(l.nulls[0]), "null"
	}
	if l.raw != nil && simd.Finite(l.raw) {
		return -1, ""
	}
	for i, x := range l.wide() {
		if math.IsNaN(x) {
			return i / l.width, "null or NaN"
		}
		if math.IsInf(x, 0) {
			return i / l.width, "infinite"
		}
	}
	return -1, ""
}
