package ingest

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// Kinds of pages.
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3
)

// A pageHeader is what precedes a page: the part of it that is checked. The library reads headers too, but keeps them to itself,
// ends a column without an error at one that it does not understand, and ignores checksums.
type pageHeader struct {
	size                     int64 // of the header itself
	kind                     int64
	uncompressed, compressed int64
	crc                      uint32
	hasCRC                   bool
	values, encoding         int64
	repEncoding, defEncoding int64 // of levels, in version 1
	repBytes, defBytes       int64 // of levels, in version 2
	stored                   bool  // not compressed, in version 2
}

// isData tells whether the page holds values of the column.
func (h *pageHeader) isData() bool { return h.kind == pageData || h.kind == pageDataV2 }

// check compares a header at pos with the room there is until end, both offsets in the file.
func (h *pageHeader) check(pos, end int64) error {
	if h.uncompressed < 0 || h.compressed < 0 || h.compressed > end-pos-h.size || h.values < 0 ||
		h.repBytes < 0 || h.defBytes < 0 || h.kind == pageDataV2 && h.repBytes+h.defBytes > min(h.compressed, h.uncompressed) {
		return fmt.Errorf("a page of %d bytes, %d uncompressed, and %d values at byte %d", h.compressed, h.uncompressed, h.values, pos)
	}
	return nil
}

// chunkRange returns where the pages of a column chunk begin and where they end at the latest.
func chunkRange(in *bytesAt, c *metadata.ColumnChunkMetaData) (pos, end int64) {
	pos = c.DataPageOffset()
	if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 {
		pos = min(pos, c.DictionaryPageOffset())
	}
	// Old Java writers left the dictionary's header out of the chunk's length; 100 bytes are granted for it, as by everyone.
	return pos, min(pos+c.TotalCompressedSize()+100, in.size)
}

// checkPages walks over the page headers of a column chunk: sizes within the chunk, as many values as the footer says, encodings
// that can be read, and the pages' checksums where the writer gave them.
func (p *parquetFile) checkPages(in *bytesAt, c *metadata.ColumnChunkMetaData, u Unit, column int) error {
	pos, end := chunkRange(in, c)
	for values := int64(0); values < c.NumValues(); {
		if pos >= end {
			return fmt.Errorf("only %d of its %d values are there", values, c.NumValues())
		}
		h, err := readPageHeader(in, pos, end)
		if err != nil {
			return fmt.Errorf("page header at byte %d: %w", pos, err)
		}
		if err := h.check(pos, end); err != nil {
			return err
		}
		if err := p.checkPage(in, c, h, pos, u, column); err != nil {
			return err
		}
		if h.isData() {
			values += h.values
		}
		pos += h.size + h.compressed
	}
	return nil
}

// checkPage checks one page at pos.
func (p *parquetFile) checkPage(in *bytesAt, c *metadata.ColumnChunkMetaData, h pageHeader, pos int64, u Unit, column int) error {
	if h.isData() || h.kind == pageDictionary {
		if !libraryEncoding(parquet.Encoding(h.encoding)) {
			return p.refuse(u, column, "has a page encoded as %s, which cannot be read (parquet_version 'V1' avoids it)", encodingName(parquet.Encoding(h.encoding)))
		}
	}
	if h.kind == pageDataV2 && !h.stored && h.compressed == h.repBytes+h.defBytes && c.Compression() != compress.Codecs.Uncompressed {
		return p.refuse(u, column, "has a data page of version 2 that holds only nulls and is marked as compressed, which cannot be read")
	}
	if !h.hasCRC {
		return nil
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(in, pos+h.size, h.compressed)); err != nil {
		return err
	}
	if sum.Sum32() != h.crc {
		return fmt.Errorf("the checksum of the page at byte %d is %08x, its header says %08x", pos, sum.Sum32(), h.crc)
	}
	return nil
}

// errShort is that a header goes on beyond the bytes at hand.
var errShort = errors.New("cut short")

// readPageHeader reads the header at pos, which may be long: it holds the smallest and the largest value.
func readPageHeader(in *bytesAt, pos, end int64) (pageHeader, error) {
	for window := int64(256); ; window *= 8 {
		b, err := in.section(pos, min(window, end-pos))
		if err != nil {
			return pageHeader{}, err
		}
		r := compactReader{b: b}
		h, err := r.pageHeader()
		if err == nil || !errors.Is(err, errShort) || window >= end-pos {
			h.size = int64(r.at)
			return h, err
		}
	}
}
