package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"golang.org/x/sync/errgroup"
)

var (
	ragged = schemaOf("id", i64, "x", list(f64), "y", list(f64))
	steps  = schemaOf("id", i64, "t", i64, "x", f64, "y", f64)
)

// flawCases are flaws of the data: a good row, the bad rows after it, and the error.
var flawCases = map[string]struct {
	schema *arrow.Schema
	o      RoleOptions
	good   string // a row that is as it should be
	bad    []string
	code   string
	text   []string // parts of the error
	row    int64
}{
	"ragged targets": {ragged, RoleOptions{}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":17,"x":[1,2,3],"y":[1,2]}`}, "data.ragged_targets", []string{
		`d.parquet: sequence "17" has 3 input steps but 2 target steps`, "row group 0, row 1; 1 of 2 sequences are like this",
		"fix: --form last (one target per sequence), or drop them with --missing drop-sequence", "see: curvestream data head d.parquet --sequence 17"}, 1},
	"ragged inputs": {schemaOf("id", i64, "x", list(f64), "z", list(f64), "y", f64), RoleOptions{}, `{"id":1,"x":[1],"z":[1],"y":0}`, []string{`{"id":2,"x":[1,2],"z":[1],"y":0}`},
		"data.ragged_inputs", []string{`column "z": has 1 time-steps, but column "x" has 2`}, 1},
	"a null":              {ragged, RoleOptions{}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":2,"x":[1,null],"y":[1,2]}`}, "data.not_finite", []string{`column "x"`, "time-step 1 is null or NaN", "--missing"}, 1},
	"a null target":       {ragged, RoleOptions{Missing: "zero"}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":2,"x":[1],"y":[null]}`}, "data.not_finite", []string{`column "y"`, "--missing mask"}, 1},
	"a null list":         {ragged, RoleOptions{}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":2,"x":null,"y":[1]}`}, "data.null", []string{"the list is null"}, 1},
	"no steps":            {ragged, RoleOptions{}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":2,"x":[],"y":[]}`}, "data.empty_sequence", []string{"no time-steps"}, 1},
	"one step, next":      {schemaOf("id", i64, "text", str), RoleOptions{}, `{"id":1,"text":"ab"}`, []string{`{"id":2,"text":"a"}`}, "data.short_sequence", []string{"one time-step"}, 1},
	"a null id":           {ragged, RoleOptions{}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":null,"x":[1],"y":[1]}`}, "data.null_id", []string{"id is null"}, 1},
	"too long":            {ragged, RoleOptions{MaxLength: 2}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":2,"x":[1,2,3],"y":[1,2,3]}`}, "data.too_long", []string{"3 time-steps", "limit of 2"}, 1},
	"logistic range":      {ragged, RoleOptions{Loss: "logistic_cross_entropy"}, `{"id":1,"x":[1],"y":[1]}`, []string{`{"id":2,"x":[1],"y":[1.5]}`}, "data.target_range", []string{"target 1.5", "[0, 1]"}, 1},
	"softmax sum":         {schemaOf("id", i64, "x", list(f64), "y", lists(f64)), RoleOptions{Loss: "softmax_cross_entropy"}, `{"id":1,"x":[1],"y":[[0.5,0.5]]}`, []string{`{"id":2,"x":[1],"y":[[0.5,0.6]]}`}, "data.target_range", []string{"sum to 1.1"}, 1},
	"ragged vectors":      {schemaOf("id", i64, "x", lists(f64), "y", f64), RoleOptions{}, `{"id":1,"x":[[1,2]],"y":0}`, []string{`{"id":2,"x":[[1]],"y":0}`}, "data.ragged_vectors", []string{"1 values, but others have 2"}, 1},
	"beyond the width":    {schemaOf("id", i64, "p", lists(i8)), RoleOptions{Encode: map[string]ColumnEncoding{"p": {Kind: MultiHot, Width: 4}}}, `{"id":1,"p":[[0],[3]]}`, []string{`{"id":2,"p":[[0],[4]]}`}, "data.index_range", []string{"index 4", "width 4"}, 1},
	"a negative index":    {schemaOf("id", i64, "p", lists(i8)), RoleOptions{Encode: map[string]ColumnEncoding{"p": {Kind: MultiHot, Width: 4}}}, `{"id":1,"p":[[0],[3]]}`, []string{`{"id":2,"p":[[0],[-1]]}`}, "data.index_range", []string{"negative"}, 1},
	"an index twice":      {schemaOf("id", i64, "p", lists(i8)), RoleOptions{Encode: map[string]ColumnEncoding{"p": {Kind: MultiHot, Width: 4}}}, `{"id":1,"p":[[0],[3]]}`, []string{`{"id":2,"p":[[3,0,3],[1]]}`}, "data.duplicate_index", []string{"twice"}, 1},
	"an index overflows":  {schemaOf("id", i64, "p", lists(i64)), RoleOptions{Encode: map[string]ColumnEncoding{"p": {Kind: MultiHot, Width: 4}}}, `{"id":1,"p":[[0],[3]]}`, []string{`{"id":2,"p":[[0],[4294967296]]}`}, "data.index_overflow", []string{"4294967296"}, 1},
	"a mask of 2":         {schemaOf("id", i64, "x", list(f64), "y", list(f64), "mask", list(i8)), RoleOptions{}, `{"id":1,"x":[1],"y":[1],"mask":[1]}`, []string{`{"id":2,"x":[1],"y":[1],"mask":[2]}`}, "data.mask", []string{"mask at time-step 0 is 2"}, 1},
	"a negative weight":   {schemaOf("id", i64, "x", list(f64), "y", list(f64), "weight", f64), RoleOptions{}, `{"id":1,"x":[1],"y":[1],"weight":1}`, []string{`{"id":2,"x":[1],"y":[1],"weight":-1}`}, "data.weight", []string{"weight is -1"}, 1},
	"unsorted time":       {steps, RoleOptions{}, `{"id":1,"t":1,"x":1,"y":1}`, []string{`{"id":2,"t":5,"x":1,"y":1}`, `{"id":2,"t":4,"x":1,"y":2}`}, "data.unsorted_time", []string{"back from 5 to 4"}, 2},
	"duplicate time":      {steps, RoleOptions{}, `{"id":1,"t":1,"x":1,"y":1}`, []string{`{"id":2,"t":5,"x":1,"y":1}`, `{"id":2,"t":5,"x":1,"y":2}`}, "data.duplicate_time", []string{"time 5 is there twice"}, 2},
	"time over two spans": {steps, RoleOptions{}, `{"id":1,"t":7,"x":1,"y":1}`, []string{`{"id":2,"t":5,"x":1,"y":1}`, `{"id":1,"t":6,"x":1,"y":2}`}, "data.unsorted_time", []string{"back from 7 to 6"}, 2},
	"a changing static":   {schemaOf("id", i64, "t", i64, "x", f64, "s", f64, "y", f64), RoleOptions{Static: []string{"s"}}, `{"id":1,"t":1,"x":1,"s":1,"y":1}`, []string{`{"id":2,"t":1,"x":1,"s":1,"y":1}`, `{"id":2,"t":2,"x":1,"s":2,"y":1}`}, "data.not_constant", []string{"changes from 1 to 2"}, 2},
}

// Each flaw of the data is one error that says where it is and what to do, whether it is met in training data or, with a stored
// encoding, in other data.
func TestFlaws(t *testing.T) {
	for name, test := range flawCases {
		t.Run(name, func(t *testing.T) {
			check := func(what string, err error) {
				t.Helper()
				e, ok := errors.AsType[*Error](err)
				if !ok || e.Code != test.code || e.Row != test.row || e.File != "d.parquet" || e.Hint == "" {
					t.Fatalf("%s: %#v\n%v, want code %s at row %d", what, err, err, test.code, test.row)
				}
				for _, part := range test.text {
					if !strings.Contains(e.Error(), part) {
						t.Errorf("%s:\n%v\nwant %q", what, e, part)
					}
				}
			}
			good := rowsOf(t, test.schema, test.good, test.good)
			if strings.HasPrefix(test.code, "data.") && test.schema.HasField("t") {
				good = rowsOf(t, test.schema, test.good)
			}
			bad := rowsOf(t, test.schema, append([]string{test.good}, test.bad...)...)
			_, _, _, err := fitAll(test.schema, test.o, bad)
			check("fitting", err)
			e, _, _, err := fitAll(test.schema, test.o, good)
			if err != nil {
				t.Fatalf("the good rows: %v", err)
			}
			if test.o.MaxLength > 0 {
				return // a limit for training data
			}
			s, err := NewScanner(test.schema, e)
			if err != nil {
				t.Fatal(err)
			}
			u, err := s.Scan(unitOf(0, bad), pick(bad, s.Columns()))
			if err == nil {
				err = s.Merge(u)
			}
			check("scanning", err)
		})
	}
}

// Values that training has not seen are refused by name; and what is only in the whole data is found in the whole data.
func TestUnseenAndUnusable(t *testing.T) {
	schema := schemaOf("id", i64, "w", list(str), "y", str)
	good := rowsOf(t, schema, `{"id":1,"w":["a","b"],"y":"no"}`, `{"id":2,"w":["b"],"y":"yes"}`)
	e, _, _, err := fitAll(schema, RoleOptions{}, good)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := NewEncoder[float32](schema, e)
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[string]string{
		`{"id":3,"w":["a","zh"],"y":"no"}`: `sequence "3": column "w": the value zh at time-step 1 is not in the vocabulary of 2 values`,
		`{"id":4,"w":["a"],"y":"maybe"}`:   `sequence "4": column "y": the value maybe is not in the vocabulary`,
	} {
		rec := rowsOf(t, schema, row)
		err := enc.Append(&Sequence[float32]{}, pick(rec, enc.Columns()), 0, 1, unitOf(3, rec))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "row group 3, row 300") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for name, test := range map[string]struct {
		schema *arrow.Schema
		o      RoleOptions
		rows   []string
		want   string
	}{
		"long, no target at the end":            {schemaOf("id", i64, "x", f64, "y", f64), RoleOptions{Form: "last"}, []string{`{"id":1,"x":1,"y":1}`, `{"id":1,"x":1,"y":null}`}, "the target in the last row of the sequence is null"},
		"long, no next step":                    {schemaOf("id", i64, "x", f64), RoleOptions{Form: "next"}, []string{`{"id":1,"x":1}`}, "has one time-step"},
		"too many categories":                   {schema, RoleOptions{MaxCategories: 1}, []string{`{"id":1,"w":["a","b"],"y":"no"}`}, "more than 1 different values"},
		"neither vectors nor indices":           {schemaOf("id", i64, "p", lists(i8), "y", f64), RoleOptions{}, []string{`{"id":1,"p":[[-1,2],[3]],"y":1}`}, "nor are they vectors, since they have 1 to 2 values"},
		"no rows":                               {schema, RoleOptions{}, nil, "no usable sequence"},
		"numbers with form next, not asked for": {schemaOf("id", i64, "p", lists(i8)), RoleOptions{}, []string{`{"id":1,"p":[[1,2],[3,4]]}`}, "are numbers, not active indices"},
		"integers out of the loss's range":      {schemaOf("px", list(u8)), RoleOptions{Layout: Flat, Inputs: []string{"px"}, Targets: []string{"px"}, Loss: "logistic_cross_entropy"}, []string{`{"px":[1,7]}`}, "the target 7 at time-step 0 is outside [0, 1]"},
	} {
		_, _, _, err := fitAll(test.schema, test.o, rowsOf(t, test.schema, test.rows...))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// A stored encoding finds its columns by name, in any order, and refuses others.
func TestStoredEncodingMatchesByName(t *testing.T) {
	schema := schemaOf("id", i64, "a", list(f64), "b", list(str), "y", f64)
	e, _, _, err := fitAll(schema, RoleOptions{}, rowsOf(t, schema, `{"id":1,"a":[1],"b":["u"],"y":1}`))
	if err != nil {
		t.Fatal(err)
	}
	other := schemaOf("y", f32, "extra", str, "b", list(category()), "id", str, "a", list(f32))
	rec := rowsOf(t, other, `{"y":2,"extra":"","b":["u","u"],"id":"n","a":[3,4]}`)
	enc, err := NewEncoder[float64](other, e)
	if err != nil {
		t.Fatal(err)
	}
	var seq Sequence[float64]
	if err := enc.Append(&seq, pick(rec, enc.Columns()), 0, 1, unitOf(0, rec)); err != nil {
		t.Fatal(err)
	}
	if err := enc.Finish(&seq); err != nil {
		t.Fatal(err)
	}
	if got, want := show(&seq), "n T=2 dense [3 1 4 1] target [2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for want, s := range map[string]*arrow.Schema{
		`there is no column "b"`: schemaOf("id", i64, "a", list(f64), "y", f64),
		`has the type`:           schemaOf("id", i64, "a", list(str), "b", list(str), "y", f64),
	} {
		if _, err := NewScanner(s, e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	inputs := e.InputsOnly()
	if _, err := NewEncoder[float64](schemaOf("id", i64, "a", list(f64), "b", list(str)), inputs); err != nil {
		t.Errorf("inputs only: %v", err)
	}
}

// The order in which units are scanned, and by how many, does not matter: merging is in the order of units.
func TestFitIsDeterministic(t *testing.T) {
	schema := schemaOf("id", i64, "x", lists(f64), "w", list(str), "y", f64)
	a := rowsOf(t, schema, `{"id":1,"x":[[0.1,7],[0.7,3]],"w":["b","c"],"y":1}`)
	b := rowsOf(t, schema, `{"id":2,"x":[[0.3,5]],"w":["a"],"y":2}`, `{"id":3,"x":[[0.9,2]],"w":["c"],"y":2}`)
	o := RoleOptions{Normalize: "zscore"}
	first, _, _, err := fitAll(schema, o, a, b)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFitter(schema, o)
	if err != nil {
		t.Fatal(err)
	}
	late, err := f.Scan(unitOf(1, b), pick(b, f.Columns()))
	if err != nil {
		t.Fatal(err)
	}
	early, err := f.Scan(unitOf(0, a), pick(a, f.Columns()))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []*UnitScan{early, late} {
		if err := f.Merge(u); err != nil {
			t.Fatal(err)
		}
	}
	second, err := f.Encoding()
	if err != nil {
		t.Fatal(err)
	}
	for k := range first.Inputs[0].Mean {
		if first.Inputs[0].Mean[k] != second.Inputs[0].Mean[k] || first.Inputs[0].Scale[k] != second.Inputs[0].Scale[k] {
			t.Errorf("component %d: %v and %v", k, first.Inputs[0], second.Inputs[0])
		}
	}
	if want := "nested last squared_error in 5 out 1 [x numeric 2, w onehot 3 [a b c]] -> [y numeric 1]"; encodingText(second) != want {
		t.Errorf("%s, want %s", encodingText(second), want)
	}
}

// One encoder serves several goroutines, with the same result for each sequence.
func TestEncoderIsShared(t *testing.T) {
	schema := schemaOf("id", i64, "x", lists(f64), "w", list(str), "y", f64)
	var rows []string
	for i := range 64 {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"x":[[%d,1],[2,%d]],"w":["a","b"],"y":%d}`, i, i, 2*i, i))
	}
	rec := rowsOf(t, schema, rows...)
	e, _, _, err := fitAll(schema, RoleOptions{}, rec)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := NewEncoder[float64](schema, e)
	if err != nil {
		t.Fatal(err)
	}
	part := pick(rec, enc.Columns())
	var g errgroup.Group
	got := make([]string, len(rows))
	for i := range rows {
		g.Go(func() error {
			var seq Sequence[float64]
			if err := enc.Append(&seq, part, i, i+1, unitOf(0, rec)); err != nil {
				return err
			}
			got[i] = show(&seq)
			return enc.Finish(&seq)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if want := fmt.Sprintf("%d T=2 dense [%d 1 1 0 2 %d 0 1] target [%d]", i, i, 2*i, i); got[i] != want {
			t.Errorf("%s, want %s", got[i], want)
		}
	}
}

// Lists whose offsets point outside their values are an error, whoever let them through, and no panic.
func TestMalformedListsAreErrors(t *testing.T) {
	schema := schemaOf("id", i64, "x", list(f64), "y", f64)
	good := rowsOf(t, schema, `{"id":1,"x":[1,2],"y":1}`)
	e, _, _, err := fitAll(schema, RoleOptions{}, good)
	if err != nil {
		t.Fatal(err)
	}
	x := good.Column(1).Data()
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 9}))
	bad := array.MakeFromData(array.NewData(x.DataType(), 1, []*memory.Buffer{nil, offsets}, x.Children(), 0, 0))
	rec := array.NewRecord(schema, []arrow.Array{good.Column(0), bad, good.Column(2)}, 1)
	s, err := NewScanner(schema, e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Scan(unitOf(0, rec), rec); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("scanning: %v", err)
	}
	enc, err := NewEncoder[float64](schema, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.Append(&Sequence[float64]{}, rec, 0, 1, unitOf(0, rec)); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("encoding: %v", err)
	}
}
