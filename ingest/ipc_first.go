package ingest

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// bytesOfFirst returns how many bytes of its buffer i the first n values of an array take, once the buffers before it are there.
func bytesOfFirst(t arrow.DataType, i, n int, buffers []*memory.Buffer) int64 {
	switch width := offsetWidth(t); {
	case i == 0:
		return (int64(n) + 7) / 8
	case i == 1 && width > 0:
		return int64(n+1) * width
	case i == 2 && width > 0:
		return offsetAt(buffers[1], n, width)
	}
	if t, ok := t.(arrow.FixedWidthDataType); ok && i == 1 {
		return (int64(n)*int64(t.BitWidth()) + 7) / 8
	}
	return math.MaxInt64
}

// elementsOfFirst returns how many elements the first n lists have, or more.
func elementsOfFirst(t arrow.DataType, n int, buffers []*memory.Buffer) int {
	if l, ok := t.(*arrow.FixedSizeListType); ok {
		return int(min(int64(n)*int64(l.Len()), math.MaxInt32))
	}
	if width := offsetWidth(t); width > 0 {
		return int(min(offsetAt(buffers[1], n, width), math.MaxInt32))
	}
	return math.MaxInt32
}

// offsetWidth is the number of bytes of an offset of the type, 0 where it has none.
func offsetWidth(t arrow.DataType) int64 {
	switch t.(type) {
	case *arrow.ListType, *arrow.StringType, *arrow.BinaryType:
		return 4
	case *arrow.LargeListType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return 8
	}
	return 0
}

// offsetAt returns offset n. Where there is none, or none that can be, it is very large: validation of what was read then says what is wrong.
func offsetAt(offsets *memory.Buffer, n int, width int64) int64 {
	if int64(offsets.Len()) < int64(n+1)*width {
		return math.MaxInt64
	}
	var v int64
	if width == 4 {
		v = int64(bufferOf[int32](offsets)[n])
	} else {
		v = bufferOf[int64](offsets)[n]
	}
	if v < 0 {
		return math.MaxInt64
	}
	return v
}

// nullsIn counts the nulls among the first n values; one that has too few bits is refused by validation.
func nullsIn(bitmap *memory.Buffer, n int) int {
	if bitmap == nil || 8*bitmap.Len() < n {
		return 0
	}
	return n - bitutil.CountSetBits(bitmap.Bytes(), 0, n)
}
