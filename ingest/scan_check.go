package ingest

import (
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// check reads all columns of a span and looks at every value.
func (w *spanWalk) check(s *Span) *flaw {
	p := w.plan
	s.Steps = s.Hi - s.Lo
	for i, f := range w.encoded {
		var bad *flaw
		switch f.role {
		case "input":
			bad = w.checkInput(s, i, f)
		case "static input":
			bad = w.checkStatic(s, i, f)
		default:
			bad = w.checkTarget(s, i, f)
		}
		if bad != nil {
			return bad
		}
		if bad := w.length(s, i, f); bad != nil {
			return bad
		}
	}
	if p.maxLength > 0 && s.Steps > p.maxLength {
		return p.tooLong(s.Lo, s.Steps)
	}
	for _, f := range []*field{p.mask, p.weight, p.time} {
		if f == nil {
			continue
		}
		if bad := w.checkHelper(s, f); bad != nil {
			return bad
		}
	}
	return nil
}

func (p *plan) tooLong(row, steps int) *flaw {
	f := p.inputs[0]
	return f.flaw("data.too_long", row, "has %d time-steps, more than the limit of %d", steps, p.maxLength).fix("--max-length %d, or cut the sequence", steps)
}

// length refuses sequences without enough time-steps, once the first input is known.
func (w *spanWalk) length(s *Span, i int, f *field) *flaw {
	if i != 0 {
		return nil
	}
	switch {
	case s.Steps == 0:
		return f.flaw("data.empty_sequence", s.Lo, "has no time-steps").fix("remove the row, or --missing drop-sequence")
	case s.Steps == 1 && w.plan.form == "next" && w.plan.layout == Nested:
		return f.flaw("data.short_sequence", s.Lo, "has one time-step, so there is no next one to predict").fix("remove the row, or --missing drop-sequence")
	}
	return nil
}

// read loads column i of the plan.
func (w *spanWalk) read(i int, f *field, lo, hi int) *flaw {
	l := &w.loaded[i]
	if bad := f.load(l, w.views[f.at], lo, hi, w.coders[i], w.widths[i]); bad != nil {
		return bad
	}
	if f.enc.Kind == Numeric && l.steps > 0 {
		w.widths[i] = l.width
	}
	return nil
}

func (w *spanWalk) checkInput(s *Span, i int, f *field) *flaw {
	if bad := w.read(i, f, s.Lo, s.Hi); bad != nil {
		return bad
	}
	l := &w.loaded[i]
	if i == 0 {
		s.Steps = l.steps
	}
	if l.steps != s.Steps {
		return (&flaw{code: "data.ragged_inputs", row: s.Lo, field: f}).
			say("has %d time-steps, but column %q has %d", l.steps, w.plan.inputs[0].enc.Column, s.Steps).
			fix("give all inputs the same number of time-steps, or --missing drop-sequence")
	}
	if w.plan.form == "next" {
		return f.missingTargets(w.plan, l, s.Lo)
	}
	return f.missingValues(w.plan, l, s.Lo)
}

// missingValues refuses missing values, where the policy does not allow them.
func (f *field) missingValues(p *plan, l *loaded, lo int) *flaw {
	allowed := p.missing == "mask" || p.missing == "zero" && f.role != "target"
	if allowed {
		return nil
	}
	step, what := l.missing()
	if step < 0 {
		return nil
	}
	row := lo
	hint := "fill it in, or --missing zero|mask|drop-sequence"
	if f.role == "target" {
		hint = "fill it in, or --missing mask|drop-sequence"
	}
	if !f.series {
		row = lo + step
	}
	bad := f.flaw(missingCodeOf(what), row, "the value at time-step %d is %s", step, what).fix("%s", hint)
	bad.missing = true
	return bad
}

func missingCodeOf(what string) string {
	if what == "null" {
		return "data.null"
	}
	return "data.not_finite"
}

// checkStatic reads a static input: one value a sequence, which in the long layout is repeated on every row.
func (w *spanWalk) checkStatic(s *Span, i int, f *field) *flaw {
	if bad := w.constantRows(s, f); bad != nil {
		return bad
	}
	if bad := w.read(i, f, s.Lo, s.Lo+1); bad != nil {
		return bad
	}
	return f.missingValues(w.plan, &w.loaded[i], s.Lo)
}

func (w *spanWalk) constantRows(s *Span, f *field) *flaw {
	for r := s.Lo + 1; r < s.Hi; r++ {
		if v := w.views[f.at]; v.outer == nil && !sameValue(v.leaf, s.Lo, r) {
			return f.flaw("data.not_constant", r, "a %s is one value a sequence, but it changes from %s to %s", f.role, word(v.leaf, s.Lo), word(v.leaf, r)).
				fix("repeat the same value on all rows of a sequence, or make the column an input")
		}
	}
	return nil
}

func (w *spanWalk) checkTarget(s *Span, i int, f *field) *flaw {
	p, lo := w.plan, s.Lo
	if p.layout == Long && p.form == "last" {
		lo = s.Hi - 1
	}
	if bad := w.read(i, f, lo, s.Hi); bad != nil {
		return bad
	}
	l := &w.loaded[i]
	switch {
	case p.form == "last" && l.steps == 0:
		return (&flaw{code: "data.ragged_targets", row: s.Lo}).say("has no target in column %q", f.enc.Column).fix("remove the row, or --missing drop-sequence")
	case f.series && p.form == "each" && l.steps != s.Steps:
		return (&flaw{code: "data.ragged_targets", row: s.Lo}).say("has %d input steps but %d target steps", s.Steps, l.steps).
			fix("--form last (one target per sequence), or drop them with --missing drop-sequence")
	}
	if p.layout == Long && p.form == "last" {
		if step, _ := l.missing(); step >= 0 { // the sequence may go on in another unit
			s.gap = true
			return nil
		}
	}
	if bad := f.missingValues(p, l, lo); bad != nil {
		return bad
	}
	if p.layout == Long && p.form == "" {
		w.noteTarget(s, f, l)
	}
	return f.targetRange(p.loss, l, lo)
}

// noteTarget keeps whether the target changes within the span, and its value, so that the form can be inferred.
func (w *spanWalk) noteTarget(s *Span, f *field, l *loaded) {
	constant := !f.vector()
	for r := s.Lo + 1; r < s.Hi && constant; r++ {
		constant = sameValue(w.views[f.at].leaf, s.Lo, r)
	}
	s.varies = s.varies || !constant
	if constant {
		s.target = append(s.target, word(w.views[f.at].leaf, s.Lo))
	}
}

// targetRange checks numeric targets against the loss: probabilities for the logistic and the softmax loss.
func (f *field) targetRange(loss string, l *loaded, lo int) *flaw {
	if f.enc.Kind != Numeric || loss != "logistic_cross_entropy" && loss != "softmax_cross_entropy" || l.steps == 0 {
		return nil
	}
	sum := 0.0
	for i, raw := range l.wide() {
		x := f.scaled(raw, i%l.width)
		step := i / l.width
		row := lo
		if !f.series {
			row = lo + step
		}
		if !finite(x) {
			x = math.NaN() // allowed to be missing; so is the sum
		}
		if x < 0 || x > 1 {
			return f.flaw("data.target_range", row, "the target %g at time-step %d is outside [0, 1], where the loss %s wants a probability", x, step, loss).
				fix("--loss squared_error, or scale the target (encode: %s: {scale: [255]} divides by 255)", f.enc.Column)
		}
		sum += x
		if loss == "softmax_cross_entropy" && i%l.width == l.width-1 {
			if math.Abs(sum-1) > 1e-3 {
				return f.flaw("data.target_range", row, "the targets at time-step %d sum to %g, where the loss %s wants a distribution or a class", step, sum, loss).
					fix("make them sum to 1, or encode a column of classes as onehot")
			}
			sum = 0
		}
	}
	return nil
}

// scaled returns (x − mean) / scale of component k. One mean or scale alone is that of all components: until the width is
// known it is not repeated.
func (f *field) scaled(x float64, k int) float64 {
	if n := len(f.enc.Mean); n > 0 {
		x -= f.enc.Mean[min(k, n-1)]
	}
	if n := len(f.enc.Scale); n > 0 {
		x /= f.enc.Scale[min(k, n-1)]
	}
	return x
}

// checkHelper checks mask, weight and time columns.
func (w *spanWalk) checkHelper(s *Span, f *field) *flaw {
	v := w.views[f.at]
	a, b, bad := f.elements(v, s.Lo, s.Hi)
	if bad != nil {
		return bad
	}
	if f.series && b-a != s.Steps {
		return (&flaw{code: "data.ragged_inputs", field: f, row: s.Lo}).say("has %d time-steps, but column %q has %d", b-a, w.plan.inputs[0].enc.Column, s.Steps).
			fix("give the %s one value a time-step", f.role)
	}
	switch f.role {
	case "weight":
		if bad := w.constantRows(s, f); bad != nil {
			return bad
		}
		return f.checkWeight(v, s.Lo)
	case "mask":
		return f.checkMask(&w.mask, v, a, b, s.Lo)
	}
	if w.plan.layout == Flat || w.plan.layout == Nested && !f.series {
		return nil
	}
	return w.checkTime(s, f, v.leaf, a, b)
}

func (f *field) checkWeight(v view, row int) *flaw {
	var x [1]float64
	floats(x[:], v.leaf, row)
	if !finite(x[0]) || x[0] < 0 {
		return f.flaw("data.weight", row, "the weight is %g", x[0]).fix("give finite weights of at least 0")
	}
	return nil
}

func (f *field) checkMask(l *loaded, v view, a, b, lo int) *flaw {
	l.vals = slices.Grow(l.vals[:0], b-a)[:b-a]
	floats(l.vals, v.leaf, a)
	for i, x := range l.vals {
		if x != 0 && x != 1 {
			return f.flaw("data.mask", f.rowOf(a+i, a, lo), "the mask at time-step %d is %g", i, x).fix("use 1 for time-steps that count and 0 for the others")
		}
	}
	return nil
}

func (w *spanWalk) checkTime(s *Span, f *field, leaf arrow.Array, a, b int) *flaw {
	var before int64
	for e := a; e < b; e++ {
		now, ok := timeAt(leaf, e)
		row := f.rowOf(e, a, s.Lo)
		if !ok {
			return f.flaw("data.null_time", row, "the time of time-step %d is %s", e-a, word(leaf, e)).fix("give every row a time, or leave out --time")
		}
		if e > a {
			if bad := f.order(before, now, word(leaf, e-1), word(leaf, e), row); bad != nil {
				return bad
			}
		} else {
			s.first, s.firstWord = now, word(leaf, e)
		}
		before = now
	}
	if b > a {
		s.last, s.lastWord = before, word(leaf, b-1)
	}
	return nil
}

// order refuses time that does not increase.
func (f *field) order(before, now int64, was, is string, row int) *flaw {
	switch {
	case now == before:
		return f.flaw("data.duplicate_time", row, "the time %s is there twice in one sequence", is).fix("keep one row for each time, or leave out --time to take rows in their order")
	case now < before:
		return f.flaw("data.unsorted_time", row, "time goes back from %s to %s", was, is).fix("curvestream data convert --sort --time %s FILES -o sorted.parquet, or leave out --time to take rows in their order", quoted(f.enc.Column))
	}
	return nil
}

// timeAt returns a time as an integer that is ordered as the times are; ok is false for null and NaN.
func timeAt(a arrow.Array, i int) (int64, bool) {
	if a.IsNull(i) {
		return 0, false
	}
	switch a := a.(type) {
	case *array.Timestamp:
		return int64(a.Value(i)), true
	case *array.Date32:
		return int64(a.Value(i)), true
	case *array.Date64:
		return int64(a.Value(i)), true
	case *array.Time32:
		return int64(a.Value(i)), true
	case *array.Time64:
		return int64(a.Value(i)), true
	case *array.Duration:
		return int64(a.Value(i)), true
	case *array.Float16, *array.Float32, *array.Float64, *array.Decimal128, *array.Decimal256:
		var x [1]float64
		floats(x[:], a, i)
		bits := int64(math.Float64bits(x[0] + 0)) // +0 makes one zero of two
		if bits < 0 {
			bits ^= math.MaxInt64
		}
		return bits, !math.IsNaN(x[0])
	}
	return integerAt(a, i)
}
