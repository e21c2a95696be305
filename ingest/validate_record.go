package ingest

import (
	"github.com/apache/arrow/go/v15/arrow"
)

// CheckSchema refuses columns of types that cannot be read, for sources that get their records from elsewhere. The error is an *[Error].
func CheckSchema(name string, schema *arrow.Schema) error {
	for _, f := range schema.Fields() {
		err := supported(f.Type)
		if _, dictionary := f.Type.(*arrow.DictionaryType); err != nil || dictionary {
			return fault(codeUnsupported, name, "leave the column out, or send its values plainly", "has the type %s, which cannot be read here", describe(f.Type)).of(f.Name)
		}
	}
	return nil
}

// CheckRecord checks that every value of a record lies within its buffers, so that no access to it can panic. The error is an *[Error].
func CheckRecord(u Unit, rec arrow.Record) error {
	for i, c := range rec.Columns() {
		if err := validate(c.Data()); err != nil {
			return fault(codeMalformed, u.File, hintDamaged, "malformed: %v", err).in(u).of(rec.ColumnName(i))
		}
	}
	return nil
}

// RecordBytes is the memory that the buffers of a record take.
func RecordBytes(rec arrow.Record) int64 { return heldBy(rec) }
