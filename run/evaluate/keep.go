package evaluate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/ingest"
	"curvestream/pipeline"
	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/fault"
)

// kept copies columns of the data beside the predictions. Where a row is a sequence the value is copied as it is; where a row is
// a time-step, the values of a sequence's rows become a list. The nil *kept copies nothing. Release it.
type kept struct {
	source   ingest.Source
	manifest *pipeline.Manifest
	memory   int64
	columns  []int
	long     bool

	unit    int          // that record holds
	record  arrow.Record // nil before the first unit
	pieces  [][]arrow.Array
	offsets []int32 // in the long layout: where each sequence's values begin, of those not taken yet
}

// newKept returns nil where there is nothing to keep.
func newKept(set *data.Set, names []string) (*kept, error) {
	if len(names) == 0 {
		return nil, nil
	}
	k := &kept{source: set.Source, manifest: set.Manifest, memory: set.Memory / 2, long: set.Encoding.Layout == ingest.Long, offsets: []int32{0}}
	schema := set.Source.Schema()
	var known []string
	for _, f := range schema.Fields() {
		known = append(known, f.Name)
	}
	for _, name := range names {
		at := schema.FieldIndices(name)
		if len(at) == 0 {
			return nil, fault.New(fault.Data, "data.unknown_column", "%s: there is no column %q to keep%s", set.Source.Fingerprint()[0].Path, name, config.DidYouMean(name, known)).
				Fix("--keep-cols with some of %s", strings.Join(known, ", "))
		}
		if !slices.Contains(set.Encoding.ID, name) || len(set.Encoding.ID) > 1 { // the only id is there anyway
			k.columns = append(k.columns, at[0])
		}
	}
	k.pieces = make([][]arrow.Array, len(k.columns))
	return k, nil
}

// fields returns the columns of the output, which must have other names than those before them.
func (k *kept) fields(before []arrow.Field) ([]arrow.Field, error) {
	if k == nil {
		return nil, nil
	}
	var out []arrow.Field
	for _, c := range k.columns {
		f := k.source.Schema().Field(c)
		if slices.ContainsFunc(append(before, out...), func(b arrow.Field) bool { return b.Name == f.Name }) {
			return nil, fault.New(fault.Usage, "usage.keep_cols", "--keep-cols %s: the output has a column of this name already", f.Name).Fix("rename the column in the data, or leave it out")
		}
		if d, ok := f.Type.(*arrow.DictionaryType); ok {
			f.Type = d.ValueType
		}
		if k.long {
			f.Type = arrow.ListOf(f.Type)
		}
		out = append(out, arrow.Field{Name: f.Name, Type: f.Type, Nullable: true})
	}
	return out, nil
}

// add copies the values of the sequence at a position.
func (k *kept) add(ctx context.Context, position int) error {
	if k == nil {
		return nil
	}
	rows := int32(0)
	for _, p := range k.manifest.Places(position) {
		if err := k.load(ctx, p.Unit); err != nil {
			return err
		}
		for i := range k.columns {
			k.pieces[i] = append(k.pieces[i], array.NewSlice(k.record.Column(i), int64(p.Lo), int64(p.Hi)))
		}
		rows += int32(p.Hi - p.Lo)
	}
	k.offsets = append(k.offsets, k.offsets[len(k.offsets)-1]+rows)
	return nil
}

// load reads a unit, unless it is the one read last: the sequences come in the order of the data.
func (k *kept) load(ctx context.Context, unit int) error {
	if k.record != nil && k.unit == unit {
		return nil
	}
	if u := k.source.Unit(unit); u.Bytes > k.memory {
		return &pipeline.TooLargeError{What: "copying its columns", File: u.File, RowGroup: u.RowGroup, Needs: u.Bytes, Memory: k.memory, Hint: "leave out --keep-cols"}
	}
	rec, err := k.source.Read(ctx, unit, k.columns)
	if err != nil {
		return err
	}
	if k.record != nil {
		k.record.Release()
	}
	k.unit, k.record = unit, rec
	return nil
}

// take returns the values of the sequences added since it was called last, an array a column, to be released.
func (k *kept) take() ([]arrow.Array, error) {
	out := make([]arrow.Array, 0, len(k.columns))
	for i, pieces := range k.pieces {
		values, err := joined(pieces)
		if err != nil {
			for _, a := range out {
				a.Release()
			}
			return nil, fmt.Errorf("evaluate: column %q: %w", k.record.ColumnName(i), err)
		}
		for _, p := range pieces {
			p.Release()
		}
		k.pieces[i] = nil
		if k.long {
			values = listed(values, k.offsets)
		}
		out = append(out, values)
	}
	k.offsets = []int32{0}
	return out, nil
}

// joined returns pieces as one array, and what dictionaries stand for.
func joined(pieces []arrow.Array) (arrow.Array, error) {
	if d, ok := pieces[0].DataType().(*arrow.DictionaryType); ok {
		return plain(pieces, d.ValueType)
	}
	return array.Concatenate(pieces, memory.DefaultAllocator)
}

// plain returns what the indices of dictionaries stand for.
func plain(pieces []arrow.Array, kind arrow.DataType) (arrow.Array, error) {
	b := array.NewBuilder(memory.DefaultAllocator, kind)
	defer b.Release()
	for _, p := range pieces {
		d := p.(*array.Dictionary)
		for i := range d.Len() {
			if d.IsNull(i) {
				b.AppendNull()
			} else if err := b.AppendValueFromString(d.Dictionary().ValueStr(d.GetValueIndex(i))); err != nil {
				return nil, err
			}
		}
	}
	return b.NewArray(), nil
}

// listed makes a list of each run of values between offsets.
func listed(values arrow.Array, offsets []int32) arrow.Array {
	defer values.Release()
	data := array.NewData(arrow.ListOf(values.DataType()), len(offsets)-1, []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))},
		[]arrow.ArrayData{values.Data()}, 0, 0)
	defer data.Release()
	return array.NewListData(data)
}

func (k *kept) release() {
	if k == nil {
		return
	}
	for _, pieces := range k.pieces {
		for _, p := range pieces {
			p.Release()
		}
	}
	if k.record != nil {
		k.record.Release()
	}
}
