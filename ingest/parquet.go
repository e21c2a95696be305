package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	pqfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/zeebo/xxh3"
)

// A parquetFile is the footer of a Parquet file, parsed once. It is not changed after openParquet and may be shared.
type parquetFile struct {
	name     string
	footer   *metadata.FileMetaData
	schema   *arrow.Schema
	leaves   [][]int       // of each column: its leaves, in the footer's numbering
	nested   []bool        // of each column: is it a list
	problems map[int]error // of a column that cannot be read: why
}

// openParquet parses and checks the footer. Every offset, length and count in it is checked before anything is decoded.
func openParquet(in *bytesAt, f *file) (*opened, error) {
	sum, err := footerSum(in, f)
	if err != nil {
		return nil, err
	}
	r, err := pqfile.NewParquetReader(in, pqfile.WithReadProps(parquet.NewReaderProperties(memory.NewGoAllocator())))
	if err != nil {
		e := fault(codeMalformed, f.name, hintDamaged, "its Parquet footer cannot be read")
		e.Err = trimmed(err)
		return nil, e
	}
	p := &parquetFile{name: f.name, footer: r.MetaData(), problems: make(map[int]error)}
	if p.footer.Schema == nil {
		return nil, fault(codeMalformed, f.name, hintDamaged, "its Parquet footer has no usable schema")
	}
	// The Arrow schema that some writers store beside Parquet's own is set aside: with it v15 panics on fixed-size lists whose
	// elements are not nullable, and gives dictionaries a new vocabulary in every batch.
	var task *arrow.Metadata
	for _, kv := range p.footer.FileMetaData.KeyValueMetadata {
		if kv.Key == TaskKey && kv.Value != nil {
			task = taskMetadata(*kv.Value)
		}
	}
	p.footer.FileMetaData.KeyValueMetadata = nil
	if p.schema, err = p.readSchema(task); err != nil {
		return nil, err
	}
	if err := p.checkRowGroups(f.size); err != nil {
		return nil, err
	}
	o := &opened{schema: p.schema, decoder: p, info: FileInfo{Format: formatParquet, Footer: sum}}
	all := make([]int, len(p.leaves))
	for i := range all {
		all[i] = i
	}
	for g := range p.footer.RowGroups {
		u := Unit{RowGroup: g, FirstRow: firstRow(o.units), Rows: p.footer.RowGroups[g].NumRows}
		u.Bytes = p.bytes(u, all)
		o.units = append(o.units, u)
	}
	return o, nil
}

// firstRow is the number of rows in the units before.
func firstRow(before []Unit) int64 {
	if len(before) == 0 {
		return 0
	}
	last := before[len(before)-1]
	return last.FirstRow + last.Rows
}

// footerSum returns the digest of the footer, and refuses a file that does not end as Parquet does.
func footerSum(in *bytesAt, f *file) (string, error) {
	const tail = 8 // the footer's length, and the magic
	end, err := in.section(f.size-tail, tail)
	if err != nil || f.size < tail+4 {
		return "", fault(codeTruncated, f.name, hintDamaged, "is too short to be Parquet (%d bytes)", f.size)
	}
	switch string(end[4:]) {
	case "PAR1":
	case "PARE":
		return "", fault(codeUnsupported, f.name, "write it without encryption", "is encrypted")
	default:
		return "", fault(codeTruncated, f.name, "it was cut short, or its writer did not finish: fetch or write it again", "begins as Parquet but does not end so")
	}
	length := int64(binary.LittleEndian.Uint32(end))
	footer, err := in.section(f.size-tail-length, length)
	if err != nil {
		return "", fault(codeTruncated, f.name, hintDamaged, "says that its footer has %d bytes, but the file has %d", length, f.size)
	}
	return digest(footer), nil
}

// digest returns the xxh3-128 of b in hexadecimal.
func digest(b []byte) string {
	h := xxh3.Hash128(b).Bytes()
	return fmt.Sprintf("%x", h[:])
}

// readSchema gives the columns their Arrow types, as Parquet describes them. Of the file's metadata the schema has what it says of
// its task.
func (p *parquetFile) readSchema(task *arrow.Metadata) (*arrow.Schema, error) {
	m, err := pqarrow.NewSchemaManifest(p.footer.Schema, nil, &pqarrow.ArrowReadProperties{})
	if err != nil {
		e := fault(codeUnsupported, p.name, "leave the column out when writing the file", "has a column that cannot be read")
		e.Err = trimmed(err)
		return nil, e
	}
	fields := make([]arrow.Field, len(m.Fields))
	for i := range m.Fields {
		f := *m.Fields[i].Field
		fields[i] = arrow.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable}
		var leaves []int
		p.leaves = append(p.leaves, collectLeaves(&m.Fields[i], leaves))
		_, list := f.Type.(arrow.ListLikeType)
		p.nested = append(p.nested, list)
	}
	if len(fields) == 0 {
		return nil, fault(codeMalformed, p.name, hintDamaged, "has no columns")
	}
	return arrow.NewSchema(fields, task), nil
}

func collectLeaves(f *pqarrow.SchemaField, leaves []int) []int {
	if len(f.Children) == 0 { // IsLeaf says true of lists too
		return append(leaves, f.ColIndex)
	}
	for i := range f.Children {
		leaves = collectLeaves(&f.Children[i], leaves)
	}
	return leaves
}

// checkRowGroups checks what the footer says against itself and the file's size, and notes which columns cannot be read.
func (p *parquetFile) checkRowGroups(size int64) error {
	var rows int64
	for g, rg := range p.footer.RowGroups {
		u := Unit{RowGroup: g}
		bad := func(format string, args ...any) error {
			return fault(codeMalformed, p.name, hintDamaged, "malformed footer: "+format, args...).in(u)
		}
		if rg.NumRows < 0 || rows+rg.NumRows < rows {
			return bad("a row group of %d rows", rg.NumRows)
		}
		rows += rg.NumRows
		if len(rg.Columns) != p.footer.Schema.NumColumns() {
			return bad("%d column chunks for %d columns", len(rg.Columns), p.footer.Schema.NumColumns())
		}
		if rg.NumRows == 0 {
			continue // never read; some writers leave its offsets at 0
		}
		for i, leaves := range p.leaves {
			for _, leaf := range leaves {
				c, err := p.footer.RowGroup(g).ColumnChunk(leaf)
				if err != nil {
					return bad("%v", trimmed(err))
				}
				if err := checkChunk(c, rg.NumRows, size); err != nil {
					return fault(codeMalformed, p.name, hintDamaged, "malformed footer: %v", err).in(u).of(p.columnName(i))
				}
				if err := p.readable(c, u, i); err != nil && p.problems[i] == nil {
					p.problems[i] = err
				}
			}
		}
	}
	if rows != p.footer.NumRows {
		return fault(codeMalformed, p.name, hintDamaged, "malformed footer: the row groups have %d rows, the file %d", rows, p.footer.NumRows)
	}
	return nil
}

func (p *parquetFile) columnName(i int) string { return p.footer.Schema.Root().Field(i).Name() }

// checkChunk checks place and counts of one column chunk of a row group.
func checkChunk(c *metadata.ColumnChunkMetaData, rows, size int64) error {
	start, length := c.DataPageOffset(), c.TotalCompressedSize()
	if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 {
		start = min(start, c.DictionaryPageOffset())
	}
	switch {
	case c.FilePath() != "":
		return fmt.Errorf("its data is in another file, %q", c.FilePath())
	case start < 4 || length < 0 || start > size || length > size-start:
		return fmt.Errorf("%d bytes at %d are outside the file of %d", length, start, size)
	case c.NumValues() < rows:
		return fmt.Errorf("%d values for %d rows", c.NumValues(), rows)
	case c.TotalUncompressedSize() < 0:
		return fmt.Errorf("an uncompressed size of %d", c.TotalUncompressedSize())
	}
	return nil
}

// readable returns an error that names codec or encoding, and the rewrite that helps, if v15 cannot read the chunk. It must be
// asked: v15 reads a column in an encoding that it lacks as one without rows, and reports no error.
func (p *parquetFile) readable(c *metadata.ColumnChunkMetaData, u Unit, column int) error {
	switch codec := c.Compression(); codec {
	case compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd, codecLZ4Hadoop, codecLZ4Raw:
	default:
		return p.refuse(u, column, "is compressed with %s, which cannot be read; zstd, snappy, gzip, brotli and lz4 can", codecName(codec))
	}
	for _, e := range c.Encodings() {
		if !readableEncoding(e) {
			return p.refuse(u, column, "is encoded as %s, which cannot be read (parquet_version 'V1' avoids it)", encodingName(e))
		}
	}
	if c.CryptoMetadata() != nil {
		return p.refuse(u, column, "is encrypted")
	}
	return nil
}

// refuse says why a column cannot be read, and how to rewrite the file so that it can.
func (p *parquetFile) refuse(u Unit, column int, format string, args ...any) error {
	rewrite := "COPY (FROM '" + strings.ReplaceAll(p.name, "'", "''") + "') TO 'y.parquet' (FORMAT parquet, CODEC zstd) in DuckDB rewrites it"
	return fault(codeUnsupported, p.name, rewrite, format, args...).in(u).of(p.columnName(column))
}

// byteStreamSplit is an encoding of the Parquet format that v15 has no name for.
const byteStreamSplit parquet.Encoding = 9

// readableEncoding tells whether an encoding can be decoded, here or by the library.
func readableEncoding(e parquet.Encoding) bool { return e == byteStreamSplit || libraryEncoding(e) }

// libraryEncoding tells whether v15 can decode an encoding.
func libraryEncoding(e parquet.Encoding) bool {
	switch e {
	case parquet.Encodings.Plain, parquet.Encodings.RLE, parquet.Encodings.BitPacked, parquet.Encodings.RLEDict, parquet.Encodings.PlainDict,
		parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.DeltaByteArray, parquet.Encodings.DeltaLengthByteArray:
		return true
	}
	return false
}

// codecName names codecs that v15 has no name for, by the number of the Parquet format.
func codecName(c compress.Compression) string {
	switch int(c) {
	case 3:
		return "LZO"
	case int(codecLZ4Hadoop):
		return "LZ4 (Hadoop)"
	case int(codecLZ4Raw):
		return "LZ4_RAW"
	}
	return fmt.Sprintf("codec %d", int(c))
}

func encodingName(e parquet.Encoding) string {
	if e == byteStreamSplit {
		return "BYTE_STREAM_SPLIT"
	}
	return fmt.Sprintf("encoding %d", int(e))
}

// trimmed says of a library's error what it says, without its package's name.
func trimmed(err error) error {
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "parquet: "), "arrow/ipc: "))
}
