package ingest

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A view is one column of a record with its levels of lists peeled off.
type view struct {
	outer array.ListLike // the steps of a row, or a step's vector where rows are steps; nil without lists
	inner array.ListLike // a step's vector in a list of lists; nil without
	leaf  arrow.Array
}

func newView(a arrow.Array) view {
	var v view
	if l, ok := a.(array.ListLike); ok && isList(a.DataType()) {
		v.outer, a = l, l.ListValues()
	}
	if l, ok := a.(array.ListLike); ok && isList(a.DataType()) {
		v.inner, a = l, l.ListValues()
	}
	v.leaf = a
	return v
}

// isList leaves out maps, which are lists of structs.
func isList(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST:
		return true
	}
	return false
}

// A class is what the leaves of a column are to the encodings.
type class int

const (
	other class = iota
	float
	integer
	boolean
	text
)

func (c class) String() string {
	return [...]string{"other", "floating-point", "integer", "boolean", "text"}[c]
}

// A shape is a column type seen as levels of lists over leaves.
type shape struct {
	depth      int // levels of lists, 0 to 2; deeper types are of class other
	class      class
	dictionary bool
	fixed      int // length of the innermost fixed-size list; 0 otherwise
}

func shapeOf(t arrow.DataType) shape {
	var s shape
	for isList(t) {
		s.fixed = 0
		if f, ok := t.(*arrow.FixedSizeListType); ok {
			s.fixed = int(f.Len())
		}
		s.depth++
		t = t.(interface{ Elem() arrow.DataType }).Elem()
	}
	if d, ok := t.(*arrow.DictionaryType); ok {
		s.dictionary = true
		t = d.ValueType
	}
	if s.depth <= 2 {
		s.class = classOf(t)
	}
	return s
}

func classOf(t arrow.DataType) class {
	switch t.ID() {
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128, arrow.DECIMAL256:
		return float
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return integer
	case arrow.BOOL:
		return boolean
	case arrow.STRING, arrow.LARGE_STRING:
		return text
	}
	return other
}

type machineNumber interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

func widen[T machineNumber](dst []float64, src []T) {
	for i, x := range src {
		dst[i] = float64(x)
	}
}

// within panics, to be recovered into an error, where lists point beyond their values: slicing alone would not notice, for buffers have
// room at their ends.
func within(a arrow.Array, hi int) {
	if hi > a.Len() {
		panic(fmt.Sprintf("value %d of %d", hi-1, a.Len()))
	}
}

// floats sets dst to the leaves [lo, lo+len(dst)) as float64, NaN where null. It reports whether the type is a number.
func floats(dst []float64, a arrow.Array, lo int) bool {
	hi := lo + len(dst)
	within(a, hi)
	switch a := a.(type) {
	case *array.Float32:
		widen(dst, a.Float32Values()[lo:hi])
	case *array.Float64:
		widen(dst, a.Float64Values()[lo:hi])
	case *array.Int8:
		widen(dst, a.Int8Values()[lo:hi])
	case *array.Int16:
		widen(dst, a.Int16Values()[lo:hi])
	case *array.Int32:
		widen(dst, a.Int32Values()[lo:hi])
	case *array.Int64:
		widen(dst, a.Int64Values()[lo:hi])
	case *array.Uint8:
		widen(dst, a.Uint8Values()[lo:hi])
	case *array.Uint16:
		widen(dst, a.Uint16Values()[lo:hi])
	case *array.Uint32:
		widen(dst, a.Uint32Values()[lo:hi])
	case *array.Uint64:
		widen(dst, a.Uint64Values()[lo:hi])
	default:
		if !rareFloats(dst, a, lo) {
			return false
		}
	}
	if a.NullN() > 0 {
		for i := range dst {
			if a.IsNull(lo + i) {
				dst[i] = math.NaN()
			}
		}
	}
	return true
}

// rareFloats is floats for the types whose leaves do not lie side by side as machine numbers.
func rareFloats(dst []float64, a arrow.Array, lo int) bool {
	switch a := a.(type) {
	case *array.Boolean:
		for i := range dst {
			dst[i] = 0
			if a.Value(lo + i) {
				dst[i] = 1
			}
		}
	case *array.Float16:
		for i := range dst {
			dst[i] = float64(a.Value(lo + i).Float32())
		}
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		for i := range dst {
			dst[i] = a.Value(lo + i).ToFloat64(scale)
		}
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale
		for i := range dst {
			dst[i] = a.Value(lo + i).ToFloat64(scale)
		}
	case *array.Dictionary:
		one := make([]float64, a.Dictionary().Len())
		if !floats(one, a.Dictionary(), 0) {
			return false
		}
		for i := range dst {
			if a.IsValid(lo + i) {
				dst[i] = one[a.GetValueIndex(lo+i)]
			}
		}
	default:
		return false
	}
	return true
}

// integerAt returns leaf i as an integer, exactly; ok is false where it has a fraction or does not fit.
func integerAt(a arrow.Array, i int) (v int64, ok bool) {
	switch a := a.(type) {
	case *array.Int8:
		return int64(a.Value(i)), true
	case *array.Int16:
		return int64(a.Value(i)), true
	case *array.Int32:
		return int64(a.Value(i)), true
	case *array.Int64:
		return a.Value(i), true
	case *array.Uint8:
		return int64(a.Value(i)), true
	case *array.Uint16:
		return int64(a.Value(i)), true
	case *array.Uint32:
		return int64(a.Value(i)), true
	case *array.Uint64:
		return int64(a.Value(i)), a.Value(i) <= math.MaxInt64
	}
	var one [1]float64
	if !floats(one[:], a, i) || one[0] != math.Trunc(one[0]) || math.Abs(one[0]) > 1<<53 {
		return 0, false
	}
	return int64(one[0]), true
}

// narrow sets dst to src, as far as that fits; it returns the first place where it does not, or len(dst).
func narrow[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](dst []int32, src []T) int {
	for i, x := range src {
		dst[i] = int32(x)
		if T(dst[i]) != x || (dst[i] < 0) != (x < 0) {
			return i
		}
	}
	return len(dst)
}

// indices sets dst to the leaves [lo, lo+len(dst)) of a column of integers. It returns the first place with one that an int32 cannot
// hold, or len(dst). Nulls are for the caller to find.
func indices(dst []int32, a arrow.Array, lo int) int {
	hi := lo + len(dst)
	within(a, hi)
	switch a := a.(type) {
	case *array.Int8:
		return narrow(dst, a.Int8Values()[lo:hi])
	case *array.Int16:
		return narrow(dst, a.Int16Values()[lo:hi])
	case *array.Int32:
		return narrow(dst, a.Int32Values()[lo:hi])
	case *array.Int64:
		return narrow(dst, a.Int64Values()[lo:hi])
	case *array.Uint8:
		return narrow(dst, a.Uint8Values()[lo:hi])
	case *array.Uint16:
		return narrow(dst, a.Uint16Values()[lo:hi])
	case *array.Uint32:
		return narrow(dst, a.Uint32Values()[lo:hi])
	case *array.Uint64:
		return narrow(dst, a.Uint64Values()[lo:hi])
	}
	return 0
}

// stringAt returns leaf i of a text column. It points into the record's memory.
func stringAt(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.LargeString:
		return a.Value(i)
	}
	return a.ValueStr(i)
}

// sameValue reports whether leaves i and j are equal, without making strings of the common types.
func sameValue(a arrow.Array, i, j int) bool {
	if a.IsNull(i) || a.IsNull(j) {
		return a.IsNull(i) == a.IsNull(j)
	}
	switch a := a.(type) {
	case *array.String, *array.LargeString:
		return stringAt(a, i) == stringAt(a, j)
	case *array.Dictionary:
		return a.GetValueIndex(i) == a.GetValueIndex(j)
	}
	v, okV := integerAt(a, i)
	w, okW := integerAt(a, j)
	if okV && okW {
		return v == w
	}
	return a.ValueStr(i) == a.ValueStr(j)
}
