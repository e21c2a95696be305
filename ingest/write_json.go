package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A jsonEncoder writes one object a row, the columns in order.
type jsonEncoder struct {
	out  output
	line []byte
}

func (e *jsonEncoder) write(r arrow.Record) error {
	names := make([][]byte, r.NumCols())
	for i := range names {
		names[i] = append(appendString(nil, r.ColumnName(i)), ':')
	}
	for row := range int(r.NumRows()) {
		e.line = append(e.line[:0], '{')
		for i, c := range r.Columns() {
			if i > 0 {
				e.line = append(e.line, ',')
			}
			e.line = append(e.line, names[i]...)
			var err error
			if e.line, err = appendJSON(e.line, c, row); err != nil {
				return fmt.Errorf("column %q: %w", r.ColumnName(i), err)
			}
		}
		e.line = append(e.line, '}', '\n')
		if _, err := e.out.Write(e.line); err != nil {
			return err
		}
	}
	return nil
}

func (e *jsonEncoder) close() error { return nil }

// appendJSON appends value i of a. JSON has no NaN and no infinity: they are null, as nulls are. Bytes are in base64; decimals,
// dates and times are strings.
func appendJSON(b []byte, a arrow.Array, i int) ([]byte, error) {
	if a.IsNull(i) || a.DataType().ID() == arrow.NULL {
		return append(b, "null"...), nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.AppendBool(b, a.Value(i)), nil
	case *array.Float16:
		return appendFloat(b, float64(a.Value(i).Float32()), 32), nil
	case *array.Float32:
		return appendFloat(b, float64(a.Value(i)), 32), nil
	case *array.Float64:
		return appendFloat(b, a.Value(i), 64), nil
	case *array.String:
		return appendString(b, a.Value(i)), nil
	case *array.LargeString:
		return appendString(b, a.Value(i)), nil
	case interface{ Value(int) []byte }: // binary, large binary, fixed-size binary
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, a.Value(i))
		return append(b, '"'), nil
	case array.ListLike:
		return appendList(b, a, i)
	}
	switch a.DataType().ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return append(b, a.ValueStr(i)...), nil
	case arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION, arrow.DECIMAL128, arrow.DECIMAL256:
		return appendString(b, a.ValueStr(i)), nil
	}
	return nil, fmt.Errorf("values of type %s have no form in JSON", a.DataType())
}

func appendList(b []byte, a array.ListLike, i int) ([]byte, error) {
	b = append(b, '[')
	from, to := a.ValueOffsets(i)
	for k := from; k < to; k++ {
		if k > from {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, a.ListValues(), int(k)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendFloat(b []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, bits)
}

// appendString appends s in quotes. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	if err := e.Encode(strings.ToValidUTF8(s, "\uFFFD")); err != nil {
		panic(err) // a string always encodes
	}
	return append(b, bytes.TrimRight(quoted.Bytes(), "\n")...)
}
