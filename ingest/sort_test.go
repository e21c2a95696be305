package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A step is a row of the long layout.
type step struct {
	id   string
	time int64
	x    []float32
}

func stepSchema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "t", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)}, {Name: "serial", Type: arrow.PrimitiveTypes.Int64}}, nil)
}

// writeSteps writes rows to a file, with their place as serial number.
func writeSteps(t *testing.T, path string, group int, steps []step) {
	t.Helper()
	w, err := NewWriter(path, WriteOptions{Schema: stepSchema(), RowGroupRows: group})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, stepSchema())
	defer b.Release()
	for i, s := range steps {
		b.Field(0).(*array.StringBuilder).Append(s.id)
		b.Field(1).(*array.Int64Builder).Append(s.time)
		list := b.Field(2).(*array.ListBuilder)
		list.Append(true)
		list.ValueBuilder().(*array.Float32Builder).AppendValues(s.x, nil)
		b.Field(3).(*array.Int64Builder).Append(int64(i))
	}
	r := b.NewRecord()
	defer r.Release()
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// readSteps returns the rows of files, and their serial numbers.
func readSteps(t *testing.T, paths ...string) (steps []step, serial []int64) {
	t.Helper()
	src, err := Open(t.Context(), paths, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for i := range src.Len() {
		r, err := src.Read(t.Context(), i, allColumns(src))
		if err != nil {
			t.Fatal(err)
		}
		lists := r.Column(2).(*array.List)
		values := lists.ListValues().(*array.Float32)
		for row := range int(r.NumRows()) {
			lo, hi := lists.ValueOffsets(row)
			steps = append(steps, step{strings.Clone(r.Column(0).(*array.String).Value(row)), r.Column(1).(*array.Int64).Value(row), slices.Clone(values.Float32Values()[lo:hi])})
			serial = append(serial, r.Column(3).(*array.Int64).Value(row))
		}
		r.Release()
	}
	return steps, serial
}

// shuffledSteps makes rows in random order, some with equal id and time.
func shuffledSteps(n, width int) []step {
	rng := rand.New(rand.NewPCG(7, 7))
	steps := make([]step, n)
	for i := range steps {
		steps[i] = step{fmt.Sprint("s", rng.IntN(n/20+1)), rng.Int64N(40) - 20, make([]float32, rng.IntN(2*width+1))}
		for k := range steps[i].x {
			steps[i].x[k] = rng.Float32()
		}
	}
	return steps
}

func compareSteps(a, b step) int {
	if order := strings.Compare(a.id, b.id); order != 0 {
		return order
	}
	return int(a.time - b.time)
}

// Sorting is what a stable sort in memory is, whether the rows fit into the memory, take a few runs, or so many that they are merged twice.
func TestSort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	steps := shuffledSteps(3000, 60)
	in := filepath.Join(dir, "in.parquet")
	writeSteps(t, in, 60, steps)
	want := slices.Clone(steps)
	slices.SortStableFunc(want, compareSteps)
	for _, c := range []struct {
		memory int64
		runs   [2]int // at least and at most
	}{{1 << 30, [2]int{0, 0}}, {1 << 20, [2]int{2, mergeWays}}, {140 << 10, [2]int{mergeWays + 1, 100}}} {
		t.Run(fmt.Sprint(c.memory), func(t *testing.T) {
			temp := t.TempDir()
			src, err := Open(t.Context(), []string{in}, OpenOptions{MemoryLimit: max(SortMemory(c.memory), 1<<20)})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			out := filepath.Join(t.TempDir(), "out.parquet")
			done, err := Sort(t.Context(), src, out, SortOptions{Memory: c.memory, Dir: temp}, WriteOptions{RowGroupRows: 500})
			if err != nil || done.Rows != int64(len(steps)) {
				t.Fatal(done, err)
			}
			got, serial := readSteps(t, out)
			if !slices.EqualFunc(got, want, func(a, b step) bool { return compareSteps(a, b) == 0 && slices.Equal(a.x, b.x) }) {
				t.Error("not what a sort in memory gives")
			}
			for i := range got[1:] {
				if compareSteps(got[i], got[i+1]) == 0 && serial[i] > serial[i+1] {
					t.Fatalf("rows %d and %d of the source, equal in id and time, were exchanged", serial[i], serial[i+1])
				}
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
			s := &sorter{keys: &rowKeys{}, memory: c.memory}
			if s.keys, err = newRowKeys(src, RoleOptions{}); err != nil {
				t.Fatal(err)
			}
			s.dir, s.schema = temp, src.Schema()
			defer s.forget()
			if err := s.read(t.Context(), src); err != nil || len(s.runs) < c.runs[0] || len(s.runs) > c.runs[1] {
				t.Errorf("%d runs (%v), want %v", len(s.runs), err, c.runs)
			}
		})
	}
}

// Whole numbers are ordered as numbers, texts as texts, and what cannot be ordered is refused by name.
func TestSortKeys(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.parquet")
	r := numbers("id", 10, 9, -1, 100, 2)
	defer r.Release()
	w, err := NewWriter(in, WriteOptions{Schema: r.Schema()})
	if err == nil {
		err = errors.Join(w.Write(r), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	src, err := Open(t.Context(), []string{in}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	out := filepath.Join(dir, "out.arrow")
	if _, err := Sort(t.Context(), src, out, SortOptions{Roles: RoleOptions{Layout: Long}}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	sorted, err := Open(t.Context(), []string{out}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sorted.Close()
	rec, err := sorted.Read(t.Context(), 0, []int{0})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	if got := rec.Column(0).(*array.Int64).Int64Values(); !slices.Equal(got, []int64{-1, 2, 9, 10, 100}) {
		t.Errorf("%v", got)
	}
	texts := []string{"", "\x00", "a", "a\x00", "a\x00b", "ab", "b"}
	for i := range texts[1:] {
		if a, b := textKey(t, texts[i]), textKey(t, texts[i+1]); strings.Compare(a, b) >= 0 {
			t.Errorf("%q does not come before %q", texts[i], texts[i+1])
		}
	}
}

func textKey(t *testing.T, text string) string {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Append(text)
	a := b.NewArray()
	defer a.Release()
	k := &rowKeys{plan: &plan{id: []*field{{}}}}
	key, err := k.appendSortKey(nil, []view{newView(a)}, Unit{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}

// What ends a sort early leaves no file and no run behind.
func TestSortCleansUp(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.parquet")
	writeSteps(t, in, 50, shuffledSteps(1500, 50))
	for _, reads := range []int{0, 1, 4, 13, 29} {
		ctx, cancel := context.WithCancel(t.Context())
		src, err := Open(ctx, []string{in}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		temp, out := t.TempDir(), filepath.Join(dir, "out.parquet")
		_, err = Sort(ctx, &cancelling{src, reads, cancel}, out, SortOptions{Memory: 400 << 10, Dir: temp}, WriteOptions{Overwrite: true})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d reads: %v", reads, err)
		}
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Fatalf("%d reads: %v is left", reads, left)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Fatalf("%d reads: %v is left", reads, left)
		}
		cancel()
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

// cancelling ends the context at a Read.
type cancelling struct {
	Source
	left   int
	cancel func()
}

func (c *cancelling) Read(ctx context.Context, i int, columns []int) (arrow.Record, error) {
	if c.left--; c.left < 0 {
		c.cancel()
	}
	return c.Source.Read(ctx, i, columns)
}

// Rows without identifiers are refused with the flag that helps.
func TestSortNeedsAnID(t *testing.T) {
	src, err := Open(t.Context(), []string{folders(t, "x", "a.parquet")}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	_, err = Sort(t.Context(), src, filepath.Join(t.TempDir(), "o.parquet"), SortOptions{}, WriteOptions{})
	if err == nil || !strings.Contains(err.Error(), "--id COLUMN") || !strings.Contains(err.Error(), "a.parquet") {
		t.Errorf("%v", err)
	}
}

// Scattered rows are refused with the command that sorts them, and what that writes is accepted; a few of them are read as they are.
func TestScatteredRows(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		rows int
		want string
	}{{fewSpans + 500, "data convert --sort --id id FILES"}, {2000, ""}} {
		steps := make([]step, c.rows)
		for i := range steps {
			steps[i] = step{id: fmt.Sprint(i % 100), time: int64(i), x: []float32{1}}
		}
		in, out := filepath.Join(dir, fmt.Sprint(c.rows, ".parquet")), filepath.Join(dir, fmt.Sprint(c.rows, "-sorted.parquet"))
		writeSteps(t, in, 2000, steps)
		src, err := Open(t.Context(), []string{in}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		o := RoleOptions{Layout: Long, Time: "t", Inputs: []string{"x"}, Targets: []string{"serial"}, Form: "each", Loss: "squared_error"}
		if v, err := Validate(t.Context(), src, o, nil, 5); err != nil || v.OK != (c.want == "") || !strings.Contains(v.Text(), c.want) {
			t.Errorf("%d rows: %v, %s", c.rows, err, v.Text())
		}
		if _, err := Sort(t.Context(), src, out, SortOptions{Roles: o}, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		sorted, err := Open(t.Context(), []string{out}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer sorted.Close()
		if v, err := Validate(t.Context(), sorted, o, nil, 5); err != nil || !v.OK {
			t.Errorf("%d rows, sorted: %v, %s", c.rows, err, v.Text())
		}
	}
}
