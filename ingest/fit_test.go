package ingest

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

// scanSource fits all units of a source.
func scanSource(t *testing.T, src Source, o RoleOptions) (*Encoding, Roles, []*UnitScan) {
	t.Helper()
	f, err := NewFitter(src.Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	var scans []*UnitScan
	for i := range src.Len() {
		rec, err := src.Read(t.Context(), i, f.Columns())
		if err != nil {
			t.Fatal(err)
		}
		u, err := f.Scan(src.Unit(i), rec)
		rec.Release()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Merge(u); err != nil {
			t.Fatal(err)
		}
		scans = append(scans, u)
	}
	e, err := f.Encoding()
	if err != nil {
		t.Fatal(err)
	}
	return e, f.Roles(), scans
}

func openShared(t *testing.T, path ...string) Source {
	t.Helper()
	src, err := Open(t.Context(), []string{shared.Dir(t, path...)}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// Real files are encoded as their tasks want.
func TestRealFiles(t *testing.T) {
	width88 := RoleOptions{Encode: map[string]ColumnEncoding{"pitches": {Width: 88}}}
	speaker := RoleOptions{Targets: []string{"speaker"}}
	pixels := RoleOptions{Layout: Flat, Inputs: []string{"pixels"}, Targets: []string{"pixels"}, Loss: "logistic_cross_entropy", Encode: map[string]ColumnEncoding{"pixels": {Scale: []float64{255}}}}
	for _, test := range []struct {
		path      []string
		o         RoleOptions
		sequences int
		want      string
	}{
		{[]string{"data", "jsb_chorales_train.parquet"}, width88, 229, "nested next logistic_cross_entropy 88 -> 88 sparse=true"},
		{[]string{"data", "nottingham_valid.parquet"}, width88, 173, "nested next logistic_cross_entropy 88 -> 88 sparse=true"},
		{[]string{"data", "japanese_vowels_train.parquet"}, speaker, 270, "nested last softmax_cross_entropy 12 -> 9 sparse=false"},
		{[]string{"data", "japanese_vowels_train_long.parquet"}, speaker, 270, "long last softmax_cross_entropy 12 -> 9 sparse=false"},
		{[]string{"data", "shakespeare_valid.parquet"}, RoleOptions{}, 223, "nested next softmax_cross_entropy"},
		{[]string{"data", "mnist_t10k.parquet"}, pixels, 10000, "flat each logistic_cross_entropy 784 -> 784 sparse=false"},
		{[]string{"data", "mnist_t10k.parquet"}, RoleOptions{Layout: Flat}, 10000, "flat each softmax_cross_entropy 784 -> 10 sparse=false"},
		{[]string{"problems", "adding30.parquet"}, RoleOptions{}, 1000, "nested last squared_error 2 -> 1 sparse=false"},
		{[]string{"problems", "autoencoder.parquet"}, pixels, 1000, "flat each logistic_cross_entropy 784 -> 784 sparse=false"},
	} {
		t.Run(strings.Join(test.path, "/")+fmt.Sprint(test.o.Layout), func(t *testing.T) {
			e, _, scans := scanSource(t, openShared(t, test.path...), test.o)
			if got := fmt.Sprintf("%s %s %s %d -> %d sparse=%v", e.Layout, e.Form, e.Loss, e.In, e.Out, e.SparseInputs); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
			ids := map[string]bool{}
			for _, u := range scans {
				for _, s := range u.Spans {
					ids[s.ID] = true
				}
			}
			if len(ids) != test.sequences {
				t.Errorf("%d sequences, want %d", len(ids), test.sequences)
			}
		})
	}
}

// The nested and the long file of the same data give the same sequences.
func TestNestedAndLongAgree(t *testing.T) {
	var all [2]map[string]*Sequence[float64]
	for i, name := range []string{"japanese_vowels_train.parquet", "japanese_vowels_train_long.parquet"} {
		src := openShared(t, "data", name)
		e, _, scans := scanSource(t, src, RoleOptions{Targets: []string{"speaker"}, Normalize: "zscore"})
		enc, err := NewEncoder[float64](src.Schema(), e)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = map[string]*Sequence[float64]{}
		for u, scan := range scans {
			rec, err := src.Read(t.Context(), u, enc.Columns())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range scan.Spans {
				if all[i][s.ID] == nil {
					all[i][s.ID] = &Sequence[float64]{}
				}
				if err := enc.Append(all[i][s.ID], rec, s.Lo, s.Hi, src.Unit(u)); err != nil {
					t.Fatal(err)
				}
			}
			rec.Release()
		}
		for _, s := range all[i] {
			if err := enc.Finish(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(all[0]) != 270 || len(all[1]) != 270 {
		t.Fatalf("%d and %d sequences", len(all[0]), len(all[1]))
	}
	for id, a := range all[0] {
		b := all[1][id]
		if b == nil || a.Length != b.Length || !reflect.DeepEqual(a.Class, b.Class) {
			t.Fatalf("sequence %s differs: %v, %v", id, a, b)
		}
		for k := range a.Dense {
			if math.Abs(a.Dense[k]-b.Dense[k]) > 1e-9 { // moments are merged over other units
				t.Fatalf("sequence %s: value %d is %g and %g", id, k, a.Dense[k], b.Dense[k])
			}
		}
	}
}
