package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// A columnDecoder decodes one column chunk into one array: pages into levels and values, levels into offsets and validity. It takes
// lists of lists to any depth, of numbers, booleans and strings, plain or in dictionaries: what nearly all files hold. Everything else
// is errUncovered, and is the library's.
//
// It does in a fifth of the time what the library does, because a run of levels that go on with a list is one step (eight levels a step where
// there are nulls), and because values of a page are copied once.
type columnDecoder struct {
	pages *pageReader
	chunk *metadata.ColumnChunkMetaData
	nest  *nest
	leaf  leaf
	index hybrid[uint32]

	values int64 // to be read, nulls and empty lists counted: all, or those of the first pages

	maxRep, maxDef int16
	dictionary     bool // there was a dictionary page
}

// decodeCovered decodes a column, or returns errUncovered. Where values is not 0 but the number of values of its first pages, the array has the
// rows that begin in these, of which the last may be incomplete.
func (p *parquetFile) decodeCovered(in *bytesAt, u Unit, column int, values int64, s *pageScratch, w *workspace) (arrow.Array, error) {
	d := p.footer.Schema.Column(p.leaves[column][0])
	chunk, err := p.footer.RowGroup(u.RowGroup).ColumnChunk(p.leaves[column][0])
	if err != nil {
		return nil, err
	}
	types, ok := listTypes(p.schema.Field(column).Type)
	if !ok || !coveredEncodings(chunk) {
		return nil, errUncovered
	}
	c := &columnDecoder{chunk: chunk, values: chunk.NumValues(), maxRep: d.MaxRepetitionLevel(), maxDef: d.MaxDefinitionLevel()}
	if c.leaf = leafFor(d, types[len(types)-1], w); c.leaf == nil {
		return nil, errUncovered
	}
	defer c.leaf.release()
	if c.nest, ok = newNest(d, w.record); !ok || len(c.nest.lists) != len(types)-1 {
		return nil, errUncovered
	}
	defer c.nest.release()
	if chunk.NumValues() > math.MaxInt32-1 {
		return nil, fault(codeTooLarge, p.name, hintSmaller, "has %d values in one row group; at most %d can be read", chunk.NumValues(), math.MaxInt32-1).in(u)
	}
	rows := u.Rows
	if values > 0 {
		c.values, rows = values, values // rows have at least a value each
	}
	c.nest.reserve(rows, c.values, w.record)
	c.leaf.reserve(int(c.values))
	c.pages = newPageReader(in, chunk, s)
	if err := c.read(in.ctx, p, u, column); err != nil {
		return nil, err
	}
	if got := int64(c.nest.below(-1)); values == 0 && got != u.Rows {
		return nil, fmt.Errorf("only %d of its %d rows are there", got, u.Rows)
	}
	return c.assemble(types)
}

// listTypes returns the types of a column from the outermost list to the leaf; false where there are lists of other kinds.
func listTypes(t arrow.DataType) (types []arrow.DataType, ok bool) {
	for {
		types = append(types, t)
		switch l := t.(type) {
		case *arrow.ListType:
			t = l.Elem()
		case arrow.NestedType:
			return nil, false
		default:
			return types, true
		}
	}
}

// coveredEncodings tells whether all encodings that the footer names are read here. It may name some that no page has: those of levels
// are looked at page by page.
func coveredEncodings(c *metadata.ColumnChunkMetaData) bool {
	for _, e := range c.Encodings() {
		switch e {
		case parquet.Encodings.Plain, parquet.Encodings.RLE, parquet.Encodings.BitPacked, parquet.Encodings.RLEDict, parquet.Encodings.PlainDict, byteStreamSplit:
		default:
			return false
		}
	}
	return true
}

// read reads pages until they have as many values as are to be read.
func (c *columnDecoder) read(ctx context.Context, p *parquetFile, u Unit, column int) error {
	for have := int64(0); have < c.values; {
		if c.pages.pos >= c.pages.end {
			return fmt.Errorf("only %d of its %d values are there", have, c.values)
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		page, err := c.pages.next(c.maxRep, c.maxDef)
		if err != nil {
			return err
		}
		if page.isData() || page.kind == pageDictionary {
			if e := parquet.Encoding(page.encoding); !readableEncoding(e) {
				return p.refuse(u, column, "has a page encoded as %s, which cannot be read (parquet_version 'V1' avoids it)", encodingName(e))
			}
		}
		switch {
		case page.kind == pageDictionary:
			err = c.addDictionary(page)
		case page.isData():
			if have += page.pageHeader.values; have > c.values {
				return errTooMany
			}
			err = c.addPage(page)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *columnDecoder) addDictionary(p page) error {
	if c.dictionary {
		return errors.New("two dictionaries in a row group")
	}
	c.dictionary = true
	if e := parquet.Encoding(p.encoding); e != parquet.Encodings.Plain && e != parquet.Encodings.PlainDict {
		return fmt.Errorf("a dictionary encoded as %s", encodingName(e))
	}
	return c.leaf.dictionary(p.values, int(p.pageHeader.values))
}

// addPage adds the levels and values of a data page.
func (c *columnDecoder) addPage(p page) error {
	n := int(p.pageHeader.values)
	if whole, err := c.nest.addWhole(p.rep, p.def, n); err != nil || whole && n == 0 {
		return err
	} else if whole {
		return c.addValues(p, n)
	}
	rep, err := levels(c.pages.rep, p.rep, c.maxRep, n)
	if err != nil {
		return err
	}
	def, err := levels(c.pages.def, p.def, c.maxDef, n)
	if err != nil {
		return err
	}
	before := c.nest.leaves
	present, err := c.nest.add(rep, def, n)
	if err != nil {
		return err
	}
	if present > 0 {
		if err := c.addValues(p, present); err != nil {
			return err
		}
	}
	if places := c.nest.leaves - before; places > present {
		c.leaf.spread(def, c.nest.filled, c.nest.most, present, places)
	}
	return nil
}

func (c *columnDecoder) addValues(p page, n int) error {
	switch parquet.Encoding(p.encoding) {
	case parquet.Encodings.Plain:
		return c.leaf.plain(p.values, n)
	case byteStreamSplit:
		return c.leaf.split(p.values, n)
	case parquet.Encodings.RLEDict, parquet.Encodings.PlainDict:
		if !c.dictionary {
			return errors.New("a page of dictionary values before any dictionary")
		}
		if len(p.values) == 0 {
			return errShortPage(0, n)
		}
		if err := c.index.reset(p.values[1:], int(p.values[0])); err != nil {
			return err
		}
		return c.leaf.indexed(&c.index, n)
	}
	return errUncovered
}

// assemble makes the arrays, from the leaves out.
func (c *columnDecoder) assemble(types []arrow.DataType) (arrow.Array, error) {
	c.nest.finish()
	buffers := c.leaf.finish()
	defer releaseAll(buffers...)
	t := types[len(types)-1]
	d := array.NewData(t, c.nest.leaves, append([]*memory.Buffer{c.nest.valid.bitmap}, buffers...), nil, c.nest.nulls, 0)
	for k := len(c.nest.lists) - 1; k >= 0; k-- {
		l := &c.nest.lists[k]
		list := array.NewData(types[k], l.n, []*memory.Buffer{l.valid.bitmap, l.offsets}, []arrow.ArrayData{d}, l.nulls, 0)
		d.Release()
		d = list
	}
	defer d.Release()
	if err := validate(d); err != nil { // before an array is made of it, which may panic
		return nil, err
	}
	return array.MakeFromData(d), nil
}
