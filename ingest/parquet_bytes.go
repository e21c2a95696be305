package ingest

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// A need bounds the memory of decoding columns one after the other: the arrays of all, and the scratch of the largest of each kind.
type need struct {
	arrays float64
	pages  float64 // bytes of the file, and decompressed
	levels float64
	own    float64 // dictionaries, and what the library takes
}

// add adds a column's.
func (n *need) add(m need) {
	n.arrays += m.arrays
	n.pages, n.levels, n.own = max(n.pages, m.pages), max(n.levels, m.levels), max(n.own, m.own)
}

// bytes implements [decoder]: it bounds the memory that decoding columns of a row group takes, by what the footer says of them. If a
// column exceeds it, Read's own limit still holds.
func (p *parquetFile) bytes(u Unit, columns []int) int64 {
	var all need
	for _, column := range columns {
		t := p.schema.Field(column).Type
		if supported(t) != nil || len(p.leaves[column]) != 1 {
			continue
		}
		leaf := p.leaves[column][0]
		c, err := p.footer.RowGroup(u.RowGroup).ColumnChunk(leaf)
		if err != nil {
			continue // checked before
		}
		types, ok := listTypes(t)
		d := p.footer.Schema.Column(leaf)
		if ok && coveredEncodings(c) && leafFor(d, types[len(types)-1], newWorkspace(nil, 0)) != nil {
			all.add(coveredNeed(c, d.PhysicalType(), cellBytes(types[len(types)-1]), float64(u.Rows), d.MaxRepetitionLevel(), d.MaxDefinitionLevel()))
		} else {
			all.add(libraryNeed(c, d.PhysicalType(), float64(d.TypeLength()), float64(u.Rows), d.MaxRepetitionLevel()))
		}
	}
	return int64(min(all.arrays+all.pages+all.levels+all.own, math.MaxInt64/2))
}

// coveredNeed is that of a column that columnDecoder decodes; width is that of its values, 0 for strings. Buffers that grow have up to
// twice their content. Strings in a dictionary have no size in the footer: eight times their encoded size is assumed.
func coveredNeed(c *metadata.ColumnChunkMetaData, physical parquet.Type, width, rows float64, rep, def int16) need {
	values, plain := float64(c.NumValues()), float64(c.TotalUncompressedSize())
	const rounding = 8 * 64 // of each buffer
	n := need{arrays: values*width + rounding, pages: max(pageBuffer, float64(c.TotalCompressedSize())+100) + rounding}
	if c.Compression() != compress.Codecs.Uncompressed {
		n.pages += plain
	}
	if physical == parquet.Types.ByteArray {
		n.arrays += 4*(values+1) + 2*plain
		if c.HasDictionaryPage() {
			n.arrays += 14 * plain
			n.own = 3 * plain
		}
	} else if c.HasDictionaryPage() {
		n.own = plain
	}
	if def > 0 {
		n.arrays += values / 4
		n.levels += values
	}
	if rep > 0 {
		n.arrays += 4*(rows+1) + rows/4 + float64(rep-1)*(4*(values+1)+values/4)
		n.levels += values
	}
	return n
}

// libraryNeed is that of a column that the library decodes: a compressed page and the page itself, the values and levels of a batch,
// which the library rounds up to a power of two, and a second copy of the column while batches are joined.
func libraryNeed(c *metadata.ColumnChunkMetaData, physical parquet.Type, length, rows float64, rep int16) need {
	values, plain := float64(c.NumValues()), float64(c.TotalUncompressedSize())
	var decoded float64
	switch physical {
	case parquet.Types.ByteArray:
		decoded = values*4 + plain
		if c.HasDictionaryPage() {
			decoded += 7 * plain
		}
	case parquet.Types.FixedLenByteArray:
		decoded = values * length
	default:
		decoded = values * float64(physical.ByteSize())
	}
	offsets := float64(rep) * 4 * (values + 1)
	if rep == 1 {
		offsets = 4 * (rows + 1)
	}
	array := decoded + values/8 + offsets
	batch := 2 * (decoded/max(values, 1) + 4) * min(values, 2*batchValues)
	return need{arrays: array, own: array + batch + float64(c.TotalCompressedSize()) + plain + pageBuffer}
}

// cellBytes is the size of a value of a type in memory; 0 for strings, whose size varies.
func cellBytes(t arrow.DataType) float64 {
	if f, ok := t.(arrow.FixedWidthDataType); ok {
		return float64(f.BitWidth()) / 8
	}
	return 0
}
