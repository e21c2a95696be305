package ingest

import (
	"slices"

	"curvestream/ingest/simd"
)

// writeDense appends steps × In inputs.
func (e *Encoder[F]) writeDense(seq *Sequence[F], x *scratch, steps, lo int) *flaw {
	in := e.plan.in
	if e.borrow(seq, x) {
		return nil
	}
	if seq.borrowed {
		seq.Dense, seq.borrowed = slices.Clone(seq.Dense), false
	}
	at := len(seq.Dense)
	seq.Dense = slices.Grow(seq.Dense, steps*in)[:at+steps*in]
	dst := seq.Dense[at:]
	clear(dst)
	off := 0
	for i, f := range e.plan.encoded {
		if f.role == "target" {
			break
		}
		if bad := writeColumn(e.plan, f, &x.loaded[i], dst[off:], in, steps, lo); bad != nil {
			return bad
		}
		off += f.enc.Width
	}
	return nil
}

// writeColumn writes a column's values into rows that are stride apart, repeating a single step; dst is zero before.
func writeColumn[F Float](p *plan, f *field, l *loaded, dst []F, stride, steps, lo int) *flaw {
	switch f.enc.Kind {
	case Numeric:
		if l.steps == steps && fillFinite(f, l, dst, stride) {
			return nil
		}
		for tau := range steps {
			if bad := fillNumbers(p, f, l, dst[tau*stride:][:l.width], min(tau, l.steps-1), lo); bad != nil {
				return bad
			}
		}
	case MultiHot:
		if bad := f.missingValues(p, l, lo); bad != nil {
			return bad
		}
		for tau := range steps {
			from := min(tau, l.steps-1)
			for _, k := range l.codes[l.ptr[from]:l.ptr[from+1]] {
				dst[tau*stride+int(k)] = 1
			}
		}
	default:
		if bad := f.missingValues(p, l, lo); bad != nil {
			return bad
		}
		for tau := range steps {
			if k := l.codes[min(tau, l.steps-1)]; k >= 0 {
				dst[tau*stride+int(k)] = 1
			}
		}
	}
	return nil
}

// fillNumbers writes one step of numbers, (x − mean) / scale, and 0 for missing ones where they are allowed.
func fillNumbers[F Float](p *plan, f *field, l *loaded, dst []F, step, lo int) *flaw {
	raw := l.wide()[step*l.width : (step+1)*l.width]
	plain := len(f.enc.Mean) == 0 && len(f.enc.Scale) == 0
	for k, v := range raw {
		if !plain {
			v = f.scaled(v, k)
		}
		y := F(v)
		if y-y != 0 { // not finite
			if bad := f.missingValues(p, l, lo); bad != nil {
				return bad
			}
			if finite(v) {
				return f.flaw("data.overflow", lo, "the value %g at time-step %d is too large for float32", v, step).fix("scale the column, or train in float64")
			}
			y = 0
		}
		dst[k] = y
	}
	return nil
}

// writeSparse appends steps of inputs as indices, with values where numbers are among them.
func (e *Encoder[F]) writeSparse(seq *Sequence[F], x *scratch, steps, lo int) *flaw {
	p := e.plan
	inputs := len(p.inputs) + len(p.static)
	encoded := p.encoded[:inputs]
	for i, f := range encoded {
		if f.enc.Kind != Numeric {
			if bad := f.missingValues(p, &x.loaded[i], lo); bad != nil {
				return bad
			}
		}
	}
	if len(seq.Ptr) == 0 {
		seq.Ptr = append(seq.Ptr, 0)
	}
	if len(encoded) == 1 && !e.mixed {
		e.appendOnly(seq, encoded[0], &x.loaded[0], steps)
		return nil
	}
	for tau := range steps {
		off := 0
		for i, f := range encoded {
			if bad := e.appendStep(seq, f, &x.loaded[i], tau, off, lo); bad != nil {
				return bad
			}
			off += f.enc.Width
		}
		seq.Ptr = append(seq.Ptr, int32(len(seq.Col)))
	}
	return nil
}

// appendOnly is appendStep at all time-steps for a column, not of numbers, that is the only input.
func (e *Encoder[F]) appendOnly(seq *Sequence[F], f *field, l *loaded, steps int) {
	seq.Ptr = slices.Grow(seq.Ptr, steps)
	if f.enc.Kind == MultiHot {
		base := int32(len(seq.Col))
		seq.Col = append(seq.Col, l.codes...)
		for _, end := range l.ptr[1:] {
			seq.Ptr = append(seq.Ptr, base+end)
		}
		return
	}
	seq.Col = slices.Grow(seq.Col, steps)
	for _, k := range l.codes {
		if k >= 0 {
			seq.Col = append(seq.Col, k)
		}
		seq.Ptr = append(seq.Ptr, int32(len(seq.Col)))
	}
}

// appendStep appends one column's indices at a time-step; a column of a single step is repeated.
func (e *Encoder[F]) appendStep(seq *Sequence[F], f *field, l *loaded, tau, off, lo int) *flaw {
	from := min(tau, l.steps-1)
	switch f.enc.Kind {
	case Numeric:
		at := len(seq.Val)
		seq.Val = slices.Grow(seq.Val, l.width)[:at+l.width]
		if bad := fillNumbers(e.plan, f, l, seq.Val[at:], from, lo); bad != nil {
			return bad
		}
		for k := range l.width {
			seq.Col = append(seq.Col, int32(off+k))
		}
		return nil
	case MultiHot:
		for _, k := range l.codes[l.ptr[from]:l.ptr[from+1]] {
			seq.Col = append(seq.Col, int32(off)+k)
		}
	default:
		if k := l.codes[from]; k >= 0 {
			seq.Col = append(seq.Col, int32(off)+k)
		}
	}
	for e.mixed && len(seq.Val) < len(seq.Col) {
		seq.Val = append(seq.Val, 1)
	}
	return nil
}

// writeTargets appends the targets of the steps (with form next, of those after the sequence's first), or replaces the one target of
// form last. seq.Length does not count the steps yet.
func (e *Encoder[F]) writeTargets(seq *Sequence[F], x *scratch, steps, lo, hi int) *flaw {
	p := e.plan
	skip := e.skip(seq, steps)
	rows := steps - skip
	if p.form == "last" {
		rows = min(1, steps)
		seq.Target, seq.Class, seq.Mask = seq.Target[:0], seq.Class[:0], seq.Mask[:0]
		if p.layout == Long {
			lo = hi - 1
		}
	}
	of, first := e.targets(), 0
	if p.form != "next" {
		first = len(p.inputs) + len(p.static)
	}
	if p.missing == "mask" {
		seq.Mask = extend(seq.Mask, rows, 1)
	}
	if e.classes {
		at := len(seq.Class)
		seq.Class = extend(seq.Class, rows, 0)
		if len(of) == 0 {
			return nil
		}
		return e.classRows(seq, of[0], &x.loaded[first], seq.Class[at:], skip, lo)
	}
	at, off := len(seq.Target), 0
	seq.Target = extend(seq.Target, rows*p.out, 0)
	for i, f := range of {
		if bad := e.targetRows(seq, f, &x.loaded[first+i], seq.Target[at:], off, skip, lo); bad != nil {
			return bad
		}
		off += f.enc.Width
	}
	return nil
}

func extend[T int32 | float32 | float64](s []T, n int, value T) []T {
	at := len(s)
	s = slices.Grow(s, n)[:at+n]
	if value == 0 {
		clear(s[at:])
		return s
	}
	for i := range s[at:] {
		s[at+i] = value
	}
	return s
}

// skip is 1 where the sequence's first step, which nothing predicts, is among the steps to be written.
func (e *Encoder[F]) skip(seq *Sequence[F], steps int) int {
	if e.plan.form == "next" && seq.Length == 0 {
		return min(1, steps)
	}
	return 0
}

// deferred reports whether a missing target is a matter for Finish: in the long layout another span may bring the last one.
func (p *plan) deferred() bool { return p.layout == Long && p.form == "last" }

// classRows writes classes; a missing one, where allowed, is class 0 with mask 0, or −1 until Finish.
func (e *Encoder[F]) classRows(seq *Sequence[F], f *field, l *loaded, dst []int32, skip, lo int) *flaw {
	if !e.plan.deferred() {
		if bad := f.missingTargets(e.plan, l, lo); bad != nil {
			return bad
		}
	}
	for i := range dst {
		code := l.codes[l.from(i, len(dst), skip)]
		if code < 0 && !e.plan.deferred() {
			e.unmask(seq, i, len(dst))
			code = 0
		}
		dst[i] = code
	}
	return nil
}

// from returns which step of l output row i of n takes, after those that are skipped: the last where there is one row, the only
// one where it is repeated.
func (l *loaded) from(i, n, skip int) int {
	if n == 1 {
		return l.steps - 1
	}
	return min(i+skip, l.steps-1)
}

// unmask sets the mask of output row i of the last n to 0.
func (e *Encoder[F]) unmask(seq *Sequence[F], i, n int) {
	if len(seq.Mask) >= n {
		seq.Mask[len(seq.Mask)-n+i] = 0
	}
}

// missingTargets is missingValues for a column that is predicted, be it an input of form next.
func (f *field) missingTargets(p *plan, l *loaded, lo int) *flaw {
	if p.missing == "mask" {
		return nil
	}
	step, _ := l.missing()
	if step < 0 {
		return nil
	}
	asTarget := *f
	asTarget.role = "target"
	return asTarget.missingValues(p, l, lo)
}

// targetRows writes one column of dense targets.
func (e *Encoder[F]) targetRows(seq *Sequence[F], f *field, l *loaded, dst []F, off, skip, lo int) *flaw {
	p := e.plan
	rows := len(dst) / p.out
	if !p.deferred() {
		if bad := f.missingTargets(p, l, lo); bad != nil {
			return bad
		}
	}
	if bad := f.targetRange(p.loss, l, lo); bad != nil {
		return bad
	}
	if copyTargets(f, l, dst[off:], p.out, rows, skip) {
		return nil
	}
	for i := range rows {
		from := l.from(i, rows, skip)
		row := dst[i*p.out+off:][:f.enc.Width]
		if l.missingAt(f.enc.Kind, from) {
			if p.deferred() {
				row[0] = notANumber[F]()
			} else {
				e.unmask(seq, i, rows)
			}
			continue
		}
		switch f.enc.Kind {
		case Numeric:
			if bad := fillNumbers(p, f, l, row, from, lo); bad != nil {
				return bad
			}
		case MultiHot:
			for _, k := range l.codes[l.ptr[from]:l.ptr[from+1]] {
				row[k] = 1
			}
		default:
			row[l.codes[from]] = 1
		}
	}
	return nil
}

// copyTargets is targetRows for numbers that are stored as they are. It returns false where some are not, or are not finite.
func copyTargets[F Float](f *field, l *loaded, dst []F, stride, rows, skip int) bool {
	if l.raw == nil || f.enc.Kind != Numeric || len(f.enc.Mean)+len(f.enc.Scale) > 0 {
		return false
	}
	values, same := any(l.raw).([]F)
	if !same || !simd.Finite(l.raw) {
		return false
	}
	for i := range rows {
		copy(dst[i*stride:][:l.width], values[l.from(i, rows, skip)*l.width:])
	}
	return true
}

func notANumber[F Float]() F {
	var zero F
	return zero / zero
}

// missingAt reports whether a time-step has a missing value.
func (l *loaded) missingAt(k Kind, step int) bool {
	switch k {
	case Numeric:
		for _, x := range l.wide()[step*l.width : (step+1)*l.width] {
			if !finite(x) {
				return true
			}
		}
		return false
	case MultiHot:
		return slices.Contains(l.nulls, int32(step))
	}
	return l.codes[step] == missingCode
}

// writeMask multiplies the mask column into the mask.
func (e *Encoder[F]) writeMask(seq *Sequence[F], x *scratch, steps, lo, hi int) *flaw {
	f, p := e.plan.mask, e.plan
	v := x.views[f.at]
	a, b, bad := f.elements(v, lo, hi)
	if bad != nil {
		return bad
	}
	if f.series && b-a != steps {
		return f.flaw("data.ragged_inputs", lo, "has %d time-steps, but the inputs have %d", b-a, steps)
	}
	if bad := f.checkMask(&x.mask, v, a, b, lo); bad != nil {
		return bad
	}
	skip := e.skip(seq, steps)
	rows := steps - skip
	if p.form == "last" {
		rows = min(1, steps)
	}
	if p.missing != "mask" {
		seq.Mask = extend(seq.Mask, rows, 1)
	}
	x.mask.steps = b - a
	for i, m := range seq.Mask[len(seq.Mask)-rows:] {
		seq.Mask[len(seq.Mask)-rows+i] = m * F(x.mask.vals[x.mask.from(i, rows, skip)])
	}
	return nil
}

// finishLast settles a target that was missing in the last row; it reports whether that is allowed.
func (e *Encoder[F]) finishLast(seq *Sequence[F]) bool {
	missing := false
	for i, c := range seq.Class {
		if c < 0 {
			seq.Class[i], missing = 0, true
		}
	}
	for i, y := range seq.Target {
		if y != y {
			seq.Target[i], missing = 0, true
		}
	}
	if missing && e.plan.missing != "mask" {
		return false
	}
	if missing {
		e.unmask(seq, 0, 1)
	}
	return true
}
