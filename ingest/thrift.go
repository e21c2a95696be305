package ingest

import (
	"encoding/binary"
	"errors"
)

// A compactReader reads Thrift's compact protocol, in which Parquet keeps its metadata.
type compactReader struct {
	b  []byte
	at int
}

// Types of values in the compact protocol.
const (
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactInt16  = 4
	compactInt32  = 5
	compactInt64  = 6
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12
)

var errThrift = errors.New("not Thrift's compact protocol")

func (r *compactReader) byte() (byte, error) {
	if r.at >= len(r.b) {
		return 0, errShort
	}
	r.at++
	return r.b[r.at-1], nil
}

func (r *compactReader) uvarint() (uint64, error) {
	v, n := binary.Uvarint(r.b[r.at:])
	if n == 0 {
		return 0, errShort
	}
	if n < 0 {
		return 0, errThrift
	}
	r.at += n
	return v, nil
}

// integer reads a zigzag integer of any width.
func (r *compactReader) integer() (int64, error) {
	v, err := r.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}

// fields calls field for each field of a struct. What field does not read, it says so (read = false), and it is skipped.
func (r *compactReader) fields(depth int, field func(id int64, kind byte) (read bool, err error)) error {
	if depth == 0 {
		return errThrift
	}
	for id := int64(0); ; {
		head, err := r.byte()
		if err != nil || head == 0 {
			return err
		}
		if delta := int64(head >> 4); delta > 0 {
			id += delta
		} else if id, err = r.integer(); err != nil {
			return err
		}
		read, err := field(id, head&15)
		if err == nil && !read {
			err = r.skip(depth-1, head&15)
		}
		if err != nil {
			return err
		}
	}
}

// skip passes over a value.
func (r *compactReader) skip(depth int, kind byte) error {
	if depth == 0 {
		return errThrift
	}
	switch kind {
	case compactTrue, compactFalse: // of a field: the type is the value
		return nil
	case compactByte:
		return r.advance(1)
	case compactInt16, compactInt32, compactInt64:
		_, err := r.uvarint()
		return err
	case compactDouble:
		return r.advance(8)
	case compactBinary:
		n, err := r.uvarint()
		if err != nil {
			return err
		}
		return r.advance(n)
	case compactStruct:
		return r.fields(depth, func(int64, byte) (bool, error) { return false, nil })
	}
	return errThrift // lists, sets and maps: no page header has them
}

func (r *compactReader) advance(n uint64) error {
	if n > uint64(len(r.b)-r.at) {
		return errShort
	}
	r.at += int(n)
	return nil
}

// pageHeader reads a page header.
func (r *compactReader) pageHeader() (h pageHeader, err error) {
	h.kind, h.uncompressed, h.compressed = -1, -1, -1
	err = r.fields(8, func(id int64, kind byte) (bool, error) {
		switch {
		case id == 1 && kind == compactInt32:
			return true, r.into(&h.kind)
		case id == 2 && kind == compactInt32:
			return true, r.into(&h.uncompressed)
		case id == 3 && kind == compactInt32:
			return true, r.into(&h.compressed)
		case id == 4 && kind == compactInt32:
			var crc int64
			h.hasCRC = true
			err := r.into(&crc)
			h.crc = uint32(crc)
			return true, err
		case (id == 5 || id == 7) && kind == compactStruct:
			return true, r.dataHeader(&h, 2)
		case id == 8 && kind == compactStruct:
			return true, r.dataHeader(&h, 4)
		}
		return false, nil
	})
	return h, err
}

// dataHeader reads the header of a data page of version 1, of a dictionary, or of a data page of version 2, which has its
// encoding as field 4. Those of version 1 name the encodings of their levels, those of version 2 their sizes.
func (r *compactReader) dataHeader(h *pageHeader, encoding int64) error {
	return r.fields(8, func(id int64, kind byte) (bool, error) {
		switch {
		case id == 1 && kind == compactInt32:
			return true, r.into(&h.values)
		case id == encoding && kind == compactInt32:
			return true, r.into(&h.encoding)
		case encoding == 2 && id == 3 && kind == compactInt32:
			return true, r.into(&h.defEncoding)
		case encoding == 2 && id == 4 && kind == compactInt32:
			return true, r.into(&h.repEncoding)
		case encoding == 4 && id == 5 && kind == compactInt32:
			return true, r.into(&h.defBytes)
		case encoding == 4 && id == 6 && kind == compactInt32:
			return true, r.into(&h.repBytes)
		case encoding == 4 && id == 7:
			h.stored = kind == compactFalse
		}
		return false, nil
	})
}

func (r *compactReader) into(v *int64) (err error) {
	*v, err = r.integer()
	return err
}
