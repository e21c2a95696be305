package ingest

import (
	"encoding/binary"
	"errors"
)

// errFlat is what reading a malformed flatbuffer panics with where an index out of range does not come first.
var errFlat = errors.New("its metadata is not a valid flatbuffer")

// A table is a flatbuffer table: the form of Arrow IPC metadata. The Arrow library keeps its reader of them internal. Fields are
// numbered in the order of Arrow's schema files. Malformed bytes make its methods panic; callers run under guard.
type table struct {
	b  []byte
	at int
}

// rootTable returns the table that a buffer holds.
func rootTable(b []byte) table { return table{b, int(binary.LittleEndian.Uint32(b))} }

// field returns where field i is, or 0 if it has its default value.
func (t table) field(i int) int {
	vtable := t.at - int(int32(binary.LittleEndian.Uint32(t.b[t.at:])))
	size := int(binary.LittleEndian.Uint16(t.b[vtable:]))
	if 4+2*i+2 > size {
		return 0
	}
	offset := int(binary.LittleEndian.Uint16(t.b[vtable+4+2*i:]))
	if offset == 0 {
		return 0
	}
	return t.at + offset
}

func (t table) has(i int) bool { return t.field(i) != 0 }

func (t table) uint8(i int) uint8 {
	if p := t.field(i); p != 0 {
		return t.b[p]
	}
	return 0
}

func (t table) int16(i int) int16 {
	if p := t.field(i); p != 0 {
		return int16(binary.LittleEndian.Uint16(t.b[p:]))
	}
	return 0
}

func (t table) int64(i int) int64 {
	if p := t.field(i); p != 0 {
		return int64(binary.LittleEndian.Uint64(t.b[p:]))
	}
	return 0
}

// table returns the table that field i refers to.
func (t table) table(i int) table {
	p := t.field(i)
	if p == 0 {
		panic(errFlat)
	}
	return table{t.b, p + int(binary.LittleEndian.Uint32(t.b[p:]))}
}

// A vector is the vector of n elements of size bytes that a field refers to.
type vector struct {
	b       []byte
	n, size int
	at      int // of b within the buffer
	buffer  []byte
}

// vector returns the vector of field i, empty by default. Its length is checked against the buffer, so that it is safe to
// allocate by.
func (t table) vector(i, size int) vector {
	p := t.field(i)
	if p == 0 {
		return vector{size: size}
	}
	p += int(binary.LittleEndian.Uint32(t.b[p:]))
	n := int(binary.LittleEndian.Uint32(t.b[p:]))
	p += 4
	if n > (len(t.b)-p)/size {
		panic(errFlat)
	}
	return vector{t.b[p : p+n*size], n, size, p, t.b}
}

func (v vector) int64(i, offset int) int64 {
	return int64(binary.LittleEndian.Uint64(v.b[i*v.size+offset:]))
}

func (v vector) int32(i, offset int) int32 {
	return int32(binary.LittleEndian.Uint32(v.b[i*v.size+offset:]))
}

// table returns element i of a vector of tables.
func (v vector) table(i int) table {
	return table{v.buffer, v.at + 4*i + int(binary.LittleEndian.Uint32(v.b[4*i:]))}
}
