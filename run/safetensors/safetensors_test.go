package safetensors

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

func TestRoundTrip(t *testing.T) {
	in := []Tensor[float32]{
		{"W_hh", []int{2, 3}, []float32{1, -2, float32(math.NaN()), 4, 5, math.SmallestNonzeroFloat32}},
		{"h_0", []int{3}, []float32{7, 8, 9}},
		{"empty", []int{0, 4}, nil},
		{"scalar", nil, []float32{3}},
	}
	content, err := Encode(in, map[string]string{"format": "curvestream"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Decode(content)
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["format"] != "curvestream" || len(f.Names()) != len(in) {
		t.Errorf("metadata %v, names %v", f.Metadata, f.Names())
	}
	for _, want := range in {
		got, err := Values[float32](f, want.Name)
		shape, _ := f.Shape(want.Name)
		if err != nil || !slices.Equal(shape, want.Shape) && len(shape)+len(want.Shape) > 0 {
			t.Errorf("%s: shape %v, %v", want.Name, shape, err)
		}
		for i := range want.Data {
			if math.Float32bits(got[i]) != math.Float32bits(want.Data[i]) {
				t.Errorf("%s[%d] = %v, want %v", want.Name, i, got[i], want.Data[i])
			}
		}
	}
	if wide, err := Values[float64](f, "h_0"); err != nil || !slices.Equal(wide, []float64{7, 8, 9}) {
		t.Errorf("widened: %v, %v", wide, err)
	}
	if _, err := Values[float64](f, "h_1"); err == nil {
		t.Error("an absent tensor was read")
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, bad := range [][]Tensor[float64]{
		{{"a", []int{2}, []float64{1}}},
		{{"a", []int{1}, []float64{1}}, {"a", []int{1}, []float64{1}}},
	} {
		if _, err := Encode(bad, nil); err == nil {
			t.Errorf("%v was written", bad)
		}
	}
}

// file builds a file from a header as text and n bytes of values.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestDecodeRefuses(t *testing.T) {
	good := `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`
	if _, err := Decode(file(good, 12)); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":         nil,
		"huge header":   binary.LittleEndian.AppendUint64(nil, math.MaxUint64),
		"header cut":    file(good, 12)[:40],
		"values cut":    file(good, 11),
		"tail":          file(good, 13),
		"not json":      file(`{"a"`, 0),
		"overlap":       file(strings.Replace(good, "[8,12]", "[4,8]", 1), 12),
		"hole":          file(strings.Replace(good, "[8,12]", "[12,16]", 1), 16),
		"backwards":     file(strings.Replace(good, "[0,8]", "[8,0]", 1), 12),
		"shape":         file(strings.Replace(good, "[2]", "[3]", 1), 12),
		"negative":      file(strings.Replace(good, "[2]", "[-2]", 1), 12),
		"overflow":      file(strings.Replace(good, "[2]", "[4294967296,4294967296]", 1), 12),
		"metadata kind": file(`{"__metadata__":{"a":1}}`, 0),
	} {
		if _, err := Decode(content); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if f, err := Decode(file(`{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, 8)); err != nil {
		t.Error(err)
	} else if _, err := Values[float32](f, "a"); err == nil {
		t.Error("I64 was read as F32")
	}
}

func FuzzDecode(f *testing.F) {
	content, err := Encode([]Tensor[float32]{{"a", []int{2}, []float32{1, 2}}}, map[string]string{"k": "v"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Decode(content)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			Values[float32](file, name) // must not panic; other types are errors
		}
	})
}

func TestReadsFilesOfOtherWriters(t *testing.T) {
	f, err := Open(filepath.Join(shared.Dir(t, "problems"), "adding30_init.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"W_hh", "W_xh", "W_zh", "h_0"}; !slices.Equal(f.Names(), want) {
		t.Errorf("names %v, want %v", f.Names(), want)
	}
	w, err := Values[float64](f, "W_hh")
	if err != nil || len(w) != 2500 {
		t.Errorf("W_hh has %d values, %v", len(w), err)
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}
