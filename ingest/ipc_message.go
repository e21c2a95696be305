package ingest

import (
	"encoding/binary"
	"fmt"
	"io"
)

// continuation begins every message of a stream written since Arrow 0.15.
const continuation = 0xFFFFFFFF

// Kinds of messages.
const (
	messageSchema     = 1
	messageDictionary = 2
	messageBatch      = 3
)

// A message is where one message of an IPC file or stream is.
type message struct {
	metaAt, metaLen int64
	bodyAt, bodyLen int64
	kind            uint8
}

// messageKind returns the kind of a message's metadata; it may be asked of bytes that are none.
func messageKind(meta []byte) (kind uint8, err error) {
	err = guard("", -1, func() error {
		kind = rootTable(meta).uint8(1)
		return nil
	})
	return kind, err
}

// frame reads the length at pos, where a message begins: how many bytes the prefix has, and how many the metadata. A length of
// 0 is the end-of-stream marker.
func frame(in *bytesAt, pos int64) (prefix, length int64, err error) {
	b, err := in.section(pos, 4)
	if err != nil {
		return 0, 0, err
	}
	prefix = 4
	if binary.LittleEndian.Uint32(b) == continuation {
		prefix = 8
		if b, err = in.section(pos+4, 4); err != nil {
			return 0, 0, err
		}
	}
	length = int64(int32(binary.LittleEndian.Uint32(b)))
	if length < 0 || length > in.size-pos-prefix {
		return 0, 0, io.ErrUnexpectedEOF
	}
	return prefix, length, nil
}

// messageAt reads the message whose metadata has the given place. Its body begins at bodyAt, which a block of a file says, or,
// if that is 0, after the metadata.
func messageAt(in *bytesAt, metaAt, metaLen, bodyAt int64) (message, error) {
	meta, err := in.section(metaAt, metaLen)
	if err != nil {
		return message{}, err
	}
	if bodyAt == 0 {
		bodyAt = metaAt + metaLen
	}
	t := rootTable(meta)
	m := message{metaAt: metaAt, metaLen: metaLen, bodyAt: bodyAt, bodyLen: t.int64(3), kind: t.uint8(1)}
	if m.bodyLen < 0 || m.bodyAt > in.size || m.bodyLen > in.size-m.bodyAt {
		return message{}, io.ErrUnexpectedEOF
	}
	return m, nil
}

// extents returns where its bytes are.
func (m message) extents() []extent { return []extent{{m.metaAt, m.metaLen}, {m.bodyAt, m.bodyLen}} }

// header reads the metadata of a message and returns its header and the version of the format.
func (m message) header(in *bytesAt) (table, int16, error) {
	meta, err := in.section(m.metaAt, m.metaLen)
	if err != nil {
		return table{}, 0, err
	}
	t := rootTable(meta)
	if t.uint8(1) != m.kind {
		return table{}, 0, fmt.Errorf("message of kind %d, not %d", t.uint8(1), m.kind)
	}
	return t.table(2), t.int16(0), nil
}

// A batch is the metadata of a record batch, or of the record batch in a dictionary.
type batch struct {
	rows     int64
	nodes    vector // of (length, number of nulls)
	buffers  vector // of (offset, length) in the body
	variadic vector // of numbers of buffers, one a view column
	codec    int8   // -1: none
	version  int16
	body     message
}

// Codecs of compressed bodies.
const (
	codecNone = -1
	codecLZ4  = 0
	codecZstd = 1
)

func batchOf(t table, version int16, body message) (batch, error) {
	b := batch{rows: t.int64(0), nodes: t.vector(1, 16), buffers: t.vector(2, 16), variadic: t.vector(4, 8), codec: codecNone, version: version, body: body}
	if t.has(3) {
		c := t.table(3)
		b.codec = int8(c.uint8(0))
		if c.uint8(1) != 0 || b.codec != codecLZ4 && b.codec != codecZstd {
			return batch{}, fmt.Errorf("compressed with codec %d by method %d, which are unknown", b.codec, c.uint8(1))
		}
	}
	return b, nil
}

// place returns where buffer i is in the file.
func (b *batch) place(i int) (at, length int64, err error) {
	if i >= b.buffers.n {
		return 0, 0, fmt.Errorf("%d buffers, more are needed", b.buffers.n)
	}
	offset, length := b.buffers.int64(i, 0), b.buffers.int64(i, 8)
	if offset < 0 || length < 0 || offset > b.body.bodyLen || length > b.body.bodyLen-offset {
		return 0, 0, fmt.Errorf("buffer %d (%d bytes at %d) is outside the body of %d bytes", i, length, offset, b.body.bodyLen)
	}
	return b.body.bodyAt + offset, length, nil
}

// decodedSize returns how many bytes buffer i has when decoded.
func (b *batch) decodedSize(in *bytesAt, i int) (int64, error) {
	at, length, err := b.place(i)
	if err != nil || b.codec == codecNone || length == 0 {
		return length, err
	}
	prefix, err := in.section(at, min(8, length))
	if err != nil || length < 8 {
		return 0, fmt.Errorf("buffer %d is compressed but has %d bytes", i, length)
	}
	switch size := int64(binary.LittleEndian.Uint64(prefix)); {
	case size == -1:
		return length - 8, nil
	case size < 0:
		return 0, fmt.Errorf("buffer %d has %d bytes uncompressed", i, size)
	default:
		return size, nil
	}
}
