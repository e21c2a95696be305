package ingest

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// validate checks that every value of an array lies within its buffers: offsets rise and end inside what they point into,
// buffers are long enough, and the number of nulls is that of the bitmap. After it no access to a row below Len can panic.
func validate(d arrow.ArrayData) error {
	n := int64(d.Len())
	if d.Offset() != 0 || n < 0 {
		return fmt.Errorf("%d values at offset %d", n, d.Offset())
	}
	if err := validateNulls(d, n); err != nil {
		return err
	}
	switch t := d.DataType().(type) {
	case *arrow.NullType:
		return nil
	case *arrow.ListType, *arrow.StringType, *arrow.BinaryType:
		return validateOffsets(d, n, t, 4)
	case *arrow.LargeListType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return validateOffsets(d, n, t, 8)
	case *arrow.FixedSizeListType:
		if len(d.Children()) != 1 || t.Len() < 0 || int64(d.Children()[0].Len()) < n*int64(t.Len()) {
			return fmt.Errorf("%d lists of %d, but not as many values", n, t.Len())
		}
		return validate(d.Children()[0])
	case arrow.FixedWidthDataType:
		want := (n*int64(t.BitWidth()) + 7) / 8
		if have := bufferLen(d, 1); have < want {
			return fmt.Errorf("%d bytes for %d values of %s", have, n, t)
		}
		return nil
	}
	return fmt.Errorf("columns of type %s are not supported", d.DataType())
}

func validateNulls(d arrow.ArrayData, n int64) error {
	if d.DataType().ID() == arrow.NULL || d.NullN() == 0 {
		return nil
	}
	bitmap := buffer(d, 0)
	if int64(bitmap.Len())*8 < n {
		return fmt.Errorf("%d bytes of validity for %d values", bitmap.Len(), n)
	}
	if nulls := int(n) - bitutil.CountSetBits(bitmap.Bytes(), 0, int(n)); d.NullN() >= 0 && nulls != d.NullN() {
		return fmt.Errorf("%d nulls, but %d are counted", nulls, d.NullN())
	}
	return nil
}

// validateOffsets checks n+1 offsets of width bytes into the values of a list, or into the bytes of a string.
func validateOffsets(d arrow.ArrayData, n int64, t arrow.DataType, width int64) error {
	end := bufferLen(d, 2)
	if _, list := t.(arrow.ListLikeType); list {
		if len(d.Children()) != 1 {
			return fmt.Errorf("a list of %d arrays", len(d.Children()))
		}
		if err := validate(d.Children()[0]); err != nil {
			return err
		}
		end = int64(d.Children()[0].Len())
	}
	if n == 0 {
		return nil
	}
	if bufferLen(d, 1) < (n+1)*width {
		return fmt.Errorf("%d bytes of offsets for %d values", bufferLen(d, 1), n)
	}
	b := buffer(d, 1).Bytes()
	if width == 8 {
		return ascending(arrow.Int64Traits.CastFromBytes(b)[:n+1], end)
	}
	return ascending(arrow.Int32Traits.CastFromBytes(b)[:n+1], end)
}

// ascending checks that offsets rise, from 0 or more to end or less.
func ascending[T int32 | int64](offsets []T, end int64) error {
	last := T(0)
	for _, now := range offsets {
		if now < last {
			return fmt.Errorf("offset %d after %d, of at most %d", now, last, end)
		}
		last = now
	}
	if int64(last) > end {
		return fmt.Errorf("offset %d, of at most %d", last, end)
	}
	return nil
}

// buffer returns buffer i of an array, or an empty one.
func buffer(d arrow.ArrayData, i int) *memory.Buffer {
	if i < len(d.Buffers()) && d.Buffers()[i] != nil {
		return d.Buffers()[i]
	}
	return memory.NewBufferBytes(nil)
}

func bufferLen(d arrow.ArrayData, i int) int64 { return int64(buffer(d, i).Len()) }
