// Package safetensors reads and writes tensors by name in the safetensors format: eight bytes of header length, a JSON
// header, and the values, little-endian, in C order.
package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"sort"

	"curvestream/accel"
)

// headerLimit bounds the header, so that eight foreign bytes cannot ask for all memory.
const headerLimit = 100 << 20

// A Tensor is a named array of one element type.
type Tensor[F accel.Float] struct {
	Name  string
	Shape []int // its product is len(Data)
	Data  []F
}

type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// Encode returns a file that holds the tensors, in the order given, and the metadata.
func Encode[F accel.Float](tensors []Tensor[F], metadata map[string]string) ([]byte, error) {
	header := map[string]any{}
	if len(metadata) > 0 {
		header["__metadata__"] = metadata
	}
	dtype, width := typeOf[F]()
	var end int64
	for _, t := range tensors {
		if _, twice := header[t.Name]; twice {
			return nil, fmt.Errorf("safetensors: two tensors are called %q", t.Name)
		}
		if size(t.Shape) != int64(len(t.Data)) {
			return nil, fmt.Errorf("safetensors: %s has shape %v and %d values", t.Name, t.Shape, len(t.Data))
		}
		start := end
		end += int64(len(t.Data)) * width
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		header[t.Name] = entry{dtype, shape, [2]int64{start, end}}
	}
	head, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	out := make([]byte, 0, 8+int64(len(head))+end)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(head)))
	out = append(out, head...)
	for _, t := range tensors {
		out = appendValues(out, t.Data)
	}
	return out, nil
}

// A File is an opened file of tensors. All of it is in memory.
type File struct {
	Metadata map[string]string
	entries  map[string]entry
	values   []byte
}

// Open reads a file and checks its structure: every tensor inside the file, none overlapping, no bytes unaccounted for.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", path, err)
	}
	file, err := Decode(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// Decode is Open for content in memory, which the File keeps.
func Decode(content []byte) (*File, error) {
	if len(content) < 8 {
		return nil, fmt.Errorf("safetensors: %d bytes are too few for a header", len(content))
	}
	n := binary.LittleEndian.Uint64(content)
	if n > headerLimit || n > uint64(len(content)-8) {
		return nil, fmt.Errorf("safetensors: the header claims %d bytes, the file has %d", n, len(content))
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(content[8:8+n], &raw); err != nil {
		return nil, fmt.Errorf("safetensors: header: %w", err)
	}
	f := &File{entries: map[string]entry{}, values: content[8+n:]}
	if m, ok := raw["__metadata__"]; ok {
		if err := json.Unmarshal(m, &f.Metadata); err != nil {
			return nil, fmt.Errorf("safetensors: metadata: %w", err)
		}
		delete(raw, "__metadata__")
	}
	for name, r := range raw {
		var e entry
		if err := json.Unmarshal(r, &e); err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		f.entries[name] = e
	}
	return f, f.check()
}

// check walks the tensors in order of their offsets.
func (f *File) check() error {
	names := f.Names()
	sort.Slice(names, func(i, j int) bool {
		a, b := f.entries[names[i]].Offsets, f.entries[names[j]].Offsets
		return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
	})
	var end int64
	for _, name := range names {
		e := f.entries[name]
		if e.Offsets[0] != end || e.Offsets[1] < end {
			return fmt.Errorf("safetensors: tensor %q spans bytes %d to %d, expected it to start at %d", name, e.Offsets[0], e.Offsets[1], end)
		}
		end = e.Offsets[1]
		if w, ok := widths[e.DType]; ok && (size(e.Shape) < 0 || size(e.Shape) != (e.Offsets[1]-e.Offsets[0])/w || (e.Offsets[1]-e.Offsets[0])%w != 0) {
			return fmt.Errorf("safetensors: tensor %q of shape %v (%s) has %d bytes", name, e.Shape, e.DType, e.Offsets[1]-e.Offsets[0])
		}
	}
	if end != int64(len(f.values)) {
		return fmt.Errorf("safetensors: tensors end at byte %d of %d: the file is cut or has a tail", end, len(f.values))
	}
	return nil
}

// Names returns the names of the tensors, sorted.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.entries))
	for name := range f.entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Shape returns the shape of a tensor, and whether it exists.
func (f *File) Shape(name string) ([]int, bool) {
	e, ok := f.entries[name]
	return e.Shape, ok
}

// Values returns the values of a tensor of type F32 or F64, rounded to F where it is narrower.
func Values[F accel.Float](f *File, name string) ([]F, error) {
	e, ok := f.entries[name]
	if !ok {
		return nil, fmt.Errorf("safetensors: no tensor %q (there are %v)", name, f.Names())
	}
	b := f.values[e.Offsets[0]:e.Offsets[1]]
	switch e.DType {
	case "F32":
		out := make([]F, len(b)/4)
		for i := range out {
			out[i] = F(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		}
		return out, nil
	case "F64":
		out := make([]F, len(b)/8)
		for i := range out {
			out[i] = F(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		}
		return out, nil
	}
	return nil, fmt.Errorf("safetensors: tensor %q has type %s; F32 and F64 are read", name, e.DType)
}

var widths = map[string]int64{"F32": 4, "F64": 8}

func typeOf[F accel.Float]() (name string, width int64) {
	var zero F
	if _, ok := any(zero).(float32); ok {
		return "F32", 4
	}
	return "F64", 8
}

// size returns the product of the shape, or -1 if it is negative or does not fit.
func size(shape []int) int64 {
	n := int64(1)
	for _, s := range shape {
		if s < 0 || s > 0 && n > math.MaxInt64/int64(s) {
			return -1
		}
		n *= int64(s)
	}
	return n
}

func appendValues[F accel.Float](out []byte, data []F) []byte {
	switch data := any(data).(type) {
	case []float32:
		for _, x := range data {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
		}
	case []float64:
		for _, x := range data {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
		}
	}
	return out
}
