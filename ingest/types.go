package ingest

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// supported returns an error for a type that cannot be read as a column.
func supported(t arrow.DataType) error {
	switch t := t.(type) {
	case *arrow.MapType:
		return fmt.Errorf("maps are not supported")
	case arrow.ListLikeType: // lists, large lists, fixed-size lists; views are not supported
		switch t.ID() {
		case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST:
			if err := supported(t.Elem()); err != nil {
				return fmt.Errorf("%w (in a list)", err)
			}
			return nil
		}
		return fmt.Errorf("list views are not supported")
	case *arrow.StructType:
		return fmt.Errorf("structs are not supported")
	}
	switch t.ID() {
	case arrow.NULL, arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64,
		arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64,
		arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY,
		arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION,
		arrow.DECIMAL128, arrow.DECIMAL256:
		return nil
	}
	return fmt.Errorf("columns of type %s are not supported", t)
}

// sameType tells whether values of two types mean the same. Names and nullability of list elements do not matter.
func sameType(a, b arrow.DataType) bool {
	if a.ID() != b.ID() {
		return false
	}
	switch a := a.(type) {
	case *arrow.MapType, *arrow.StructType:
		return arrow.TypeEqual(a, b)
	case *arrow.FixedSizeListType:
		b := b.(*arrow.FixedSizeListType)
		return a.Len() == b.Len() && sameType(a.Elem(), b.Elem())
	case arrow.ListLikeType:
		return sameType(a.Elem(), b.(arrow.ListLikeType).Elem())
	}
	return arrow.TypeEqual(a, b)
}

// describe names a type as a person would: list<float32>, not list<item: float, nullable>.
func describe(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.FixedSizeListType:
		return fmt.Sprintf("fixed_size_list<%s>[%d]", describe(t.Elem()), t.Len())
	case *arrow.LargeListType:
		return fmt.Sprintf("large_list<%s>", describe(t.Elem()))
	case *arrow.ListType:
		return fmt.Sprintf("list<%s>", describe(t.Elem()))
	}
	return t.Name()
}
