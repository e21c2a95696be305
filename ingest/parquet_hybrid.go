package ingest

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A hybrid decodes Parquet's RLE/bit-packing hybrid: runs of one value, and groups of eight packed values. Levels and indices into
// dictionaries are stored so.
type hybrid[T uint8 | uint32] struct {
	src   []byte
	width int // bits of a value

	run    int // values left of the current run
	packed bool
	value  T      // of a run of one value
	group  [8]T   // unpacked, of a packed run
	used   int    // of the group
	bits   []byte // of a packed run, groups not unpacked yet
}

// reset starts with the first run of src.
func (h *hybrid[T]) reset(src []byte, width int) error {
	*h = hybrid[T]{src: src, width: width, used: 8}
	var t T
	if limit := bits.Len64(uint64(^t)); width > limit {
		return fmt.Errorf("values of %d bits, where at most %d are possible", width, limit)
	}
	return nil
}

// read fills dst, or fails where the values end before.
func (h *hybrid[T]) read(dst []T) error {
	for len(dst) > 0 {
		if h.run == 0 {
			if err := h.next(); err != nil {
				return err
			}
			continue
		}
		n := min(h.run, len(dst))
		if h.packed {
			h.unpack(dst[:n])
		} else {
			fillRun(dst[:n], h.value)
		}
		h.run -= n
		dst = dst[n:]
	}
	return nil
}

func fillRun[T uint8 | uint32](dst []T, value T) {
	for i := range dst {
		dst[i] = value
	}
}

// next reads the header of a run, and its value where it is one of one value.
func (h *hybrid[T]) next() error {
	header, n := binary.Uvarint(h.src)
	if n <= 0 || header>>1 > 1<<31 {
		return errRuns
	}
	h.src = h.src[n:]
	count := int(header >> 1)
	if h.packed = header&1 == 1; h.packed {
		// The last run may be cut off behind the last value that is wanted.
		size := min(count*h.width, len(h.src))
		h.bits, h.src, h.used, h.run = h.src[:size], h.src[size:], 8, 8*count
		if h.width > 0 {
			h.run = min(h.run, size*8/h.width)
		}
		if h.run == 0 && count > 0 {
			return errRuns
		}
		return nil
	}
	size := (h.width + 7) / 8
	if size > len(h.src) {
		return errRuns
	}
	var v uint32
	for i := range size {
		v |= uint32(h.src[i]) << (8 * i)
	}
	h.src, h.value, h.run = h.src[size:], T(v), count
	return nil
}

// errRuns is that runs of values end early.
var errRuns = fmt.Errorf("its runs of levels or indices are cut short or malformed")

// unpack reads values of a packed run: whole groups at once where dst has room.
func (h *hybrid[T]) unpack(dst []T) {
	for len(dst) > 0 {
		if h.used == 8 {
			if len(dst) >= 8 && len(h.bits) >= max(h.width, 8) {
				dst = dst[8*h.wholeGroups(dst):]
				continue
			}
			var padded [40]byte // a group has at most 32 bytes, and is read in words
			n := copy(padded[:h.width], h.bits)
			h.bits = h.bits[n:]
			unpackGroup(&h.group, padded[:], h.width)
			h.used = 0
		}
		n := copy(dst, h.group[h.used:])
		h.used += n
		dst = dst[n:]
	}
}

// wholeGroups unpacks groups straight into dst, as far as there are bytes enough to read them in words. It returns how many.
func (h *hybrid[T]) wholeGroups(dst []T) (n int) {
	for len(dst) >= 8 && len(h.bits) >= max(h.width, 8) {
		if h.width > 8 && len(h.bits) < h.width+8 {
			var padded [40]byte
			copy(padded[:], h.bits[:h.width])
			unpackGroup((*[8]T)(dst), padded[:], h.width)
		} else {
			unpackGroup((*[8]T)(dst), h.bits, h.width)
		}
		h.bits = h.bits[h.width:]
		dst = dst[8:]
		n++
	}
	return n
}

// unpackGroup unpacks eight values of width bits. Of widths up to 8 it reads 8 bytes of src, of others width+8.
func unpackGroup[T uint8 | uint32](dst *[8]T, src []byte, width int) {
	mask := uint64(1)<<width - 1
	if width <= 8 {
		v := binary.LittleEndian.Uint64(src)
		for i := range dst {
			dst[i] = T(v & mask)
			v >>= width
		}
		return
	}
	for i := range dst {
		at := i * width
		dst[i] = T(binary.LittleEndian.Uint64(src[at>>3:]) >> (at & 7) & mask)
	}
}
