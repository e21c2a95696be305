package ingest

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
)

// rowKeys finds the identifier of rows, and the time where there is one.
type rowKeys struct {
	plan  *plan
	roles Roles
	time  *field // nil where rows have none
}

// newRowKeys takes identifier and time from o, or infers them as training does.
func newRowKeys(src Source, o RoleOptions) (*rowKeys, error) {
	r, err := keysOf(src.Schema(), o)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return nil, inSource(e, src)
		}
		return nil, err
	}
	if len(r.ID) == 0 {
		return nil, inSource(schemaError("data.no_id", "", "no column is known to identify sequences").fix("--id COLUMN"), src)
	}
	k := &rowKeys{plan: &plan{layout: r.Layout}, roles: r}
	for _, c := range r.ID {
		f, err := newField(src.Schema(), r.Layout, "sequence id", ColumnEncoding{Column: c})
		if err != nil {
			return nil, err
		}
		f.at = f.schema
		k.plan.id = append(k.plan.id, f)
	}
	if r.Time != "" {
		if k.time, err = newField(src.Schema(), r.Layout, "time", ColumnEncoding{Column: r.Time}); err != nil {
			return nil, err
		}
		k.time.at = k.time.schema
	}
	return k, nil
}

// views are what the keys of a record's rows are found in.
func viewsOf(rec arrow.Record) []view {
	views := make([]view, rec.NumCols())
	for i, c := range rec.Columns() {
		views[i] = newView(c)
	}
	return views
}

// appendID appends the identifier of a row, as training names the sequence.
func (k *rowKeys) appendID(dst []byte, views []view, u Unit, row int) ([]byte, error) {
	dst, bad := k.plan.appendID(dst, views, u, row)
	if bad != nil {
		return dst, place(bad, u, "")
	}
	return dst, nil
}

// appendSortKey appends bytes that order rows by identifier and time: whole numbers as numbers, everything else as its text.
func (k *rowKeys) appendSortKey(dst []byte, views []view, u Unit, row int) ([]byte, error) {
	for _, f := range k.plan.id {
		leaf := views[f.at].leaf
		if leaf.IsNull(row) {
			return dst, place(f.flaw("data.null_id", row, "the sequence id is null").fix("give every row an id, or remove the row"), u, "")
		}
		if v, ok := integerAt(leaf, row); ok {
			dst = appendOrdered(dst, v)
			continue
		}
		for _, c := range appendWord(nil, leaf, row) {
			if dst = append(dst, c); c == 0 {
				dst = append(dst, 1) // so that a text that goes on comes after one that ends
			}
		}
		dst = append(dst, 0, 0)
	}
	if k.time == nil {
		return dst, nil
	}
	t, ok := timeAt(views[k.time.at].leaf, row)
	if !ok {
		return dst, place(k.time.flaw("data.null", row, "the time is null or NaN").fix("give every row a time, or name another column by --time"), u, "")
	}
	return appendOrdered(dst, t), nil
}

// appendOrdered appends a number such that bytes are ordered as numbers are.
func appendOrdered(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^(1<<63))
}

// heldBy is the memory of a record: its buffers, each counted once.
func heldBy(rec arrow.Record) int64 {
	seen := make(map[any]bool)
	var sum int64
	var add func(d arrow.ArrayData)
	add = func(d arrow.ArrayData) {
		for _, b := range d.Buffers() {
			if b != nil && !seen[b] {
				seen[b] = true
				sum += int64(b.Cap())
			}
		}
		for _, c := range d.Children() {
			add(c)
		}
	}
	for _, c := range rec.Columns() {
		add(c.Data())
	}
	return min(sum, math.MaxInt64/2)
}
