package ingest

import (
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// hiveNull is the folder value that stands for null, by the convention of Hive and Spark.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// hiveKey returns the key of a folder name of the form key=value, decoded.
func hiveKey(folder string) (key string, ok bool) {
	key, _, ok = strings.Cut(folder, "=")
	return unescaped(key), ok && key != "" && !hidden(key)
}

// unescaped replaces %3A by : and so on; what is not so written stays.
func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// A hivePath is what the folders of a file's name say: values by key, nil for null, and the keys in their order.
type hivePath struct {
	keys   []string
	values map[string]*string
}

// hivePathOf reads the folders of a name.
func hivePathOf(name string) (hivePath, error) {
	h := hivePath{values: make(map[string]*string)}
	folders := strings.Split(filepath.ToSlash(name), "/")
	for _, folder := range folders[:len(folders)-1] {
		key, ok := hiveKey(folder)
		if !ok {
			continue
		}
		if slices.Contains(h.keys, key) {
			return h, fault(codeUnsupported, name, "rename one of the folders", "two folders of its path give a value of %q", key).of(key)
		}
		_, value, _ := strings.Cut(folder, "=")
		h.keys, h.values[key] = append(h.keys, key), nil
		if value != hiveNull {
			value = unescaped(value)
			h.values[key] = &value
		}
	}
	return h, nil
}

// A partitioning gives the keys of the folders of all files types.
type partitioning struct {
	paths map[string]hivePath
	types map[string]arrow.DataType
}

// partitioningOf reads the folders of all names. All names must have the same keys. A key is a column of whole numbers, numbers or days
// (2006-01-02) if all its values are, else of texts.
func partitioningOf(names []string, o OpenOptions) (*partitioning, error) {
	p := &partitioning{paths: make(map[string]hivePath), types: make(map[string]arrow.DataType)}
	if o.asStored {
		return p, nil
	}
	all := make(map[string][]string)
	for i, name := range names {
		h, err := hivePathOf(name)
		if err != nil {
			return nil, err
		}
		p.paths[name] = h
		if first := p.paths[names[0]].keys; i > 0 && !slices.Equal(h.keys, first) {
			return nil, fault(codeMismatch, name, "give all files the same key=value folders, or read them apart",
				"its folders give values of %s, those of %s of %s", keysText(h.keys), names[0], keysText(first))
		}
		for key, value := range h.values {
			if all[key] = append(all[key], ""); value != nil {
				all[key][len(all[key])-1] = *value
			}
		}
	}
	for key, values := range all {
		p.types[key] = hiveType(slices.DeleteFunc(values, func(v string) bool { return v == "" }))
	}
	return p, nil
}

func keysText(keys []string) string {
	if len(keys) == 0 {
		return "no key"
	}
	return strings.Join(keys, ", ")
}

func hiveType(values []string) arrow.DataType {
	for _, t := range []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Date32} {
		fits := func(v string) bool {
			_, err := hiveValue(v, t)
			return err == nil
		}
		if len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !fits(v) }) {
			return t
		}
	}
	return arrow.BinaryTypes.String
}

// hiveValue is the value of a folder as one of type t.
func hiveValue(text string, t arrow.DataType) (any, error) {
	switch t.ID() {
	case arrow.INT64:
		return strconv.ParseInt(text, 10, 64)
	case arrow.FLOAT64:
		x, err := strconv.ParseFloat(text, 64)
		if err == nil && (math.IsInf(x, 0) || math.IsNaN(x)) {
			err = fmt.Errorf("%s is not finite", text)
		}
		return x, err
	case arrow.DATE32:
		day, err := time.Parse(time.DateOnly, text)
		return arrow.Date32FromTime(day), err
	}
	return text, nil
}

// partition adds the keys of a file's folders to its columns. A key that is a column of the file too is the file's.
func (o *opened) partition(p *partitioning) error {
	h := p.paths[o.file.name]
	d := &hiveDecoder{decoder: o.decoder, stored: o.schema.NumFields()}
	fields := o.schema.Fields()
	for _, key := range h.keys {
		if o.schema.HasField(key) {
			continue
		}
		value := any(nil)
		if text := h.values[key]; text != nil && (*text != "" || p.types[key].ID() == arrow.STRING) {
			v, err := hiveValue(*text, p.types[key])
			if err != nil {
				return fault(codeMalformed, o.file.name, "rename the folder", "%v", err).of(key)
			}
			value = v
		}
		d.values = append(d.values, value)
		fields = append(fields, arrow.Field{Name: key, Type: p.types[key], Nullable: true})
	}
	if len(d.values) == 0 {
		return nil
	}
	says := o.schema.Metadata()
	d.fields, o.schema, o.decoder = fields, arrow.NewSchema(fields, &says), d
	for i := range o.units {
		o.units[i].Bytes += d.constants(o.units[i], len(d.values))
	}
	return nil
}

// A hiveDecoder adds columns of one value to those of a file.
type hiveDecoder struct {
	decoder
	stored int // columns of the file
	fields []arrow.Field
	values []any // of the columns behind them; nil is null
}

// constants bounds the memory of n added columns.
func (d *hiveDecoder) constants(u Unit, n int) int64 {
	longest := 8
	for _, v := range d.values {
		if text, ok := v.(string); ok {
			longest = max(longest, len(text))
		}
	}
	return int64(n) * (u.Rows*int64(2*longest+10) + 1024) // builders grow to twice what they hold
}

// part parts columns of the file from those that were added.
func (d *hiveDecoder) part(columns []int) (stored []int, added int) {
	for _, c := range columns {
		if c < d.stored {
			stored = append(stored, c)
		}
	}
	return stored, len(columns) - len(stored)
}

// decode implements [decoder].
func (d *hiveDecoder) decode(in *bytesAt, u Unit, columns []int, w *workspace) ([]arrow.Array, error) {
	stored, _ := d.part(columns)
	read, err := d.decoder.decode(in, u, stored, w)
	if err != nil {
		return nil, err
	}
	arrays := make([]arrow.Array, len(columns))
	for k, c := range columns {
		if c < d.stored {
			arrays[k], read = read[0], read[1:]
			continue
		}
		arrays[k] = d.constant(c, u, w)
	}
	return arrays, nil
}

// constant returns an added column.
func (d *hiveDecoder) constant(column int, u Unit, w *workspace) arrow.Array {
	b := array.NewBuilder(w.record, d.fields[column].Type)
	defer b.Release()
	b.Reserve(int(u.Rows))
	for range u.Rows {
		switch v := d.values[column-d.stored].(type) {
		case nil:
			b.AppendNull()
		case int64:
			b.(*array.Int64Builder).Append(v)
		case float64:
			b.(*array.Float64Builder).Append(v)
		case arrow.Date32:
			b.(*array.Date32Builder).Append(v)
		case string:
			b.(*array.StringBuilder).Append(v)
		}
	}
	return b.NewArray()
}

// bytes implements [decoder].
func (d *hiveDecoder) bytes(u Unit, columns []int) int64 {
	stored, added := d.part(columns)
	return d.decoder.bytes(u, stored) + d.constants(u, added)
}

// piecesOf implements [decoder]: what the path says lies in no piece.
func (d *hiveDecoder) piecesOf(column int) []int {
	if column >= d.stored {
		return nil
	}
	return d.decoder.piecesOf(column)
}
