package ingest

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
)

// decodeFirst decodes the first rows of a row group of all rows: u.Rows or more. How many values these have only the pages tell, so that it
// begins with their share, and takes twice as many until they are there. It returns no array where it would have to read all pages.
func (p *parquetFile) decodeFirst(in *bytesAt, u Unit, column int, all int64, s *pageScratch, w *workspace) (arrow.Array, error) {
	for rows := u.Rows; rows < all; rows *= 2 {
		values, err := p.valuesOfPages(in, u, column, float64(rows)/float64(all), s)
		if err != nil || values == 0 {
			return nil, err
		}
		a, err := p.decodeCovered(in, u, column, values, s, w)
		if err != nil || int64(a.Len()) > u.Rows { // one more than is wanted, because the last may go on in the next page
			return a, err
		}
		a.Release()
	}
	return nil, nil
}

// valuesOfPages returns how many values the first pages have that have a share of all values; 0 where these are all pages.
func (p *parquetFile) valuesOfPages(in *bytesAt, u Unit, column int, share float64, s *pageScratch) (values int64, err error) {
	chunk, err := p.footer.RowGroup(u.RowGroup).ColumnChunk(p.leaves[column][0])
	if err != nil {
		return 0, err
	}
	r := newPageReader(in, chunk, s)
	for want := int64(share * float64(chunk.NumValues())); values <= want && r.pos < r.end; {
		start := r.pos
		h, err := r.header()
		if err == nil {
			err = h.check(start, r.end)
		}
		if err != nil {
			return 0, fmt.Errorf("page header at byte %d: %w", start, err)
		}
		if h.isData() {
			values += h.values
		}
		r.pos += h.size + h.compressed
	}
	if values >= chunk.NumValues() {
		return 0, nil
	}
	return values, nil
}

// firstRows returns the first n values of an array that was validated, and of its lists no more than these have. The caller releases both.
func firstRows(a arrow.Array, n int) arrow.Array {
	d := firstOf(a.Data(), n)
	defer d.Release()
	return array.MakeFromData(d)
}

func firstOf(d arrow.ArrayData, n int) arrow.ArrayData {
	children := d.Children()
	if end := elementsOf(d, n); len(children) == 1 {
		c := firstOf(children[0], end)
		defer c.Release()
		children = []arrow.ArrayData{c}
	}
	nulls := 0
	switch {
	case d.DataType().ID() == arrow.NULL:
		nulls = n
	case d.NullN() != 0:
		nulls = n - bitutil.CountSetBits(buffer(d, 0).Bytes(), 0, n)
	}
	return array.NewData(d.DataType(), n, d.Buffers(), children, nulls, 0)
}

// elementsOf returns how many elements the first n lists have.
func elementsOf(d arrow.ArrayData, n int) int {
	switch t := d.DataType().(type) {
	case *arrow.FixedSizeListType:
		return n * int(t.Len())
	case *arrow.ListType:
		if n > 0 {
			return int(bufferOf[int32](buffer(d, 1))[n])
		}
	case *arrow.LargeListType:
		if n > 0 {
			return int(bufferOf[int64](buffer(d, 1))[n])
		}
	}
	return 0
}
