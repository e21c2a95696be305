package evaluate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/ingest"
	"curvestream/run/durable"
	"curvestream/run/fault"
)

// continuations are generated sequences on their way to a file.
type continuations struct {
	e   *ingest.Encoding
	all []continuation
}

func newContinuations(e *ingest.Encoding, all []continuation) *continuations {
	return &continuations{e: e, all: all}
}

// columns returns the names of the columns: the id and the inputs.
func (c *continuations) columns() []string {
	names := []string{c.idName()}
	for _, in := range c.e.Inputs {
		names = append(names, in.Column)
	}
	return names
}

func (c *continuations) idName() string {
	if len(c.e.ID) == 1 {
		return c.e.ID[0]
	}
	return "id"
}

// write writes the table: as Parquet, Arrow or JSON lines by package ingest, else as text. A destination without a name is standard
// output, as text for people.
func (c *continuations) write(to Destination) error {
	format := to.Format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(to.Path)), ".")
	}
	var text []byte
	var err error
	switch {
	case to.Path == "" || format == "txt" || format == "text":
		text = c.text()
	case format == "csv":
		text, err = c.csv()
	default:
		if format == "json" {
			to.Format = ingest.WriteJSONL
		}
		return c.writeTable(to)
	}
	if err != nil {
		return err
	}
	if to.Path == "" || to.Path == "-" {
		if _, err := to.Stdout.Write(text); err != nil {
			return fmt.Errorf("evaluate: writing to standard output: %w", err)
		}
		return nil
	}
	if _, err := os.Lstat(to.Path); !errors.Is(err, fs.ErrNotExist) && !to.Overwrite {
		return fault.New(fault.CantCreate, "output.exists", "%s exists already", to.Path).Fix("--overwrite, or another name")
	}
	return durable.WriteFile(to.Path, text)
}

// writeTable writes a row a sequence: the id, and a column for each of the inputs as the training data had it.
func (c *continuations) writeTable(to Destination) error {
	fields := []arrow.Field{{Name: c.idName(), Type: arrow.BinaryTypes.String}}
	for _, in := range c.e.Inputs {
		fields = append(fields, arrow.Field{Name: in.Column, Type: generatedType(in)})
	}
	schema := arrow.NewSchema(fields, nil)
	w, err := ingest.NewWriter(to.Path, ingest.WriteOptions{Format: to.Format, Schema: schema, Overwrite: to.Overwrite, Stdout: to.Stdout})
	if err != nil {
		return err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, s := range c.all {
		b.Field(0).(*array.StringBuilder).Append(s.id)
		lo := 0
		for i, in := range c.e.Inputs {
			if err := appendGenerated(b.Field(i+1), in, s.rows, lo); err != nil {
				w.Abort()
				return fmt.Errorf("evaluate: column %q: %w", in.Column, err)
			}
			lo += in.Width
		}
	}
	record := b.NewRecord()
	defer record.Release()
	if err := w.Write(record); err != nil {
		w.Abort()
		return err
	}
	return w.Close()
}

// generatedType returns the type of the column that an encoding was made of: a text for characters, else a list with an element a
// time-step.
func generatedType(in ingest.ColumnEncoding) arrow.DataType {
	switch {
	case in.Kind == ingest.Chars:
		return arrow.BinaryTypes.String
	case in.Kind == ingest.OneHot:
		return arrow.ListOf(classType(in))
	case in.Kind == ingest.MultiHot:
		return arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32))
	case in.Width == 1:
		return arrow.ListOf(arrow.PrimitiveTypes.Float64)
	}
	return arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Float64))
}

// classType returns the type of a column's categories in training.
func classType(c ingest.ColumnEncoding) arrow.DataType {
	for _, kind := range classTypes {
		if kind.Name() == c.Type {
			return kind
		}
	}
	return arrow.BinaryTypes.String
}

// appendGenerated appends a sequence to the column that to builds; its values begin at place lo of a row.
func appendGenerated(to array.Builder, in ingest.ColumnEncoding, rows [][]float64, lo int) error {
	if in.Kind == ingest.Chars {
		var text strings.Builder
		for _, row := range rows {
			text.WriteString(in.Vocabulary[argmax(row[lo:lo+in.Width])])
		}
		to.(*array.StringBuilder).Append(text.String())
		return nil
	}
	list := to.(*array.ListBuilder)
	list.Append(true)
	for _, row := range rows {
		values := row[lo : lo+in.Width]
		switch b := list.ValueBuilder().(type) {
		case *array.ListBuilder:
			b.Append(true)
			appendValues(b.ValueBuilder(), in, values)
		case *array.Float64Builder:
			appendValues(b, in, values)
		default:
			if err := b.AppendValueFromString(in.Vocabulary[argmax(values)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendValues appends the active indices of a row, or its numbers in the units of the data.
func appendValues(to array.Builder, in ingest.ColumnEncoding, values []float64) {
	for k, x := range values {
		switch b := to.(type) {
		case *array.Int32Builder:
			if x > 0.5 {
				b.Append(int32(k))
			}
		case *array.Float64Builder:
			mean, scale := unit(in, k)
			b.Append(x*scale + mean)
		}
	}
}

// words writes a time-step of a column for people: a category or character, active indices or numbers with blanks between them.
func words(in ingest.ColumnEncoding, values []float64) string {
	if in.Kind == ingest.Chars || in.Kind == ingest.OneHot {
		return in.Vocabulary[argmax(values)]
	}
	var parts []string
	for k, x := range values {
		switch {
		case in.Kind == ingest.Numeric:
			mean, scale := unit(in, k)
			parts = append(parts, strconv.FormatFloat(x*scale+mean, 'g', 6, 64))
		case x > 0.5:
			parts = append(parts, strconv.Itoa(k))
		}
	}
	return strings.Join(parts, " ")
}

// text lays sequences out for people, with what they begin with and an empty line between two: characters as a text, else a line a
// time-step.
func (c *continuations) text() []byte {
	var b bytes.Buffer
	for i, s := range c.all {
		if i > 0 {
			b.WriteByte('\n')
		}
		chars := len(c.e.Inputs) == 1 && c.e.Inputs[0].Kind == ingest.Chars
		for _, rows := range [][][]float64{s.prime, s.rows} {
			for _, row := range rows {
				lo := 0
				for k, in := range c.e.Inputs {
					if k > 0 {
						b.WriteByte('\t')
					}
					b.WriteString(words(in, row[lo:lo+in.Width]))
					lo += in.Width
				}
				if !chars {
					b.WriteByte('\n')
				}
			}
		}
		if chars {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// csv writes a line a time-step: the id, the number of the time-step from 0 on, and the columns.
func (c *continuations) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	names := c.columns()
	if err := w.Write(append([]string{names[0], "step"}, names[1:]...)); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	for _, s := range c.all {
		for t, row := range s.rows {
			line, lo := []string{s.id, strconv.Itoa(t)}, 0
			for _, in := range c.e.Inputs {
				line = append(line, words(in, row[lo:lo+in.Width]))
				lo += in.Width
			}
			if err := w.Write(line); err != nil {
				return nil, fmt.Errorf("evaluate: %w", err)
			}
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return b.Bytes(), nil
}
