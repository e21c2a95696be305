package ingest

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// An ipcReader decodes the wanted columns of one record batch: depth first over the columns, as the format lays them out. It is
// ours, because the library's decodes all columns, decompresses in goroutines where a panic ends the process, and allocates
// what the file says.
type ipcReader struct {
	in           *bytesAt
	mapped       []byte // all of the file, where it is mapped into memory
	batch        batch
	dictionaries dictionaries
	values       map[int64]arrow.Array // of dictionaries met before
	w            *workspace

	node, buffer, variadic int             // the next of each
	indices                map[int64]int64 // if not nil, skip counts into it how many indices each dictionary has
}

// bytes implements [decoder]. Record batches are small; which column needs what of one is not looked at.
func (x *ipcFile) bytes(u Unit, _ []int) int64 { return u.Bytes }

// pieces implements [decoder]: a batch is one piece, with the dictionaries that it refers to.
func (x *ipcFile) pieces(_ *bytesAt, u Unit) [][]extent {
	b := x.batches[u.RowGroup]
	piece := b.message.extents()
	for _, id := range slices.Sorted(maps.Keys(b.dictionaries)) {
		for _, m := range b.dictionaries[id] {
			piece = append(piece, m.extents()...)
		}
	}
	return [][]extent{piece}
}

// piecesOf implements [decoder].
func (x *ipcFile) piecesOf(int) []int { return []int{0} }

// decode implements [decoder].
func (x *ipcFile) decode(in *bytesAt, u Unit, columns []int, w *workspace) ([]arrow.Array, error) {
	b := x.batches[u.RowGroup]
	header, version, err := b.message.header(in)
	if err != nil {
		return nil, err
	}
	meta, err := batchOf(header, version, b.message)
	if err != nil {
		return nil, err
	}
	r := &ipcReader{in: in, mapped: x.mapped, batch: meta, dictionaries: b.dictionaries, values: make(map[int64]arrow.Array), w: w}
	wanted := make([]bool, len(x.nodes))
	for _, c := range columns {
		wanted[c] = true
	}
	rows := math.MaxInt32 // whatever is there
	if u.Rows < meta.rows {
		rows = int(u.Rows)
	}
	read := make([]arrow.Array, len(x.nodes))
	for i := range x.nodes {
		err := guard(x.name, u.RowGroup, func() (err error) {
			if !wanted[i] {
				return r.skip(&x.nodes[i])
			}
			read[i], err = r.read(&x.nodes[i], rows, w.record)
			return err
		})
		if err != nil {
			return nil, named(placed(err, u), x.schema.Field(i).Name)
		}
	}
	arrays := make([]arrow.Array, len(columns))
	for k, c := range columns {
		arrays[k] = read[c]
		arrays[k].Retain() // a column may be wanted twice
	}
	for _, a := range read {
		if a != nil {
			a.Release()
		}
	}
	return arrays, nil
}

// buffersOf returns how many buffers a type has of its own, apart from the variadic ones of views.
func (r *ipcReader) buffersOf(t arrow.DataType) int {
	switch t := t.(type) {
	case *arrow.NullType, *arrow.RunEndEncodedType:
		return 0
	case *arrow.FixedSizeListType, *arrow.StructType:
		return 1
	case *arrow.BinaryType, *arrow.StringType, *arrow.LargeBinaryType, *arrow.LargeStringType, *arrow.ListViewType, *arrow.LargeListViewType:
		return 3
	case arrow.UnionType:
		n := 1
		if t.Mode() == arrow.DenseMode {
			n = 2
		}
		if r.batch.version < 4 { // before V5 unions had a validity bitmap
			n++
		}
		return n
	}
	return 2
}

// skip passes over a column that is not wanted.
func (r *ipcReader) skip(n *node) error {
	length, _, err := r.nextNode()
	if err != nil {
		return err
	}
	r.buffer += r.buffersOf(n.stored)
	if _, view := n.stored.(arrow.BinaryViewDataType); view {
		k, err := r.nextVariadic()
		if err != nil {
			return err
		}
		r.buffer += k
	}
	if n.stored.ID() == arrow.DICTIONARY {
		if r.indices != nil {
			r.indices[n.dictionary] += int64(length)
		}
		return nil // the children are the dictionary's
	}
	for i := range n.children {
		if err := r.skip(&n.children[i]); err != nil {
			return err
		}
	}
	return nil
}

// read decodes a column, or a part of one, into memory of mem: at least its first values, as many as are wanted.
func (r *ipcReader) read(n *node, wanted int, mem *lease) (arrow.Array, error) {
	length, nulls, err := r.nextNode()
	if err != nil {
		return nil, err
	}
	switch t := n.stored.(type) {
	case *arrow.NullType:
		return array.NewNull(length), nil
	case *arrow.DictionaryType:
		indices, err := r.plain(t.IndexType, length, nulls, wanted, nil, r.w.scratch)
		if err != nil {
			return nil, err
		}
		return r.decodeDictionary(n, indices, mem)
	case arrow.BinaryViewDataType:
		return r.readViews(n, length, nulls, mem)
	}
	return r.plain(n.stored, length, nulls, wanted, n.children, mem)
}

// plain decodes an array whose buffers are as the type has them in memory. Its parts are decoded after its buffers.
func (r *ipcReader) plain(t arrow.DataType, length, nulls, wanted int, parts []node, mem *lease) (arrow.Array, error) {
	part := wanted < length
	length = min(length, wanted)
	buffers := make([]*memory.Buffer, r.buffersOf(t))
	defer func() { memory.ReleaseBuffers(buffers) }()
	for i := range buffers {
		if i == 0 && nulls == 0 {
			r.buffer++ // a bitmap that says nothing
			continue
		}
		most := int64(math.MaxInt64)
		if part {
			most = bytesOfFirst(t, i, length, buffers)
		}
		b, err := r.nextBuffer(mem, most)
		if err != nil {
			return nil, err
		}
		buffers[i] = b
	}
	elements := math.MaxInt32
	if part {
		nulls, elements = nullsIn(buffers[0], length), elementsOfFirst(t, length, buffers)
	}
	children := make([]arrow.ArrayData, len(parts))
	for i := range parts {
		c, err := r.read(&parts[i], elements, mem)
		if err != nil {
			return nil, err
		}
		defer c.Release()
		children[i] = c.Data()
	}
	d := array.NewData(withElement(t, children), length, buffers, children, nulls, 0)
	defer d.Release()
	if err := validate(d); err != nil {
		return nil, err
	}
	return array.MakeFromData(d), nil
}

// withElement gives a list the type of the elements that were read: values where dictionaries were stored.
func withElement(t arrow.DataType, children []arrow.ArrayData) arrow.DataType {
	switch t := t.(type) {
	case *arrow.ListType:
		return arrow.ListOf(children[0].DataType())
	case *arrow.LargeListType:
		return arrow.LargeListOf(children[0].DataType())
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOf(t.Len(), children[0].DataType())
	}
	return t
}

// nextNode returns length and number of nulls of the next array.
func (r *ipcReader) nextNode() (length, nulls int, err error) {
	if r.node >= r.batch.nodes.n {
		return 0, 0, fmt.Errorf("%d arrays, more are needed", r.batch.nodes.n)
	}
	l, n := r.batch.nodes.int64(r.node, 0), r.batch.nodes.int64(r.node, 8)
	r.node++
	if l < 0 || l > math.MaxInt32 || n < 0 || n > l {
		return 0, 0, fmt.Errorf("%d values, %d of them null", l, n)
	}
	return int(l), int(n), nil
}

func (r *ipcReader) nextVariadic() (int, error) {
	if r.variadic >= r.batch.variadic.n {
		return 0, fmt.Errorf("%d counts of view buffers, more are needed", r.batch.variadic.n)
	}
	n := r.batch.variadic.int64(r.variadic, 0)
	r.variadic++
	if n < 0 || n > int64(r.batch.buffers.n) {
		return 0, fmt.Errorf("%d view buffers of %d", n, r.batch.buffers.n)
	}
	return int(n), nil
}
