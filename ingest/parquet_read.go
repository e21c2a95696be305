package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	pqfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// batchValues is how many values are decoded between two looks at the context: some 30 ms of work.
const batchValues = 1 << 20

// pageBuffer is how many bytes are read from disk at once.
const pageBuffer = 256 << 10

// decode implements [decoder]: one column after the other, in the caller's goroutine. Of the library's readers only the one
// for a single field stays in it, and not for structs; that is why structs are refused.
func (p *parquetFile) decode(in *bytesAt, u Unit, columns []int, w *workspace) ([]arrow.Array, error) {
	for _, c := range columns {
		if err := p.problems[c]; err != nil {
			return nil, err
		}
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
	arrays := make([]arrow.Array, len(columns))
	for k, c := range columns {
		err := guard(p.name, u.RowGroup, func() (err error) {
			arrays[k], err = p.decodeColumn(in, r, u, c, w)
			return err
		})
		if err != nil {
			return nil, named(err, p.columnName(c))
		}
	}
	return arrays, nil
}

// decodeColumn checks one column of a row group and reads it into one array.
func (p *parquetFile) decodeColumn(in *bytesAt, r *pqarrow.FileReader, u Unit, column int, w *workspace) (arrow.Array, error) {
	chunk, err := p.footer.RowGroup(u.RowGroup).ColumnChunk(p.leaves[column][0])
	if err == nil {
		err = p.checkPages(in, chunk, u, column)
	}
	var parts []arrow.Array
	if err == nil {
		parts, err = p.readBatches(in.ctx, r, u, column, chunk.NumValues())
	}
	var known *Error
	switch {
	case errors.As(err, &known):
		return nil, err
	case err != nil:
		e := fault(codeMalformed, p.name, hintDamaged, "malformed").in(u)
		e.Err = trimmed(err)
		return nil, e
	}
	return concatenated(parts, w.record)
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

// bytes bounds the memory that reading all columns of row group g takes. Columns are decoded one after the other, so the
// scratch of the largest counts, and the arrays of all.
//
// Scratch is a compressed page and the page itself, the values and levels of a batch, which the library rounds up to a power
// of two, and a second copy of the column while batches are joined. Strings in a dictionary have no size in the footer: eight
// times their encoded size is assumed. If a column exceeds the estimate, Read's own limit still holds.
func (p *parquetFile) bytes(g int) int64 {
	var kept, scratch float64
	rows := float64(p.footer.RowGroups[g].NumRows)
	for _, leaf := range p.readableLeaves() {
		c, err := p.footer.RowGroup(g).ColumnChunk(leaf)
		if err != nil {
			continue // checked before
		}
		d := p.footer.Schema.Column(leaf)
		n := float64(c.NumValues())
		var decoded float64
		switch d.PhysicalType() {
		case parquet.Types.ByteArray:
			decoded = n*4 + float64(c.TotalUncompressedSize())
			if c.HasDictionaryPage() {
				decoded += 7 * float64(c.TotalUncompressedSize())
			}
		case parquet.Types.FixedLenByteArray:
			decoded = n * float64(d.TypeLength())
		default:
			decoded = n * float64(d.PhysicalType().ByteSize())
		}
		offsets := float64(d.MaxRepetitionLevel()) * 4 * (n + 1)
		if d.MaxRepetitionLevel() == 1 {
			offsets = 4 * (rows + 1)
		}
		array := decoded + n/8 + offsets
		batch := 2 * (decoded/max(n, 1) + 4) * min(n, 2*batchValues)
		kept += array
		scratch = max(scratch, array+batch+float64(c.TotalCompressedSize())+float64(c.TotalUncompressedSize())+pageBuffer)
	}
	return int64(min(kept+scratch, math.MaxInt64/2))
}
