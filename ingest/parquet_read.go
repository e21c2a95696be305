package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	pqfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// batchValues is how many values are decoded between two looks at the context: some 30 ms of work.
const batchValues = 1 << 20

// pageBuffer is how many bytes are read from disk at once.
const pageBuffer = 256 << 10

// decode implements [decoder]: one column after the other, in the caller's goroutine. Most are decoded here, by columnDecoder. The
// others are left to the library: of its readers only the one for a single field stays in the caller's goroutine, and not for structs;
// that is why structs are refused.
func (p *parquetFile) decode(in *bytesAt, u Unit, columns []int, w *workspace) ([]arrow.Array, error) {
	for _, c := range columns {
		if err := p.problems[c]; err != nil {
			return nil, err
		}
	}
	pages := newPageScratch(w.scratch)
	defer pages.release()
	arrays := make([]arrow.Array, len(columns))
	for k, c := range columns {
		err := guard(p.name, u.RowGroup, func() (err error) {
			arrays[k], err = p.decodeColumn(in, u, c, pages, w)
			return err
		})
		if err != nil {
			return nil, named(err, p.columnName(c))
		}
	}
	return arrays, nil
}

// pieces implements [decoder]: each leaf column of a row group is one.
func (p *parquetFile) pieces(in *bytesAt, u Unit) [][]extent {
	pieces := make([][]extent, p.footer.Schema.NumColumns())
	for leaf := range pieces {
		if c, err := p.footer.RowGroup(u.RowGroup).ColumnChunk(leaf); err == nil { // else the column is not readable, and was refused
			pos, end := chunkRange(in, c)
			pieces[leaf] = []extent{{pos, end - pos}}
		}
	}
	return pieces
}

// piecesOf implements [decoder].
func (p *parquetFile) piecesOf(column int) []int { return p.leaves[column] }

// decodeColumn checks one column of a row group and reads it into one array.
func (p *parquetFile) decodeColumn(in *bytesAt, u Unit, column int, pages *pageScratch, w *workspace) (arrow.Array, error) {
	a, err := p.decodeRows(in, u, column, pages, w)
	var known *Error
	if err == nil || errors.As(err, &known) {
		return a, err
	}
	e := fault(codeMalformed, p.name, hintDamaged, "malformed").in(u)
	e.Err = trimmed(err)
	return nil, e
}

// decodeRows reads a column by the decoder that covers it; of a part of a row group by the first pages, if ours is the one.
func (p *parquetFile) decodeRows(in *bytesAt, u Unit, column int, pages *pageScratch, w *workspace) (arrow.Array, error) {
	if all := p.footer.RowGroups[u.RowGroup].NumRows; u.Rows < all {
		a, err := p.decodeFirst(in, u, column, all, pages, w)
		if a != nil || err != nil && !errors.Is(err, errUncovered) {
			return a, err
		}
		u.Rows = all
	}
	a, err := p.decodeCovered(in, u, column, 0, pages, w)
	if errors.Is(err, errUncovered) {
		return p.decodeLibrary(in, u, column, w)
	}
	return a, err
}

// decodeLibrary reads a column with the library, after a look at what the library does not check.
func (p *parquetFile) decodeLibrary(in *bytesAt, u Unit, column int, w *workspace) (arrow.Array, error) {
	chunk, err := p.footer.RowGroup(u.RowGroup).ColumnChunk(p.leaves[column][0])
	if err != nil {
		return nil, err
	}
	if err := p.refuseBeyondOurs(chunk, u, column); err != nil {
		return nil, err
	}
	if err := p.checkPages(in, chunk, u, column); err != nil {
		return nil, err
	}
	props := parquet.NewReaderProperties(w.scratch)
	props.BufferedStreamEnabled = true // else each chunk is read whole, twice, past the allocator
	props.BufferSize = pageBuffer
	pf, err := pqfile.NewParquetReader(in, pqfile.WithMetadata(p.footer), pqfile.WithReadProps(props))
	if err != nil {
		return nil, err
	}
	r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, w.record)
	if err != nil {
		return nil, err
	}
	parts, err := p.readBatches(in.ctx, r, u, column, chunk.NumValues())
	if err != nil {
		return nil, err
	}
	return concatenated(parts, w.record)
}

// refuseBeyondOurs refuses what only our own decoder reads, where that does not cover the column: its type, or another encoding in it.
func (p *parquetFile) refuseBeyondOurs(c *metadata.ColumnChunkMetaData, u Unit, column int) error {
	if codec := c.Compression(); codec == codecLZ4Hadoop || codec == codecLZ4Raw {
		return p.refuse(u, column, "is compressed with %s and encoded as %v, which cannot be read together", codecName(codec), c.Encodings())
	}
	for _, e := range c.Encodings() {
		if !libraryEncoding(e) {
			return p.refuse(u, column, "is encoded as %s, which cannot be read for values of its type", encodingName(e))
		}
	}
	return nil
}

// readBatches reads a column of chunkValues values, nulls and empty lists counted, a batch of rows at a time. It demands exactly the
// rows, and of lists the values, that the footer announces: the library ends a column early, without an error, where it does
// not understand a page.
func (p *parquetFile) readBatches(ctx context.Context, r *pqarrow.FileReader, u Unit, column int, chunkValues int64) ([]arrow.Array, error) {
	f, err := r.GetFieldReader(ctx, column, map[int]bool{p.leaves[column][0]: true}, []int{u.RowGroup})
	if err != nil {
		return nil, err
	}
	defer f.Release()
	var parts []arrow.Array
	var values int64
	step := max(1, int64(float64(batchValues)*float64(u.Rows)/float64(max(chunkValues, 1))))
	for row := int64(0); row < u.Rows; row += step {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		n := min(step, u.Rows-row)
		batch, err := f.NextBatch(n)
		if err != nil {
			return nil, err
		}
		if got := int64(batch.Len()); got != n {
			return nil, fmt.Errorf("only %d of its %d rows are there", row+got, u.Rows)
		}
		if p.nested[column] {
			levels, err := f.GetDefLevels()
			if err != nil {
				return nil, err
			}
			values += int64(len(levels))
		}
		parts = append(parts, batch.Chunks()...)
	}
	if p.nested[column] && values != chunkValues {
		return nil, fmt.Errorf("only %d of its %d values are there", values, chunkValues)
	}
	return parts, nil
}
