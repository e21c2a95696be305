package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// sourceOf makes a Parquet file of the rows, two a row group, and opens it.
func sourceOf(t *testing.T, schema *arrow.Schema, rows ...string) Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.parquet")
	w, err := NewWriter(path, WriteOptions{Schema: schema, RowGroupRows: 2})
	if err != nil {
		t.Fatal(err)
	}
	rec := rowsOf(t, schema, rows...)
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	src, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

var (
	mixed     = func() *arrow.Schema { return schemaOf("id", i64, "x", list(f64), "kind", str, "y", list(f64)) }
	mixedRows = []string{
		`{"id":1,"x":[1,2],"kind":"a","y":[1,2]}`,
		`{"id":2,"x":[1,2,3],"kind":"b","y":[1,2]}`,
		`{"id":3,"x":[1,null],"kind":"a","y":[1,2]}`,
		`{"id":4,"x":[4,5,6,7],"kind":"c","y":[1,2,3,4]}`,
		`{"id":5,"x":[1],"kind":"a","y":[]}`,
	}
)

// Validation goes on after flaws, counts each kind and lists no more than was asked for.
func TestValidate(t *testing.T) {
	v, err := Validate(t.Context(), sourceOf(t, mixed(), mixedRows...), RoleOptions{}, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range v.Problems {
		got = append(got, fmt.Sprintf("%s %d listed %d", p.Code, p.Count, len(p.Examples)))
	}
	if want := []string{"data.ragged_targets 2 listed 2", "data.not_finite 1 listed 0"}; !reflect.DeepEqual(got, want) || v.OK || !v.Truncated || v.Sequences != 2 {
		t.Errorf("%v, ok %v, truncated %v, %d usable; want %v", got, v.OK, v.Truncated, v.Sequences, want)
	}
	if e := v.Problems[0].Examples[1]; e.Row != 4 || e.RowGroup != 2 || e.Sequence != "5" {
		t.Errorf("the second is at %+v", e)
	}
	if text := v.Text(); !strings.Contains(text, "has 3 input steps but 2 target steps") || !strings.Contains(text, "2 sequences are usable") {
		t.Error(text)
	}

	good := sourceOf(t, mixed(), mixedRows[0], mixedRows[3])
	if v, err = Validate(t.Context(), good, RoleOptions{}, nil, 0); err != nil || !v.OK || v.Sequences != 2 {
		t.Errorf("good rows: %+v, %v", v, err)
	}
	twice := sourceOf(t, mixed(), mixedRows[0], mixedRows[3], mixedRows[0])
	if v, err = Validate(t.Context(), twice, RoleOptions{}, nil, 0); err != nil || v.OK || v.Problems[0].Code != "data.duplicate_id" {
		t.Errorf("an id twice: %+v, %v", v, err)
	}
	e, _, _ := scanSource(t, good, RoleOptions{})
	if v, err = Validate(t.Context(), sourceOf(t, mixed(), `{"id":1,"x":[1],"kind":"z","y":[1]}`), RoleOptions{}, e, 0); err != nil || v.OK || v.Problems[0].Code != "data.unseen_category" {
		t.Errorf("an unseen category: %+v, %v", v, err)
	}
}

func TestInspect(t *testing.T) {
	in, err := Inspect(t.Context(), sourceOf(t, mixed(), mixedRows...), RoleOptions{Missing: "drop-sequence"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if in.Sequences != 2 || in.Steps != 6 || in.Lengths.Min != 2 || in.Lengths.Max != 4 || in.Units.Count != 3 || in.Encoding == nil || len(in.Problems) != 0 {
		t.Errorf("%+v", in)
	}
	if c := in.Columns[1]; c.Type != "list<double>" && c.Type != "list<float64>" || c.Role != "input" || !reflect.DeepEqual(c.Codecs, []string{"zstd"}) || c.Compressed == 0 {
		t.Errorf("column x: %+v", c)
	}
	if flags := strings.Join(in.Flags, " "); flags != "--layout nested --id id --inputs x --static kind --targets y --form each --loss squared_error" {
		t.Error(flags)
	}
	text := in.Text()
	for _, part := range []string{"5 rows", "x", "static input: column kind", "2 sequences, 6 time-steps", "no problems found", "--targets y"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if _, err := json.Marshal(in); err != nil {
		t.Error(err)
	}
	in, err = Inspect(t.Context(), sourceOf(t, schemaOf("id", i64, "x", list(f64)), `{"id":1,"x":[1,2,3]}`), RoleOptions{}, 0)
	if err != nil || in.Problems[0].Code != "data.no_target" || in.Sequences != 1 || in.Lengths.Max != 3 {
		t.Errorf("without a target: %+v, %v", in, err)
	}
}

func TestStats(t *testing.T) {
	src := sourceOf(t, mixed(), mixedRows...)
	s, err := CollectStats(t.Context(), src, RoleOptions{Missing: "drop-sequence"})
	if err != nil {
		t.Fatal(err)
	}
	x := s.Columns[1]
	if x.Values != 12 || x.Nulls != 1 || x.Distinct != 7 || *x.Min != 1 || *x.Max != 7 || *x.Mean != 33./11 {
		t.Errorf("x: %+v, mean %g", x, *x.Mean)
	}
	if k := s.Columns[2]; k.Values != 5 || k.Distinct != 3 || k.Min != nil {
		t.Errorf("kind: %+v", k)
	}
	if s.Sequences != 2 || !strings.Contains(s.Note, "3 of 5 sequences are unusable") || !strings.Contains(s.Text(), "time-steps a sequence") {
		t.Errorf("%+v\n%s", s, s.Text())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CollectStats(ctx, src, RoleOptions{}); err == nil {
		t.Error("no error after cancellation")
	}
}

// Head shows sequences, not rows, whatever the layout, and finds one by its id.
func TestHead(t *testing.T) {
	nested, err := Head(t.Context(), sourceOf(t, mixed(), mixedRows...), RoleOptions{}, 2, "")
	if err != nil || len(nested) != 2 || nested[1].Steps != 3 || !reflect.DeepEqual(nested[1].Columns[1].Values, []string{"1", "2", "3"}) {
		t.Errorf("%+v, %v", nested, err)
	}
	one, err := Head(t.Context(), sourceOf(t, mixed(), mixedRows...), RoleOptions{}, 1, "4")
	if err != nil || len(one) != 1 || one[0].Row != 3 {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := Head(t.Context(), sourceOf(t, mixed(), mixedRows...), RoleOptions{}, 1, "99"); err == nil || !strings.Contains(err.Error(), `no sequence "99"`) {
		t.Error(err)
	}
	long := schemaOf("series_id", i64, "step", i64, "v", list(f64))
	rows := []string{`{"series_id":1,"step":0,"v":[1,2]}`, `{"series_id":2,"step":0,"v":[3,4]}`, `{"series_id":1,"step":1,"v":[5,6]}`}
	joined, err := Head(t.Context(), sourceOf(t, long, rows...), RoleOptions{}, 5, "1")
	if err != nil || len(joined) != 1 || joined[0].Steps != 2 || !reflect.DeepEqual(joined[0].Columns[2].Values, []string{"[1 2]", "[5 6]"}) {
		t.Errorf("%+v, %v", joined, err)
	}
	if text := HeadText(joined); !strings.Contains(text, `sequence "1": 2 time-steps`) || !strings.Contains(text, "v: [1 2], [5 6]") {
		t.Error(text)
	}
}

func TestLengths(t *testing.T) {
	l := lengthsOf([]int64{5, 1, 1, 2, 30})
	total := int64(0)
	for i, r := range l.Histogram {
		total += r.Count
		if r.Hi < r.Lo || i > 0 && r.Lo != l.Histogram[i-1].Hi+1 {
			t.Errorf("range %+v", r)
		}
	}
	if l.Min != 1 || l.Median != 2 || l.Max != 30 || total != 5 || l.Histogram[len(l.Histogram)-1].Hi != 30 {
		t.Errorf("%+v", l)
	}
	if lengthsOf(nil) != nil {
		t.Error("lengths of nothing")
	}
}
