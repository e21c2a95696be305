package ingest

import (
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// A parquetEncoder writes a row group a record.
type parquetEncoder struct {
	w      *pqarrow.FileWriter
	schema *arrow.Schema // with lists for large and fixed-size ones
}

// newParquetEncoder keeps the defaults that readers are used to, except where v15 has reasons: data pages of version 1 (version 2
// may split a list), no dictionaries for floats, which have none, and the Arrow schema beside Parquet's for readers that want it.
func newParquetEncoder(out output, o WriteOptions) (encoder, error) {
	properties := []parquet.WriterProperty{
		parquet.WithCompression(compressions[WriteParquet][o.Compression].parquet),
		parquet.WithDataPageVersion(parquet.DataPageV1),
		parquet.WithVersion(parquet.V2_LATEST),
		parquet.WithMaxRowGroupLength(1 << 40), // the writer's groups are the row groups
		parquet.WithCreatedBy("curvestream"),
	}
	fields := make([]arrow.Field, o.Schema.NumFields())
	for i, f := range o.Schema.Fields() {
		fields[i] = arrow.Field{Name: f.Name, Type: asListType(f.Type), Nullable: f.Nullable}
	}
	says := o.Schema.Metadata()
	schema := arrow.NewSchema(fields, &says)
	asArrow := pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema())
	columns, err := pqarrow.ToParquet(schema, parquet.NewWriterProperties(), asArrow)
	if err != nil {
		return nil, err
	}
	for i := range columns.NumColumns() {
		switch c := columns.Column(i); c.PhysicalType() {
		case parquet.Types.Float, parquet.Types.Double:
			properties = append(properties, parquet.WithDictionaryFor(c.Path(), false))
		}
	}
	w, err := pqarrow.NewFileWriter(schema, struct{ io.Writer }{out}, parquet.NewWriterProperties(properties...), asArrow)
	if err != nil {
		return nil, err
	}
	return &parquetEncoder{w, schema}, nil
}

// write writes a row group. The library's buffered row groups leak; its Write does not use them.
func (e *parquetEncoder) write(r arrow.Record) error {
	columns := make([]arrow.Array, r.NumCols())
	for i, c := range r.Columns() {
		plain, err := asLists(c)
		if err != nil {
			return fmt.Errorf("column %q: %w", r.ColumnName(i), err)
		}
		defer plain.Release()
		columns[i] = retyped(plain, e.schema.Field(i).Type)
		defer columns[i].Release()
	}
	plain := array.NewRecord(e.schema, columns, r.NumRows())
	defer plain.Release()
	return e.w.Write(plain)
}

func (e *parquetEncoder) close() error { return e.w.Close() }

// asListType replaces large and fixed-size lists by lists.
func asListType(t arrow.DataType) arrow.DataType {
	l, ok := t.(arrow.ListLikeType)
	if !ok {
		return t
	}
	element := l.ElemField()
	element.Type = asListType(element.Type)
	return arrow.ListOfField(element)
}

// asLists makes a list of every kind of list, one whose null rows are empty: v15 writes no large lists, and no null rows with
// something below them, as those of fixed-size lists have.
func asLists(a arrow.Array) (arrow.Array, error) {
	l, ok := a.(array.ListLike)
	if !ok {
		a.Retain()
		return a, nil
	}
	offsets := memory.NewResizableBuffer(memory.DefaultAllocator)
	defer offsets.Release()
	offsets.Resize(4 * (a.Len() + 1))
	to := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	var runs [][2]int64 // of values that are kept
	for i := range a.Len() {
		to[i+1] = to[i]
		if a.IsNull(i) {
			continue
		}
		from, end := l.ValueOffsets(i)
		if end-from > int64(math.MaxInt32-to[i]) {
			return nil, fmt.Errorf("more than %d values in a row group; make row groups smaller", math.MaxInt32)
		}
		to[i+1] += int32(end - from)
		if last := len(runs) - 1; last >= 0 && runs[last][1] == from {
			runs[last][1] = end
		} else if end > from {
			runs = append(runs, [2]int64{from, end})
		}
	}
	kept, err := pieces(l.ListValues(), runs)
	if err != nil {
		return nil, err
	}
	defer kept.Release()
	values, err := asLists(kept)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	var valid *memory.Buffer
	if a.NullN() > 0 {
		valid = a.Data().Buffers()[0]
	}
	d := array.NewData(arrow.ListOf(values.DataType()), a.Len(), []*memory.Buffer{valid, offsets}, []arrow.ArrayData{values.Data()}, a.NullN(), 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// pieces copies runs of values into one array that begins at offset 0.
func pieces(values arrow.Array, runs [][2]int64) (arrow.Array, error) {
	if len(runs) == 0 {
		runs = [][2]int64{{0, 0}}
	}
	parts := make([]arrow.Array, len(runs))
	for i, r := range runs {
		parts[i] = array.NewSlice(values, r[0], r[1])
		defer parts[i].Release()
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
