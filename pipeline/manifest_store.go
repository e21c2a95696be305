package pipeline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"curvestream/ingest"

	"github.com/zeebo/xxh3"
)

// storedMagic begins a stored manifest; its last byte counts versions.
const storedMagic = "curvestream.manifest\x01"

// ErrOtherManifest is returned by DecodeManifest for a stored manifest that is not of the source, or not whole: scan the source instead.
var ErrOtherManifest = errors.New("pipeline: the stored manifest is of other data")

// Encode returns the manifest as bytes to be kept beside a run, so that going on with it does not scan the data again: about 20 bytes a
// sequence. about says what the scan depended on beside the files: roles, encoding, part of the data. It is nil for a source without
// end, which is not scanned.
func (m *Manifest) Encode(about string) []byte {
	if m.endless {
		return nil
	}
	b := append([]byte(storedMagic), bytesOf(storedKey(m.files, len(m.units), about))...)
	b = append(b, flagByte(m.canonical != nil))
	b = binary.AppendUvarint(b, uint64(m.dropped))
	b = binary.AppendUvarint(b, uint64(len(m.steps)))
	var last span
	for i, h := range m.hash {
		b = append(b, bytesOf(h)...)
		b = binary.AppendUvarint(b, uint64(m.steps[i]))
		spans := m.spansOf(i)
		b = binary.AppendUvarint(b, uint64(len(spans)))
		for _, s := range spans {
			b = last.appendTo(b, s)
			last = s
		}
	}
	return append(b, bytesOf(sumOf(b))...)
}

// DecodeManifest returns the manifest that Encode made of a source with the same files, wherever they lie now, and the same about. Any
// other bytes give an error that matches ErrOtherManifest. It reads nothing of the source: data that have changed although sizes, footers
// and ETags have not are found out when they are read, as a [DeliveryError].
func DecodeManifest(data []byte, src ingest.Source, about string) (*Manifest, error) {
	m := &Manifest{files: src.Fingerprint(), first: []int32{0}}
	for i := range src.Len() {
		m.units = append(m.units, src.Unit(i))
	}
	head := append([]byte(storedMagic), bytesOf(storedKey(m.files, len(m.units), about))...)
	end := len(data) - len(bytesOf(Hash{}))
	if end < len(head) || string(data[:len(head)]) != string(head) || string(data[end:]) != string(bytesOf(sumOf(data[:end]))) {
		return nil, ErrOtherManifest
	}
	r := storedReader{rest: data[len(head):end]}
	identified := r.byte() == 1
	m.dropped = r.number(math.MaxInt)
	n := r.number(math.MaxInt32)
	var last span
	for range n {
		m.hash = append(m.hash, r.hash())
		m.steps = append(m.steps, int32(r.number(math.MaxInt32)))
		for range r.number(math.MaxInt32) {
			if last = r.span(last); r.bad || !last.lies(m.units) {
				return nil, ErrOtherManifest
			}
			m.spans = append(m.spans, last)
		}
		if r.bad {
			return nil, ErrOtherManifest
		}
		m.first = append(m.first, int32(len(m.spans)))
	}
	if len(r.rest) > 0 {
		return nil, ErrOtherManifest
	}
	if identified {
		m.order()
	}
	m.seal()
	return m, nil
}

// order makes the canonical order by hash of identifier.
func (m *Manifest) order() {
	m.canonical = make([]int32, len(m.hash))
	for i := range m.canonical {
		m.canonical[i] = int32(i)
	}
	slices.SortFunc(m.canonical, func(a, b int32) int { return m.hash[a].compare(m.hash[b]) })
}

// storedKey is of everything that a scan depends on: what the files are, not where they lie.
func storedKey(files []ingest.FileInfo, units int, about string) Hash {
	h := xxh3.New128()
	for _, f := range files {
		f.Path = ""
		text, _ := json.Marshal(f) // of strings and numbers: it never fails
		_, _ = h.Write(text)       // nor does a Hasher128
	}
	_, _ = fmt.Fprintf(h, "%d %s", units, about)
	sum := h.Sum128()
	return Hash{sum.Hi, sum.Lo}
}

func sumOf(b []byte) Hash { return hashBytes(b) }

func bytesOf(h Hash) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, h.Lo), h.Hi)
}

func flagByte(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

// appendTo appends where next lies, as seen from s, the span before it.
func (s span) appendTo(b []byte, next span) []byte {
	from := int32(0)
	if next.unit == s.unit {
		from = s.hi
	}
	b = binary.AppendVarint(b, int64(next.unit)-int64(s.unit))
	b = binary.AppendVarint(b, int64(next.lo)-int64(from))
	return binary.AppendUvarint(b, uint64(next.hi-next.lo))
}

// lies reports whether the rows of a span are among those of the units.
func (s span) lies(units []ingest.Unit) bool {
	return s.unit >= 0 && int(s.unit) < len(units) && s.lo >= 0 && s.lo < s.hi && int64(s.hi) <= units[s.unit].Rows
}

// A storedReader takes a stored manifest apart. Once it is bad, all it returns is zero.
type storedReader struct {
	rest []byte
	bad  bool
}

func (r *storedReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return make([]byte, max(0, n))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *storedReader) byte() byte { return r.take(1)[0] }

func (r *storedReader) hash() Hash {
	b := r.take(16)
	return Hash{Lo: binary.LittleEndian.Uint64(b), Hi: binary.LittleEndian.Uint64(b[8:])}
}

// number returns a number from 0 to most.
func (r *storedReader) number(most int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(most) {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *storedReader) difference() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 || v > math.MaxInt32 || v < -math.MaxInt32 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// span returns the span after last.
func (r *storedReader) span(last span) span {
	unit := int64(last.unit) + r.difference()
	from := int64(0)
	if unit == int64(last.unit) {
		from = int64(last.hi)
	}
	lo := from + r.difference()
	hi := lo + int64(r.number(math.MaxInt32))
	if unit != int64(int32(unit)) || lo != int64(int32(lo)) || hi != int64(int32(hi)) {
		r.bad = true
		return last
	}
	return span{int32(unit), int32(lo), int32(hi)}
}
