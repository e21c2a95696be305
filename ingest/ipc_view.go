package ingest

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A view is 16 bytes: a length, and up to 12 bytes of the value itself, or the number of a buffer and an offset in it.
const (
	viewSize   = 16
	viewInline = 12
)

// readViews reads a column of string or binary views as strings or binaries.
func (r *ipcReader) readViews(n *node, length, nulls int, mem *lease) (arrow.Array, error) {
	var bitmap *memory.Buffer
	var err error
	if nulls == 0 {
		r.buffer++
	} else if bitmap, err = r.nextBuffer(mem, math.MaxInt64); err != nil {
		return nil, err
	}
	views, err := r.nextBuffer(r.w.scratch, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	more, err := r.nextVariadic()
	if err != nil {
		return nil, err
	}
	data := make([][]byte, more)
	for i := range data {
		b, err := r.nextBuffer(r.w.scratch, math.MaxInt64) // given back with the scratch, as views is
		if err != nil {
			return nil, err
		}
		data[i] = b.Bytes()
	}
	if views.Len() < length*viewSize {
		return nil, fmt.Errorf("%d bytes for %d views", views.Len(), length)
	}
	values := make([][]byte, length)
	var total int64
	for i := range values {
		if bitmap != nil && !isSet(bitmap.Bytes(), i) {
			continue
		}
		if values[i], err = viewed(views.Bytes()[i*viewSize:], data); err != nil {
			return nil, err
		}
		total += int64(len(values[i]))
	}
	if total > math.MaxInt32 {
		return nil, fmt.Errorf("%d bytes of strings in one batch", total)
	}
	offsets, chars := memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem)
	offsets.Resize(4 * (length + 1))
	chars.Resize(int(total))
	to := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	for i, v := range values {
		to[i+1] = to[i] + int32(copy(chars.Bytes()[to[i]:], v))
	}
	d := array.NewData(readAs(n.stored), length, []*memory.Buffer{bitmap, offsets, chars}, nil, nulls, 0)
	defer d.Release()
	memory.ReleaseBuffers([]*memory.Buffer{bitmap, offsets, chars})
	if err := validate(d); err != nil {
		return nil, err
	}
	return array.MakeFromData(d), nil
}

// isSet tells whether bit i is set; a bitmap that is too short has none, which validate finds.
func isSet(bitmap []byte, i int) bool { return i/8 < len(bitmap) && bitmap[i/8]&(1<<(i%8)) != 0 }

// viewed returns the bytes that a view stands for.
func viewed(view []byte, data [][]byte) ([]byte, error) {
	length := int64(int32(binary.LittleEndian.Uint32(view)))
	if length < 0 {
		return nil, fmt.Errorf("a view of %d bytes", length)
	}
	if length <= viewInline {
		return view[4 : 4+length], nil
	}
	k, offset := int64(int32(binary.LittleEndian.Uint32(view[8:]))), int64(int32(binary.LittleEndian.Uint32(view[12:])))
	if k < 0 || k >= int64(len(data)) || offset < 0 || offset+length > int64(len(data[k])) {
		return nil, fmt.Errorf("a view of %d bytes at %d of buffer %d", length, offset, k)
	}
	return data[k][offset : offset+length], nil
}
