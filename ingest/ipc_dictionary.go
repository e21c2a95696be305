package ingest

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// decodeDictionary replaces indices, which it releases, by the values that they stand for.
func (r *ipcReader) decodeDictionary(n *node, indices arrow.Array, mem *lease) (arrow.Array, error) {
	defer indices.Release()
	values, err := r.dictionary(n)
	if err != nil {
		return nil, err
	}
	at, err := indexer(indices)
	if err != nil {
		return nil, err
	}
	return gather(values, indices, at, mem)
}

// dictionary returns the values of the dictionary of a column.
func (r *ipcReader) dictionary(n *node) (arrow.Array, error) {
	if v, ok := r.values[n.dictionary]; ok {
		return v, nil
	}
	messages := r.dictionaries[n.dictionary]
	if len(messages) == 0 {
		return nil, fmt.Errorf("its dictionary (%d) is not there", n.dictionary)
	}
	plain := node{stored: n.stored.(*arrow.DictionaryType).ValueType, children: n.children}
	if x, ok := plain.stored.(arrow.ExtensionType); ok {
		plain.stored = x.StorageType()
	}
	var parts []arrow.Array
	for _, m := range messages {
		header, version, err := m.header(r.in)
		if err != nil {
			return nil, err
		}
		meta, err := batchOf(header.table(1), version, m)
		if err != nil {
			return nil, err
		}
		inner := &ipcReader{in: r.in, batch: meta, dictionaries: r.dictionaries, values: r.values, w: r.w}
		part, err := inner.read(&plain, math.MaxInt32, r.w.scratch)
		if err != nil {
			return nil, fmt.Errorf("dictionary %d: %w", n.dictionary, err)
		}
		parts = append(parts, part)
	}
	whole, err := concatenated(parts, r.w.scratch)
	if err != nil {
		return nil, err
	}
	r.values[n.dictionary] = whole // given back with the scratch
	return whole, nil
}

// indexer returns index i of an array of integers, as 64 bits.
func indexer(indices arrow.Array) (func(i int) int64, error) {
	switch a := indices.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(a.Value(i)) }, nil
	case *array.Int16:
		return func(i int) int64 { return int64(a.Value(i)) }, nil
	case *array.Int32:
		return func(i int) int64 { return int64(a.Value(i)) }, nil
	case *array.Int64:
		return func(i int) int64 { return a.Value(i) }, nil
	case *array.Uint8:
		return func(i int) int64 { return int64(a.Value(i)) }, nil
	case *array.Uint16:
		return func(i int) int64 { return int64(a.Value(i)) }, nil
	case *array.Uint32:
		return func(i int) int64 { return int64(a.Value(i)) }, nil
	case *array.Uint64:
		return func(i int) int64 { return int64(min(a.Value(i), math.MaxInt64)) }, nil
	}
	return nil, fmt.Errorf("dictionary indices of type %s", indices.DataType())
}

// gather returns values[at(i)] for every i below indices.Len(); null where the index or the value is null.
func gather(values, indices arrow.Array, at func(int) int64, mem *lease) (arrow.Array, error) {
	n := indices.Len()
	valid := memory.NewResizableBuffer(mem)
	defer valid.Release()
	valid.Resize(int(bitutil.BytesForBits(int64(n))))
	from := make([]int32, n) // -1: null
	nulls := 0
	for i := range from {
		from[i] = -1
		if indices.IsNull(i) {
			nulls++
			continue
		}
		v := at(i)
		if v < 0 || v >= int64(values.Len()) {
			return nil, fmt.Errorf("index %d in a dictionary of %d values", v, values.Len())
		}
		if values.IsNull(int(v)) {
			nulls++
			continue
		}
		from[i] = int32(v)
		bitutil.SetBit(valid.Bytes(), i)
	}
	buffers := []*memory.Buffer{valid}
	if nulls == 0 {
		buffers[0] = nil
	}
	more, err := gatherValues(values.Data(), from, mem)
	if err != nil {
		return nil, err
	}
	d := array.NewData(values.DataType(), n, append(buffers, more...), nil, nulls, 0)
	defer d.Release()
	memory.ReleaseBuffers(more)
	return array.MakeFromData(d), nil
}

// gatherValues returns the buffers of values[from[i]], without the bitmap.
func gatherValues(values arrow.ArrayData, from []int32, mem *lease) ([]*memory.Buffer, error) {
	switch t := values.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		return gatherBytes[int32](values, from, mem)
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return gatherBytes[int64](values, from, mem)
	case *arrow.BooleanType:
		out := memory.NewResizableBuffer(mem)
		out.Resize(int(bitutil.BytesForBits(int64(len(from)))))
		src := buffer(values, 1).Bytes()
		for i, v := range from {
			if v >= 0 && bitutil.BitIsSet(src, int(v)) {
				bitutil.SetBit(out.Bytes(), i)
			}
		}
		return []*memory.Buffer{out}, nil
	case arrow.FixedWidthDataType:
		width := t.BitWidth() / 8
		out := memory.NewResizableBuffer(mem)
		out.Resize(len(from) * width)
		src, dst := buffer(values, 1).Bytes(), out.Bytes()
		for i, v := range from {
			if v >= 0 {
				copy(dst[i*width:(i+1)*width], src[int(v)*width:])
			}
		}
		return []*memory.Buffer{out}, nil
	}
	return nil, fmt.Errorf("dictionaries of %s are not supported", values.DataType())
}

// gatherBytes is gatherValues for strings and binaries with offsets of type O.
func gatherBytes[O int32 | int64](values arrow.ArrayData, from []int32, mem *lease) ([]*memory.Buffer, error) {
	starts := castOffsets[O](buffer(values, 1).Bytes())
	src := buffer(values, 2).Bytes()
	var total int64
	for _, v := range from {
		if v >= 0 {
			total += int64(starts[v+1] - starts[v])
		}
	}
	if int64(O(total)) != total {
		return nil, fmt.Errorf("%d bytes of strings in one batch", total)
	}
	offsets, data := memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem)
	offsets.Resize((len(from) + 1) * offsetSize[O]())
	data.Resize(int(total))
	to, end := castOffsets[O](offsets.Bytes()), O(0)
	for i, v := range from {
		to[i] = end
		if v >= 0 {
			end += O(copy(data.Bytes()[end:], src[starts[v]:starts[v+1]]))
		}
	}
	to[len(from)] = end
	return []*memory.Buffer{offsets, data}, nil
}

func offsetSize[O int32 | int64]() int {
	if _, wide := any(O(0)).(int64); wide {
		return 8
	}
	return 4
}

func castOffsets[O int32 | int64](b []byte) []O {
	if _, wide := any(O(0)).(int64); wide {
		return any(arrow.Int64Traits.CastFromBytes(b)).([]O)
	}
	return any(arrow.Int32Traits.CastFromBytes(b)).([]O)
}
