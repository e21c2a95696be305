package ingest

import (
	"fmt"
	"math"
	"slices"
)

// A fit is what the scans found about one column in one role. Merging in the order of units gives the same bits whatever
// scanned them.
type fit struct {
	field  *field
	coder  *coder // of categories without a given vocabulary
	limit  int
	zscore bool
	width  int // of numeric vectors
	low    float64
	high   float64 // the numbers met are from low to high; below low where there are none

	// Moments of each component over all time-steps (n, mean, sum of squared deviations).
	n, mean, m2 []float64

	// Lists of integers: what tells vectors from active indices.
	shortest, longest int
	largest           int32
	notIndices        *Error // the first step that cannot be a list of active indices
	notVectors        *Error // the first step of another length than the first
	logistic          bool   // a target that must be 0 or 1, if it turns out to be a vector
	notProbability    *Error // the first step that is not
}

func newFit(p *plan, f *field) *fit {
	t := &fit{field: f, limit: p.maxCategories, shortest: math.MaxInt, largest: -1, low: math.Inf(1), high: math.Inf(-1)}
	if (f.enc.Kind == OneHot || f.enc.Kind == Chars) && f.coder == nil {
		if f.enc.Kind == Chars {
			t.limit = 1 << 16 // scripts have more letters than categories should have values
		}
		t.coder = growing(f.shape.class, t.limit)
	}
	t.logistic = f.role == "target" && p.loss == "logistic_cross_entropy"
	t.zscore = p.zscore && f.role != "target" && len(f.enc.Mean) == 0 && len(f.enc.Scale) == 0
	return t
}

// add takes over column i of a span, which has been read and is good.
func (t *fit) add(w *spanWalk, i int, s *Span) {
	l := &w.loaded[i]
	switch t.field.enc.Kind {
	case Numeric:
		if l.steps == 0 {
			return
		}
		t.width = l.width
		for _, x := range l.wide() {
			if finite(x) {
				t.low, t.high = min(t.low, x), max(t.high, x)
			}
		}
		if t.zscore {
			t.moments(l.vals, l.width)
		}
	case MultiHot, "":
		t.lists(w, l, s)
	}
}

// moments adds steps × width values by Welford's update; missing values do not count.
func (t *fit) moments(vals []float64, width int) {
	if t.n == nil {
		t.n, t.mean, t.m2 = make([]float64, width), make([]float64, width), make([]float64, width)
	}
	for i, x := range vals {
		if !finite(x) {
			continue
		}
		k := i % width
		t.n[k]++
		d := x - t.mean[k]
		t.mean[k] += d / t.n[k]
		t.m2[k] += d * (x - t.mean[k])
	}
}

// lists looks at each time-step's list of integers.
func (t *fit) lists(w *spanWalk, l *loaded, s *Span) {
	row := s.Lo
	for step := range l.steps {
		if !t.field.series {
			row = s.Lo + step
		}
		active := l.codes[l.ptr[step]:l.ptr[step+1]]
		for _, k := range active {
			t.largest = max(t.largest, k)
			if t.logistic && t.notProbability == nil && k != 0 && k != 1 {
				bad := t.field.flaw("data.target_range", row, "the target %d at time-step %d is outside [0, 1], where the loss logistic_cross_entropy wants a probability", k, step)
				t.notProbability = place(bad.fix("--loss squared_error, or scale the target (encode: %s: {scale: [255]} divides by 255)", t.field.enc.Column), w.unit, s.ID)
			}
		}
		if t.field.enc.Kind == MultiHot {
			continue
		}
		if t.longest > 0 && len(active) != t.longest && t.notVectors == nil {
			t.notVectors = place(t.field.flaw("data.ragged_vectors", row, "time-step %d has %d values, but others have %d", step, len(active), t.longest), w.unit, s.ID)
		}
		t.shortest, t.longest = min(t.shortest, len(active)), max(t.longest, len(active))
		if t.notVectors != nil && t.notIndices == nil || t.notIndices == nil && len(active) < 64 {
			if bad := t.field.checkActive(active, row, step); bad != nil {
				t.notIndices = place(bad, w.unit, s.ID)
			}
		}
		if t.zscore && t.notVectors == nil && len(active) > 0 {
			t.integers(active)
		}
	}
}

// integers adds one step to the moments.
func (t *fit) integers(step []int32) {
	vals := make([]float64, len(step))
	for i, k := range step {
		vals[i] = float64(k)
	}
	if t.n == nil || len(t.n) == len(step) {
		t.moments(vals, len(step))
	}
}

// merge adds the next unit's fit.
func (t *fit) merge(u *fit, unit Unit) error {
	if t.coder != nil {
		t.coder.add(u.coder)
	}
	if t.field.enc.Kind == Numeric && u.width != 0 {
		if t.width != 0 && t.width != u.width {
			return &Error{Code: "data.ragged_vectors", File: unit.File, RowGroup: unit.RowGroup, Row: -1, Column: t.field.enc.Column,
				Message: fmt.Sprintf("the time-steps here have %d values, but those before have %d", u.width, t.width), Hint: "give all time-steps the same number of values"}
		}
		t.width = u.width
	}
	if t.longest > 0 && u.longest > 0 && t.longest != u.longest && t.notVectors == nil {
		t.notVectors = &Error{Code: "data.ragged_vectors", File: unit.File, RowGroup: unit.RowGroup, Row: -1, Column: t.field.enc.Column,
			Message: fmt.Sprintf("a time-step has %d values, but others have %d", u.longest, t.longest)}
	}
	t.low, t.high = min(t.low, u.low), max(t.high, u.high)
	t.shortest, t.longest, t.largest = min(t.shortest, u.shortest), max(t.longest, u.longest), max(t.largest, u.largest)
	if t.notVectors == nil {
		t.notVectors = u.notVectors
	}
	if t.notIndices == nil {
		t.notIndices = u.notIndices
	}
	if t.notProbability == nil {
		t.notProbability = u.notProbability
	}
	t.mergeMoments(u)
	return nil
}

// mergeMoments is Chan's formula.
func (t *fit) mergeMoments(u *fit) {
	if t.n == nil || len(u.n) != len(t.n) {
		if t.n == nil {
			t.n, t.mean, t.m2 = slices.Clone(u.n), slices.Clone(u.mean), slices.Clone(u.m2)
		}
		return
	}
	for k := range t.n {
		n := t.n[k] + u.n[k]
		if n == 0 {
			continue
		}
		d := u.mean[k] - t.mean[k]
		t.mean[k] += d * u.n[k] / n
		t.m2[k] += u.m2[k] + d*d*t.n[k]*u.n[k]/n
		t.n[k] = n
	}
}

// encoding returns the column's encoding, and notes what the data settled.
func (t *fit) encoding(r *Roles) (ColumnEncoding, error) {
	e := t.field.enc
	if e.Kind == "" {
		if err := t.settle(&e, r); err != nil {
			return e, err
		}
	}
	switch e.Kind {
	case MultiHot:
		if e.Width == 0 {
			e.Width = int(t.largest) + 1
			r.note("column %s: width %d, from the largest index in the data (encode: %s: {width: N} for another)", e.Column, e.Width, e.Column)
		}
		if e.Width == 0 {
			return e, schemaError("data.no_indices", e.Column, "has no active index in any time-step").fix("leave the column out, or give its width")
		}
	case OneHot, Chars:
		if t.coder == nil {
			return e, nil
		}
		if t.coder.over {
			return e, schemaError("data.too_many_categories", e.Column, "has more than %d different values, too many for a one-hot encoding", t.limit).
				fix("--max-categories N, or --ignore %s, or encode it as numeric", e.Column)
		}
		e.Vocabulary = t.coder.words()
		if e.Width = len(e.Vocabulary); e.Width == 0 {
			return e, schemaError("data.no_values", e.Column, "has no value at all").fix("leave the column out (--ignore %s)", e.Column)
		}
	case Numeric:
		return t.numeric(e, r)
	}
	return e, nil
}

// settle decides what lists of integers are: of one length, vectors of numbers; of several, active indices. A width that is given
// and is not the length makes them active indices as well.
func (t *fit) settle(e *ColumnEncoding, r *Roles) error {
	same := t.shortest == t.longest
	if same && (e.Width == 0 || e.Width == t.longest) {
		if t.notProbability != nil {
			return t.notProbability
		}
		e.Kind = Numeric
		r.note("column %s: %d numeric values a time-step, since all its lists have that length (encode: %s: {kind: multihot} if they are active indices)", e.Column, t.longest, e.Column)
		return nil
	}
	e.Kind = MultiHot
	if t.notIndices != nil {
		bad := *t.notIndices
		if t.notVectors != nil {
			bad.Message += fmt.Sprintf(", so these lists are no active indices; nor are they vectors, since they have %d to %d values", t.shortest, t.longest)
		}
		return &bad
	}
	r.note("column %s: multi-hot, since its lists of integers have %d to %d values", e.Column, t.shortest, t.longest)
	if e.Width > 0 && int(t.largest) >= e.Width {
		return schemaError("data.index_range", e.Column, "has the index %d, beyond the given width %d", t.largest, e.Width).fix("give a width of at least %d", t.largest+1)
	}
	return nil
}

// numeric completes a numeric encoding: the width, and mean and standard deviation of z-scores.
func (t *fit) numeric(e ColumnEncoding, r *Roles) (ColumnEncoding, error) {
	if e.Width == 0 {
		e.Width = max(t.width, t.longest)
	}
	if e.Width == 0 {
		return e, schemaError("data.no_values", e.Column, "has no value at all").fix("leave the column out (--ignore %s)", e.Column)
	}
	if t.low == t.high {
		r.note("column %s: the same value (%g) everywhere, so it tells nothing", e.Column, t.low)
	}
	if t.zscore && t.n != nil {
		e.Mean = slices.Clone(t.mean)
		e.Scale = make([]float64, e.Width)
		for k := range e.Scale {
			e.Scale[k] = math.Sqrt(t.m2[k] / max(1, t.n[k]))
			if e.Scale[k] == 0 {
				e.Scale[k] = 1
				r.note("column %s: component %d is constant (%g), so it is only shifted to 0", e.Column, k, e.Mean[k])
			}
		}
	}
	done := field{enc: e}
	err := done.spread()
	return done.enc, err
}
