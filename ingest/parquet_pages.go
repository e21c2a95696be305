package ingest

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// errUncovered is that our own decoder lacks an encoding that the library has.
var errUncovered = errors.New("not decoded here")

// pageScratch is what decoding one page after the other needs, of any column: it is used again and again within a Read.
type pageScratch struct {
	window   *memory.Buffer // bytes of the file
	body     *memory.Buffer // a page, decompressed
	rep, def *memory.Buffer // levels, a byte each
}

func newPageScratch(mem memory.Allocator) *pageScratch {
	return &pageScratch{memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem)}
}

func (s *pageScratch) release() { releaseAll(s.window, s.body, s.rep, s.def) }

// A pageReader reads the pages of a column chunk one after the other, and checks sizes and checksums.
type pageReader struct {
	*pageScratch
	in       *bytesAt
	codec    compress.Compression
	pos, end int64 // of what was not read yet, in the file
	at       int64 // of the window, in the file
}

// A page is the content of one page. Its slices are valid until the next.
type page struct {
	pageHeader
	rep, def []byte // runs of levels; nil where there are none
	values   []byte
}

func newPageReader(in *bytesAt, c *metadata.ColumnChunkMetaData, s *pageScratch) *pageReader {
	r := &pageReader{pageScratch: s, in: in, codec: c.Compression()}
	r.pos, r.end = chunkRange(in, c)
	s.window.ResizeNoShrink(0)
	r.at = r.pos
	return r
}

// peek returns n bytes from pos on, fewer at the end of the chunk. They are valid until the next peek.
func (r *pageReader) peek(n int64) ([]byte, error) {
	n = min(n, r.end-r.pos)
	skip := r.pos - r.at
	if have := int64(r.window.Len()) - skip; have < n {
		// What is there moves to the front; as much as there is room for is read behind it.
		rest := int64(0)
		if have > 0 {
			rest = int64(copy(r.window.Bytes(), r.window.Bytes()[skip:]))
		}
		size := min(max(n, int64(r.window.Cap()), pageBuffer), r.end-r.pos)
		r.window.ResizeNoShrink(int(size))
		if _, err := r.in.ReadAt(r.window.Bytes()[rest:], r.pos+rest); err != nil {
			return nil, err
		}
		r.at, skip = r.pos, 0
	}
	return r.window.Bytes()[skip : skip+n], nil
}

// next reads the next page; maxRep and maxDef are the largest levels of the column.
func (r *pageReader) next(maxRep, maxDef int16) (page, error) {
	start := r.pos
	h, err := r.header()
	if err != nil {
		return page{}, fmt.Errorf("page header at byte %d: %w", start, err)
	}
	if err := h.check(start, r.end); err != nil {
		return page{}, err
	}
	r.pos += h.size
	raw, err := r.peek(h.compressed)
	if err != nil {
		return page{}, err
	}
	r.pos += h.compressed
	if h.hasCRC {
		if sum := crc32.ChecksumIEEE(raw); sum != h.crc {
			return page{}, fmt.Errorf("the checksum of the page at byte %d is %08x, its header says %08x", start, sum, h.crc)
		}
	}
	p := page{pageHeader: h}
	if h.kind == pageDataV2 {
		levels := raw[:h.repBytes+h.defBytes]
		p.rep, p.def = levels[:h.repBytes], levels[h.repBytes:]
		p.values, err = r.plainBytes(raw[len(levels):], h.uncompressed-int64(len(levels)), h.stored)
		return p, err
	}
	p.values, err = r.plainBytes(raw, h.uncompressed, false)
	if err == nil && h.kind == pageData {
		err = p.splitLevels(maxRep, maxDef)
	}
	return p, err
}

// header reads the header at pos, which may be long: it holds the smallest and the largest value.
func (r *pageReader) header() (pageHeader, error) {
	for size := int64(256); ; size *= 8 {
		b, err := r.peek(size)
		if err != nil {
			return pageHeader{}, err
		}
		c := compactReader{b: b}
		h, err := c.pageHeader()
		if err == nil || !errors.Is(err, errShort) || size >= r.end-r.pos {
			h.size = int64(c.at)
			return h, err
		}
	}
}

// plainBytes returns what raw is, decompressed, of size bytes.
func (r *pageReader) plainBytes(raw []byte, size int64, stored bool) ([]byte, error) {
	if stored || r.codec == compress.Codecs.Uncompressed {
		if int64(len(raw)) != size {
			return nil, fmt.Errorf("a page of %d bytes, where %d are announced", len(raw), size)
		}
		return raw, nil
	}
	if size == 0 { // only nulls: some writers then leave nothing, not even a frame
		return nil, nil
	}
	r.body.ResizeNoShrink(int(size))
	return r.body.Bytes(), decompress(r.body.Bytes(), raw, r.codec)
}

// splitLevels parts a page of version 1: each kind of level, if the column has it, begins with its size.
func (p *page) splitLevels(maxRep, maxDef int16) (err error) {
	if maxRep > 0 {
		if p.rep, p.values, err = levelBytes(p.values, p.repEncoding); err != nil {
			return err
		}
	}
	if maxDef > 0 {
		p.def, p.values, err = levelBytes(p.values, p.defEncoding)
	}
	return err
}

func levelBytes(b []byte, encoding int64) (levels, rest []byte, err error) {
	if parquet.Encoding(encoding) != parquet.Encodings.RLE {
		return nil, nil, errUncovered
	}
	size, ok := stringSize(b, 0) // a length and as many bytes, as of strings
	if !ok {
		return nil, nil, fmt.Errorf("a page of %d bytes is too short for its levels", len(b))
	}
	return b[4 : 4+size], b[4+size:], nil
}

// levels decodes the n levels of a page into a buffer; there are none where the largest is 0.
func levels(to *memory.Buffer, runs []byte, most int16, n int) ([]uint8, error) {
	if most == 0 {
		return nil, nil
	}
	to.ResizeNoShrink(n)
	var h hybrid[uint8]
	if err := h.reset(runs, bits.Len16(uint16(most))); err != nil {
		return nil, err
	}
	return to.Bytes(), h.read(to.Bytes())
}
