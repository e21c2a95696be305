package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/endian"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A node is a column of an IPC file, or a part of one, as it is laid out there.
type node struct {
	stored     arrow.DataType // never an extension type
	dictionary int64          // the identifier, where stored is a dictionary type
	children   []node         // of the values, for a dictionary
}

// maxFields bounds the parts of all columns together: tables of a flatbuffer may be shared, so that a small file could describe
// a schema that has no end in practice.
const (
	maxFields = 1 << 16
	maxDepth  = 32
)

// readIPCSchema reads the schema message m: the columns with the types that they are read as, and their layout.
func readIPCSchema(in *bytesAt, m message) (*arrow.Schema, []node, error) {
	if m.kind != messageSchema || m.bodyLen != 0 {
		return nil, nil, errors.New("does not begin with a schema")
	}
	header, _, err := m.header(in)
	if err != nil {
		return nil, nil, err
	}
	if arrowEndian := endian.Endianness(header.int16(0)); arrowEndian != endian.NativeEndian {
		return nil, nil, errors.New("its byte order is not this machine's: write it on such a machine")
	}
	left := maxFields
	fields := header.vector(1, 4)
	for i := range fields.n {
		if err := checkField(fields.table(i), maxDepth, &left); err != nil {
			return nil, nil, err
		}
	}
	for _, i := range []int{2, 3} { // metadata and features, which the library allocates by
		header.vector(i, 4)
	}
	stored, err := librarySchema(in, m)
	if err != nil {
		return nil, nil, err
	}
	if stored.NumFields() != fields.n || fields.n == 0 {
		return nil, nil, fmt.Errorf("%d columns in its schema", fields.n)
	}
	columns := make([]arrow.Field, fields.n)
	nodes := make([]node, fields.n)
	for i, f := range stored.Fields() {
		if nodes[i], err = nodeOf(fields.table(i), f.Type); err != nil {
			return nil, nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		columns[i] = arrow.Field{Name: f.Name, Type: readAs(f.Type), Nullable: f.Nullable}
	}
	var task *arrow.Metadata
	if text, ok := stored.Metadata().GetValue(TaskKey); ok {
		task = taskMetadata(text)
	}
	return arrow.NewSchema(columns, task), nodes, nil
}

// checkField checks the lengths and the depth of a field, before the library allocates by them.
func checkField(f table, depth int, left *int) error {
	if *left--; *left < 0 || depth == 0 {
		return errors.New("its schema has too many columns or levels")
	}
	f.vector(6, 4)
	if f.has(3) {
		for i := range 2 { // the only vectors in types are those of unions
			if kind := f.uint8(2); kind == typeUnion && f.table(3).has(i) {
				f.table(3).vector(i, 4)
			}
		}
	}
	children := f.vector(5, 4)
	for i := range children.n {
		if err := checkField(children.table(i), depth-1, left); err != nil {
			return err
		}
	}
	return nil
}

// typeUnion is the number of unions among the types of a schema.
const typeUnion = 14

// librarySchema has the Arrow library make types of a schema message.
func librarySchema(in *bytesAt, m message) (*arrow.Schema, error) {
	meta, err := in.section(m.metaAt, m.metaLen)
	if err != nil {
		return nil, err
	}
	framed := binary.LittleEndian.AppendUint32(nil, continuation)
	framed = binary.LittleEndian.AppendUint32(framed, uint32(len(meta)))
	r, err := ipc.NewReader(bytes.NewReader(append(framed, meta...)), ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return nil, trimmed(err)
	}
	defer r.Release()
	return r.Schema(), nil
}

// nodeOf pairs a field of the flatbuffer, which knows dictionaries, with its type.
func nodeOf(f table, t arrow.DataType) (node, error) {
	if x, ok := t.(arrow.ExtensionType); ok {
		t = x.StorageType()
	}
	n := node{stored: t}
	inner := t
	if d, ok := t.(*arrow.DictionaryType); ok {
		if !f.has(4) {
			return node{}, errFlat
		}
		n.dictionary, inner = f.table(4).int64(0), d.ValueType
	}
	types := childTypes(inner)
	fields := f.vector(5, 4)
	if fields.n != len(types) {
		return node{}, fmt.Errorf("%d children for a type of %d", fields.n, len(types))
	}
	for i, c := range types {
		child, err := nodeOf(fields.table(i), c)
		if err != nil {
			return node{}, err
		}
		n.children = append(n.children, child)
	}
	return n, nil
}

func childTypes(t arrow.DataType) (types []arrow.DataType) {
	if x, ok := t.(arrow.ExtensionType); ok {
		t = x.StorageType()
	}
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return nil
	}
	if m, ok := t.(*arrow.MapType); ok {
		return []arrow.DataType{m.Elem()}
	}
	for _, f := range nested.Fields() {
		types = append(types, f.Type)
	}
	return types
}

// readAs returns the type that a stored type is read as: values for dictionaries, strings for string views, storage for
// extension types.
func readAs(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case arrow.ExtensionType:
		return readAs(t.StorageType())
	case *arrow.DictionaryType:
		return readAs(t.ValueType)
	case *arrow.StringViewType:
		return arrow.BinaryTypes.String
	case *arrow.BinaryViewType:
		return arrow.BinaryTypes.Binary
	case *arrow.ListType:
		return arrow.ListOf(readAs(t.Elem()))
	case *arrow.LargeListType:
		return arrow.LargeListOf(readAs(t.Elem()))
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOf(t.Len(), readAs(t.Elem()))
	}
	return t
}
