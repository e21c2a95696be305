package ingest

import (
	"math"
	"unsafe"
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
	return allFinite(l.raw)
}

// borrow makes the record's values those of the sequence, where they are just that and the caller allows it.
func (e *Encoder[F]) borrow(seq *Sequence[F], x *scratch) bool {
	f, l := e.plan.encoded[0], &x.loaded[0]
	if !seq.Borrow || len(seq.Dense) > 0 || l.raw == nil || l.width != e.plan.in || f.enc.Kind != Numeric || len(f.enc.Mean)+len(f.enc.Scale) > 0 {
		return false
	}
	values, same := any(l.raw).([]F)
	if !same || !allFinite(l.raw) {
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

// allFinite tells whether no exponent is all ones. Two values at a time are looked at: adding one to such an exponent carries into the
// place of the sign.
func allFinite(x []float32) bool {
	const exponents, ones, carries = 0x7f800000_7f800000, 0x00800000_00800000, 0x80000000_80000000
	carried := uint64(0)
	for len(x) >= 8 {
		pairs := (*[4]uint64)(unsafe.Pointer(&x[0]))
		carried |= (pairs[0]&exponents + ones) | (pairs[1]&exponents + ones) | (pairs[2]&exponents + ones) | (pairs[3]&exponents + ones)
		x = x[8:]
	}
	for _, v := range x {
		carried |= uint64(math.Float32bits(v))&exponents + ones
	}
	return carried&carries == 0
}
