package ingest

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"curvestream/ingest/simd"
)

// fillFinite is fillNumbers for all time-steps of columns that are scaled alike, or not at all. It returns false, having written what is to be
// written anew, where columns are others or a value is not finite.
func fillFinite[F Float](f *field, l *loaded, dst []F, stride int) bool {
	if l.width != 1 && len(f.enc.Mean)+len(f.enc.Scale) > 0 {
		return false
	}
	mean, scale := 0.0, 1.0 // with which (x − mean) / scale is x, bit for bit
	if len(f.enc.Mean) > 0 {
		mean = f.enc.Mean[0]
	}
	if len(f.enc.Scale) > 0 {
		scale = f.enc.Scale[0]
	}
	if l.raw != nil {
		return fillRaw(l, dst, stride, mean, scale)
	}
	return fillScaled(l.vals, l.width, dst, stride, mean, scale)
}

// fillRaw is fillFinite for what lies in the record: a column that is the only one and not scaled is copied in one piece.
func fillRaw[F Float](l *loaded, dst []F, stride int, mean, scale float64) bool {
	to, same := any(dst).([]float32)
	if !same || stride != l.width || mean != 0 || scale != 1 {
		return fillScaled(l.raw, l.width, dst, stride, mean, scale)
	}
	copy(to, l.raw)
	return simd.Finite(l.raw)
}

// borrow makes the record's values those of the sequence, where they are just that and the caller allows it.
func (e *Encoder[F]) borrow(seq *Sequence[F], x *scratch) bool {
	f, l := e.plan.encoded[0], &x.loaded[0]
	if !seq.Borrow || len(seq.Dense) > 0 || l.raw == nil || l.width != e.plan.in || f.enc.Kind != Numeric || len(f.enc.Mean)+len(f.enc.Scale) > 0 {
		return false
	}
	values, same := any(l.raw).([]F)
	if !same || !simd.Finite(l.raw) {
		return false
	}
	seq.Dense, seq.borrowed = values, true
	return true
}

// fillScaled writes (x − mean) / scale, computed in float64, and tells whether all that was written is finite.
func fillScaled[X, F Float](from []X, width int, dst []F, stride int, mean, scale float64) bool {
	var sum F // of y − y: 0 if all are finite, else NaN
	if stride == width {
		dst = dst[:len(from)]
		for i, x := range from {
			y := F((float64(x) - mean) / scale)
			sum += y - y
			dst[i] = y
		}
		return sum == 0
	}
	for tau := range len(from) / width {
		row := dst[tau*stride:][:width]
		for k, x := range from[tau*width:][:width] {
			y := F((float64(x) - mean) / scale)
			sum += y - y
			row[k] = y
		}
	}
	return sum == 0
}

// Expect tells that Append will be asked for the row lo of rec soon: where a row is a sequence of numbers, they are fetched into the
// processor's cache meanwhile. Nothing else comes of it, and nothing is checked.
func (e *Encoder[F]) Expect(rec arrow.Record, lo int) {
	f := e.plan.encoded[0]
	if f.enc.Kind != Numeric || !f.series || f.vector() || f.at >= int(rec.NumCols()) {
		return
	}
	lists, isList := rec.Column(f.at).(*array.List)
	if !isList {
		return
	}
	values, isFloat := lists.ListValues().(*array.Float32)
	if !isFloat || lo >= lists.Len() {
		return
	}
	if a, b := lists.ValueOffsets(lo); 0 <= a && a <= b && int(b) <= values.Len() {
		simd.Fetch(values.Float32Values()[a:b])
	}
}
