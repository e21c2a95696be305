package ingest

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkAppend encodes sequences of common types; MB/s are of decoded values. It allocates nothing a value, and nothing at all
// once its buffers have grown, but the id.
func BenchmarkAppend(b *testing.B) {
	var pairs, pixels, notes []string
	for i := range 200 {
		pairs = append(pairs, fmt.Sprintf("[%d.5,%d]", i, i%2))
		notes = append(notes, fmt.Sprintf("[%d,%d,%d]", i%40, 40+i%20, 60+i%28))
	}
	for i := range 784 {
		pixels = append(pixels, fmt.Sprint(i%256))
	}
	text := strings.Repeat("to be, or not to be: that is the question. ", 12)
	for _, test := range []struct {
		name  string
		o     RoleOptions
		bytes int64
		rows  []string
		types []any
	}{
		{"x=lists of float32", RoleOptions{}, 4 * 400, []string{`{"id":1,"x":[` + strings.Join(pairs, ",") + `],"y":1}`}, []any{"id", i64, "x", lists(f32), "y", f32}},
		{"x=pixels", RoleOptions{Layout: Flat, Encode: map[string]ColumnEncoding{"x": {Scale: []float64{255}}}}, 784, []string{`{"id":1,"x":[` + strings.Join(pixels, ",") + `],"y":1}`}, []any{"id", i64, "x", list(u8), "y", f32}},
		{"x=active indices", RoleOptions{}, 600, []string{`{"id":1,"x":[[],` + strings.Join(notes, ",") + `]}`}, []any{"id", i64, "x", lists(i8)}},
		{"x=text", RoleOptions{}, int64(len(text)), []string{`{"id":1,"x":"` + text + `"}`}, []any{"id", i64, "x", str}},
	} {
		b.Run(test.name, func(b *testing.B) {
			schema := schemaOf(test.types...)
			rec := rowsOf(b, schema, test.rows...)
			e, _, _, err := fitAll(schema, test.o, rec)
			if err != nil {
				b.Fatal(err)
			}
			enc, err := NewEncoder[float32](schema, e)
			if err != nil {
				b.Fatal(err)
			}
			part := pick(rec, enc.Columns())
			var seq Sequence[float32]
			b.SetBytes(test.bytes)
			b.ReportAllocs()
			for b.Loop() {
				seq.Length = 0
				if err := enc.Append(&seq, part, 0, 1, Unit{}); err != nil {
					b.Fatal(err)
				}
				if err := enc.Finish(&seq); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
