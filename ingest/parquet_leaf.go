package ingest

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// A leaf collects the values of one column. Its methods are called page by page, with what the page holds: values without nulls;
// spread then makes room for the nulls.
type leaf interface {
	// reserve makes room for n values, or so many as are likely.
	reserve(n int)
	// dictionary keeps the n values of a dictionary page, which are copied.
	dictionary(src []byte, n int) error
	// plain appends n values.
	plain(src []byte, n int) error
	// split appends n values whose first bytes lie together, then their second ones, and so on.
	split(src []byte, n int) error
	// indexed appends n values of the dictionary.
	indexed(indices *hybrid[uint32], n int) error
	// spread moves the last present values to their places among the levels: a place for each d ≥ filled, a value for each d = most.
	spread(def []uint8, filled, most uint8, present, places int)
	// finish returns the buffers of an array behind its validity. The caller releases them.
	finish() []*memory.Buffer
	// release gives back what is left.
	release()
}

// leafFor returns the leaf for values of a physical type as an Arrow type, or nil where there is none.
func leafFor(d *schema.Column, t arrow.DataType, w *workspace) leaf {
	switch physical := d.PhysicalType(); t.ID() {
	case arrow.INT8, arrow.UINT8:
		if physical == parquet.Types.Int32 {
			return newFixedLeaf[uint8](4, w)
		}
	case arrow.INT16, arrow.UINT16:
		if physical == parquet.Types.Int32 {
			return newFixedLeaf[uint16](4, w)
		}
	case arrow.FLOAT16:
		if physical == parquet.Types.FixedLenByteArray && d.TypeLength() == 2 {
			return newFixedLeaf[uint16](2, w)
		}
	case arrow.INT32, arrow.UINT32, arrow.DATE32, arrow.TIME32, arrow.FLOAT32:
		if physical == parquet.Types.Int32 || physical == parquet.Types.Float {
			return newFixedLeaf[uint32](4, w)
		}
	case arrow.INT64, arrow.UINT64, arrow.TIME64, arrow.TIMESTAMP, arrow.FLOAT64:
		if physical == parquet.Types.Int64 || physical == parquet.Types.Double {
			return newFixedLeaf[uint64](8, w)
		}
	case arrow.BOOL:
		if physical == parquet.Types.Boolean {
			return &boolLeaf{values: memory.NewResizableBuffer(w.record)}
		}
	case arrow.STRING, arrow.BINARY:
		if physical == parquet.Types.ByteArray {
			return newBytesLeaf(w)
		}
	}
	return nil
}

// bufferOf returns the content of a buffer, which begins at a multiple of 64 bytes, as values of T.
func bufferOf[T any](b *memory.Buffer) []T {
	var t T
	data := b.Bytes()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data))/unsafe.Sizeof(t))
}

// A cell is the bits of a value of fixed width, whatever they mean.
type cell interface {
	uint8 | uint16 | uint32 | uint64
}

// A fixedLeaf collects values of a width. In the file each has stored bytes: those of an Arrow type of 8 or 16 bits have four.
type fixedLeaf[T cell] struct {
	stored int
	values *memory.Buffer
	n      int
	dict   *memory.Buffer
	mem    *lease // of values
}

func newFixedLeaf[T cell](stored int, w *workspace) *fixedLeaf[T] {
	return &fixedLeaf[T]{stored: stored, dict: memory.NewResizableBuffer(w.scratch), mem: w.record}
}

func (l *fixedLeaf[T]) width() int {
	var t T
	return int(unsafe.Sizeof(t))
}

func (l *fixedLeaf[T]) reserve(n int) { l.values = l.mem.uncleared(n * l.width()) } // the pages write all of it, nulls included

func (l *fixedLeaf[T]) dictionary(src []byte, n int) error {
	if n > len(src)/l.stored {
		return fmt.Errorf("a dictionary of %d bytes for %d values", len(src), n)
	}
	l.dict.ResizeNoShrink(n * l.width())
	l.copy(bufferOf[T](l.dict), src)
	return nil
}

// copy reads stored values; little-endian as Parquet is, and as everything that Go's Arrow runs on.
func (l *fixedLeaf[T]) copy(dst []T, src []byte) {
	if l.stored == l.width() {
		if len(dst) > 0 {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), len(dst)*l.width()), src)
		}
		return
	}
	for i := range dst {
		dst[i] = T(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

// room returns the places of the next n values.
func (l *fixedLeaf[T]) room(n int) ([]T, error) {
	all := bufferOf[T](l.values)
	if n > len(all)-l.n {
		return nil, errTooMany
	}
	l.n += n
	return all[l.n-n : l.n], nil
}

// errTooMany is that pages have more values than the footer says.
var errTooMany = fmt.Errorf("its pages have more values than the footer says")

func (l *fixedLeaf[T]) plain(src []byte, n int) error {
	if n > len(src)/l.stored {
		return errShortPage(len(src), n)
	}
	dst, err := l.room(n)
	if err == nil {
		l.copy(dst, src)
	}
	return err
}

func (l *fixedLeaf[T]) split(src []byte, n int) error {
	if n*l.stored != len(src) {
		return errShortPage(len(src), n)
	}
	dst, err := l.room(n)
	if err != nil {
		return err
	}
	for k := range l.width() {
		for i, b := range src[k*n:][:n] {
			if k == 0 {
				dst[i] = 0
			}
			dst[i] |= T(b) << (8 * k)
		}
	}
	return nil
}

func errShortPage(bytes, values int) error {
	return fmt.Errorf("a page with %d bytes for %d values", bytes, values)
}

func (l *fixedLeaf[T]) indexed(indices *hybrid[uint32], n int) error {
	dst, err := l.room(n)
	if err != nil {
		return err
	}
	dict := bufferOf[T](l.dict)
	var block [512]uint32
	for len(dst) > 0 {
		some := block[:min(len(block), len(dst))]
		if err := indices.read(some); err != nil {
			return err
		}
		for i, k := range some {
			if int(k) >= len(dict) {
				return errIndex(k, len(dict))
			}
			dst[i] = dict[k]
		}
		dst = dst[len(some):]
	}
	return nil
}

func errIndex(k uint32, n int) error {
	return fmt.Errorf("value %d of a dictionary of %d", k, n)
}

func (l *fixedLeaf[T]) spread(def []uint8, filled, most uint8, present, places int) {
	all := bufferOf[T](l.values)
	from, to := l.n, l.n-present+places
	l.n = to
	for i := len(def) - 1; to > from; i-- {
		if def[i] < filled {
			continue
		}
		to--
		if def[i] == most {
			from--
			all[to] = all[from]
		} else {
			all[to] = 0
		}
	}
}

func (l *fixedLeaf[T]) finish() []*memory.Buffer {
	l.values.ResizeNoShrink(l.n * l.width())
	values := l.values
	l.values = nil
	return []*memory.Buffer{values}
}

func (l *fixedLeaf[T]) release() { releaseAll(l.values, l.dict) }

// A boolLeaf collects bits.
type boolLeaf struct {
	values *memory.Buffer
	n      int
	total  int
}

func (l *boolLeaf) reserve(n int) { l.values.Resize((n + 7) / 8); l.total = n }

func (l *boolLeaf) dictionary([]byte, int) error { return errUncovered }

func (l *boolLeaf) split([]byte, int) error { return errUncovered }

func (l *boolLeaf) indexed(*hybrid[uint32], int) error { return errUncovered }

func (l *boolLeaf) plain(src []byte, n int) error {
	if n > len(src)*8 {
		return errShortPage(len(src), n)
	}
	if n > l.total-l.n {
		return errTooMany
	}
	if n > 0 {
		bitutil.CopyBitmap(src, 0, n, l.values.Bytes(), l.n)
	}
	l.n += n
	return nil
}

func (l *boolLeaf) spread(def []uint8, filled, most uint8, present, places int) {
	all := l.values.Bytes()
	from, to := l.n, l.n-present+places
	l.n = to
	for i := len(def) - 1; to > from; i-- {
		if def[i] < filled {
			continue
		}
		to--
		there := def[i] == most
		if there {
			from--
		}
		bitutil.SetBitTo(all, to, there && bitutil.BitIsSet(all, from))
	}
}

func (l *boolLeaf) finish() []*memory.Buffer {
	l.values.ResizeNoShrink((l.n + 7) / 8)
	values := l.values
	l.values = nil
	return []*memory.Buffer{values}
}

func (l *boolLeaf) release() { releaseAll(l.values) }

// A bytesLeaf collects strings.
type bytesLeaf struct {
	offsets, data *memory.Buffer
	n             int
	dict, ends    *memory.Buffer // of the dictionary: its page, and where each value lies: two uint32 a value
}

func newBytesLeaf(w *workspace) *bytesLeaf {
	return &bytesLeaf{offsets: memory.NewResizableBuffer(w.record), data: memory.NewResizableBuffer(w.record),
		dict: memory.NewResizableBuffer(w.scratch), ends: memory.NewResizableBuffer(w.scratch)}
}

func (l *bytesLeaf) reserve(n int) {
	l.offsets.Resize(4 * (n + 1))
	bufferOf[int32](l.offsets)[0] = 0
}

func (l *bytesLeaf) dictionary(src []byte, n int) error {
	if n > len(src)/4 {
		return fmt.Errorf("a dictionary of %d bytes for %d strings", len(src), n)
	}
	l.dict.ResizeNoShrink(len(src))
	copy(l.dict.Bytes(), src)
	l.ends.ResizeNoShrink(8 * n)
	ends := bufferOf[uint32](l.ends)
	for i, at := 0, 0; i < n; i++ {
		size, ok := stringSize(src, at)
		if !ok {
			return errShortPage(len(src), n)
		}
		ends[2*i], ends[2*i+1] = uint32(at+4), uint32(at+4+size)
		at += 4 + size
	}
	return nil
}

// stringSize returns the size of the string that begins with its length at src[at:].
func stringSize(src []byte, at int) (int, bool) {
	if at+4 > len(src) {
		return 0, false
	}
	size := int(binary.LittleEndian.Uint32(src[at:]))
	return size, size <= len(src)-at-4
}

// append adds one string.
func (l *bytesLeaf) append(b []byte) error {
	offsets := bufferOf[int32](l.offsets)
	if l.n+1 >= len(offsets) {
		return errTooMany
	}
	have := l.data.Len()
	if len(b) > math.MaxInt32-have {
		return fmt.Errorf("more than %d bytes of strings in a row group", math.MaxInt32)
	}
	if have+len(b) > l.data.Cap() {
		l.data.Reserve(2 * (have + len(b)))
	}
	l.data.ResizeNoShrink(have + len(b))
	copy(l.data.Bytes()[have:], b)
	l.n++
	offsets[l.n] = int32(have + len(b))
	return nil
}

func (l *bytesLeaf) plain(src []byte, n int) error {
	for i, at := 0, 0; i < n; i++ {
		size, ok := stringSize(src, at)
		if !ok {
			return errShortPage(len(src), n)
		}
		if err := l.append(src[at+4 : at+4+size]); err != nil {
			return err
		}
		at += 4 + size
	}
	return nil
}

func (l *bytesLeaf) split([]byte, int) error { return errUncovered }

func (l *bytesLeaf) indexed(indices *hybrid[uint32], n int) error {
	dict, ends := l.dict.Bytes(), bufferOf[uint32](l.ends)
	var block [512]uint32
	for n > 0 {
		some := block[:min(len(block), n)]
		if err := indices.read(some); err != nil {
			return err
		}
		for _, k := range some {
			if int(k) >= len(ends)/2 {
				return errIndex(k, len(ends)/2)
			}
			if err := l.append(dict[ends[2*k]:ends[2*k+1]]); err != nil {
				return err
			}
		}
		n -= len(some)
	}
	return nil
}

func (l *bytesLeaf) spread(def []uint8, filled, most uint8, present, places int) {
	offsets := bufferOf[int32](l.offsets)
	from, to := l.n, l.n-present+places
	l.n = to
	for i := len(def) - 1; to > from; i-- {
		if def[i] < filled {
			continue
		}
		offsets[to] = offsets[from] // the end of value to−1: of the value itself, or of the one before a null
		to--
		if def[i] == most {
			from--
		}
	}
}

func (l *bytesLeaf) finish() []*memory.Buffer {
	l.offsets.ResizeNoShrink(4 * (l.n + 1))
	buffers := []*memory.Buffer{l.offsets, l.data}
	l.offsets, l.data = nil, nil
	return buffers
}

func (l *bytesLeaf) release() { releaseAll(l.offsets, l.data, l.dict, l.ends) }
