package ingest

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
)

// An ipcFile is the index of an Arrow IPC file or stream: where its messages are. It is not changed after opening.
type ipcFile struct {
	name    string
	schema  *arrow.Schema
	nodes   []node
	batches []ipcBatch
	mapped  []byte // all of it, where it is mapped into memory
}

// An ipcBatch is one record batch and the dictionaries in force where it stands.
type ipcBatch struct {
	message      message
	dictionaries dictionaries
}

// dictionaries are, by identifier, the messages that make up a dictionary: the first, and what was added to it.
type dictionaries map[int64][]message

// openArrowFile reads the footer of an Arrow IPC file and the metadata, not the bodies, of its messages.
func openArrowFile(in *bytesAt, f *file) (*opened, error) {
	const magic, tail = "ARROW1", 10 // the footer's length, and the magic
	end, err := in.section(f.size-tail, tail)
	if err != nil || f.size < 8+tail {
		return nil, fault(codeTruncated, f.name, hintDamaged, "is too short to be an Arrow IPC file (%d bytes)", f.size)
	}
	if string(end[4:]) != magic {
		return nil, fault(codeTruncated, f.name, "it was cut short, or its writer did not finish: fetch or write it again", "begins as an Arrow IPC file but does not end so")
	}
	length := int64(int32(binary.LittleEndian.Uint32(end)))
	raw, err := in.section(f.size-tail-length, length)
	if err != nil || length < 8 {
		return nil, fault(codeTruncated, f.name, hintDamaged, "says that its footer has %d bytes, but the file has %d", length, f.size)
	}
	footer := rootTable(raw)
	x := &ipcFile{name: f.name}
	if err := x.readSchema(in, 8); err != nil {
		return nil, err
	}
	all := make(dictionaries)
	blocks := footer.vector(2, 24)
	for i := range blocks.n {
		m, err := blockAt(in, blocks, i, messageDictionary)
		if err == nil {
			err = all.add(in, m, false)
		}
		if err != nil {
			return nil, x.malformed(-1, "dictionary %d: %v", i, err)
		}
	}
	blocks = footer.vector(3, 24)
	for i := range blocks.n {
		m, err := blockAt(in, blocks, i, messageBatch)
		if err != nil {
			return nil, x.malformed(i, "%v", err)
		}
		x.batches = append(x.batches, ipcBatch{m, all})
	}
	return x.open(in, formatArrowFile, digest(raw))
}

// readSchema reads the schema message at pos.
func (x *ipcFile) readSchema(in *bytesAt, pos int64) error {
	prefix, length, err := frame(in, pos)
	if err != nil || length == 0 {
		return x.malformed(-1, "no schema where it should be")
	}
	m, err := messageAt(in, pos+prefix, length, 0)
	if err != nil {
		return x.malformed(-1, "%v", err)
	}
	if x.schema, x.nodes, err = readIPCSchema(in, m); err != nil {
		return x.malformed(-1, "%v", err)
	}
	return nil
}

// blockAt finds the message of a block of the footer.
func blockAt(in *bytesAt, blocks vector, i int, kind uint8) (message, error) {
	offset, meta, body := blocks.int64(i, 0), int64(blocks.int32(i, 8)), blocks.int64(i, 16)
	if offset < 8 || meta < 8 || body < 0 || offset > in.size || meta > in.size-offset || body > in.size-offset-meta {
		return message{}, fmt.Errorf("%d + %d bytes at %d are outside the file of %d", meta, body, offset, in.size)
	}
	prefix, length, err := frame(in, offset)
	if err != nil || prefix+length > meta {
		return message{}, fmt.Errorf("no message at %d", offset)
	}
	m, err := messageAt(in, offset+prefix, length, offset+meta)
	if err != nil {
		return message{}, err
	}
	if m.kind != kind || m.bodyLen != body {
		return message{}, fmt.Errorf("a message of kind %d and %d bytes where the footer says kind %d and %d bytes", m.kind, m.bodyLen, kind, body)
	}
	return m, nil
}

// add takes a dictionary message into account.
func (d dictionaries) add(in *bytesAt, m message, replace bool) error {
	header, _, err := m.header(in)
	if err != nil {
		return err
	}
	id, delta := header.int64(0), header.uint8(2) != 0
	switch {
	case delta && len(d[id]) == 0:
		return fmt.Errorf("adds to dictionary %d, which is not there", id)
	case delta:
		d[id] = append(d[id][:len(d[id]):len(d[id])], m) // a copy: batches before keep theirs
	case len(d[id]) > 0 && !replace:
		return fmt.Errorf("replaces dictionary %d, which a file may not", id)
	default:
		d[id] = []message{m}
	}
	return nil
}

// open makes units of the batches.
func (x *ipcFile) open(in *bytesAt, format, sum string) (*opened, error) {
	o := &opened{schema: x.schema, decoder: x, info: FileInfo{Format: format, Footer: sum}}
	for i, b := range x.batches {
		rows, bytes, err := x.measure(in, b)
		if err != nil {
			return nil, x.malformed(i, "%v", err)
		}
		o.units = append(o.units, Unit{RowGroup: i, FirstRow: firstRow(o.units), Rows: rows, Bytes: bytes})
	}
	return o, nil
}

// measure returns the rows of a batch and a bound of the memory that decoding all of it takes: the decoded buffers, the largest
// twice for its compressed form, the dictionaries, and the values that indices are replaced by. Those are taken to be twice as
// long as the dictionary's are on average; where they are longer, Read's own limit still holds.
func (x *ipcFile) measure(in *bytesAt, b ipcBatch) (rows, bytes int64, err error) {
	header, version, err := b.message.header(in)
	if err != nil {
		return 0, 0, err
	}
	meta, err := batchOf(header, version, b.message)
	if err != nil {
		return 0, 0, err
	}
	if bytes, err = meta.decodedBytes(in); err != nil || len(b.dictionaries) == 0 {
		return meta.rows, bytes, err
	}
	r := &ipcReader{in: in, batch: meta, indices: make(map[int64]int64)}
	for i := range x.nodes {
		if err := r.skip(&x.nodes[i]); err != nil {
			return 0, 0, fmt.Errorf("column %q: %w", x.schema.Field(i).Name, err)
		}
	}
	for id, messages := range b.dictionaries {
		size, count, err := x.measureDictionary(in, messages)
		if err != nil {
			return 0, 0, err
		}
		const overhead = 16 // a row's offset, bit and place in the dictionary
		more := float64(r.indices[id]) * (2*float64(size)/float64(max(count, 1)) + overhead)
		bytes = int64(min(float64(bytes)+2*float64(size)+more, math.MaxInt64/2))
	}
	return meta.rows, bytes, nil
}

// measureDictionary returns the decoded size of a dictionary and how many values it has.
func (x *ipcFile) measureDictionary(in *bytesAt, messages []message) (size, count int64, err error) {
	for _, m := range messages {
		header, version, err := m.header(in)
		if err != nil {
			return 0, 0, err
		}
		d, err := batchOf(header.table(1), version, m)
		if err != nil {
			return 0, 0, err
		}
		n, err := d.decodedBytes(in)
		if err != nil {
			return 0, 0, err
		}
		if size, count = size+n, count+d.rows; size < 0 || count < 0 || d.rows < 0 {
			return 0, 0, fmt.Errorf("a dictionary of %d values", d.rows)
		}
	}
	return size, count, nil
}

// decodedBytes sums the decoded sizes of the buffers, and the largest of them once more.
func (b *batch) decodedBytes(in *bytesAt) (sum int64, err error) {
	var largest int64
	for i := range b.buffers.n {
		n, err := b.decodedSize(in, i)
		if err != nil {
			return 0, err
		}
		if sum+n < sum {
			return 0, fmt.Errorf("more than %d bytes", sum)
		}
		sum, largest = sum+n, max(largest, n)
	}
	return sum + largest, nil
}

func (x *ipcFile) malformed(group int, format string, args ...any) *Error {
	return fault(codeMalformed, x.name, hintDamaged, "malformed: "+format, args...).in(Unit{RowGroup: group})
}
