package ingest

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// PlainSchema returns the schema of what PlainRecord makes, for sources that get their records from elsewhere: columns of types that
// cannot be read are refused, dictionaries become their values. The error is an *[Error].
func PlainSchema(name string, schema *arrow.Schema) (*arrow.Schema, error) {
	fields := make([]arrow.Field, schema.NumFields())
	for i, f := range schema.Fields() {
		fields[i] = f
		if hasDictionary(f.Type) {
			fields[i].Type = readAs(f.Type)
		}
		if err := supported(fields[i].Type); err != nil {
			return nil, fault(codeUnsupported, name, "leave the column out, or send its values plainly", "has the type %s, which cannot be read here", describe(f.Type)).of(f.Name)
		}
	}
	return arrow.NewSchema(fields, nil), nil
}

// PlainRecord checks that every value of a record lies within its buffers, so that no access to it can panic, and replaces dictionaries by
// the values that they stand for, as schema, which is PlainSchema's, says. The caller releases what it returns. It holds at most limit bytes
// for that, and panics, to be recovered into an error, where they do not suffice. The error is an *[Error].
func PlainRecord(u Unit, rec arrow.Record, schema *arrow.Schema, limit int64) (arrow.Record, error) {
	w := newWorkspace(&recycled, limit)
	defer w.scratch.abandon()
	columns := make([]arrow.Array, 0, rec.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, c := range rec.Columns() {
		err := checked(c.Data())
		if err == nil {
			c, err = plainArray(c, w.record)
		}
		if err != nil {
			return nil, fault(codeMalformed, u.File, hintDamaged, "malformed: %v", err).in(u).of(rec.ColumnName(i))
		}
		columns = append(columns, c)
	}
	return array.NewRecord(schema, columns, rec.NumRows()), nil
}

// checked is validate for an array that may be, or hold, dictionaries.
func checked(d arrow.ArrayData) error {
	if d.DataType().ID() == arrow.DICTIONARY {
		if err := checked(d.Dictionary()); err != nil {
			return err
		}
	}
	for _, child := range d.Children() {
		if err := checked(child); err != nil {
			return err
		}
	}
	return validate(d)
}

func hasDictionary(t arrow.DataType) bool {
	if _, ok := t.(*arrow.DictionaryType); ok {
		return true
	}
	l, ok := t.(arrow.ListLikeType)
	return ok && hasDictionary(l.Elem())
}

// plainArray returns an array with values in place of dictionaries. The caller releases it.
func plainArray(a arrow.Array, mem *lease) (arrow.Array, error) {
	switch t := a.DataType(); {
	case !hasDictionary(t):
		a.Retain()
		return a, nil
	case t.ID() == arrow.DICTIONARY:
		d := a.(*array.Dictionary)
		values, err := plainArray(d.Dictionary(), mem)
		if err != nil {
			return nil, err
		}
		defer values.Release()
		at, err := indexer(d.Indices())
		if err != nil {
			return nil, err
		}
		return gather(values, d.Indices(), at, mem)
	}
	lists, ok := a.(array.ListLike)
	if !ok {
		return nil, fmt.Errorf("a %s of dictionaries", a.DataType())
	}
	values, err := plainArray(lists.ListValues(), mem)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	d := array.NewData(readAs(a.DataType()), a.Len(), a.Data().Buffers(), []arrow.ArrayData{values.Data()}, a.NullN(), 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// RecordBytes is the memory that the buffers of a record take.
func RecordBytes(rec arrow.Record) int64 { return heldBy(rec) }
