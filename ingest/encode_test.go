package ingest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Types by short names, for tables.
var (
	i64, i8, u8 = arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint8
	f32, f64    = arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64
	str, boo    = arrow.DataType(arrow.BinaryTypes.String), arrow.DataType(arrow.FixedWidthTypes.Boolean)
)

func list(t arrow.DataType) arrow.DataType  { return arrow.ListOf(t) }
func lists(t arrow.DataType) arrow.DataType { return arrow.ListOf(arrow.ListOf(t)) }
func category() arrow.DataType {
	return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
}

func schemaOf(nameType ...any) *arrow.Schema {
	var fields []arrow.Field
	for i := 0; i < len(nameType); i += 2 {
		fields = append(fields, arrow.Field{Name: nameType[i].(string), Type: nameType[i+1].(arrow.DataType), Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

// rowsOf makes a record of JSON rows.
func rowsOf(t testing.TB, schema *arrow.Schema, rows ...string) arrow.Record {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader("["+strings.Join(rows, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// pick keeps some columns of a record, as a source does.
func pick(rec arrow.Record, columns []int) arrow.Record {
	var fields []arrow.Field
	var arrays []arrow.Array
	for _, c := range columns {
		fields = append(fields, rec.Schema().Field(c))
		arrays = append(arrays, rec.Column(c))
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, rec.NumRows())
}

func unitOf(i int, rec arrow.Record) Unit {
	return Unit{File: "d.parquet", RowGroup: i, FirstRow: int64(100 * i), Rows: rec.NumRows()}
}

// fitAll fits the records, one a unit, and returns everything the stages would know.
func fitAll(schema *arrow.Schema, o RoleOptions, recs ...arrow.Record) (*Encoding, Roles, []*UnitScan, error) {
	f, err := NewFitter(schema, o)
	if err != nil {
		return nil, Roles{}, nil, err
	}
	var scans []*UnitScan
	for i, rec := range recs {
		u, err := f.Scan(unitOf(i, rec), pick(rec, f.Columns()))
		if err != nil {
			return nil, f.Roles(), nil, err
		}
		if err := f.Merge(u); err != nil {
			return nil, f.Roles(), nil, err
		}
		scans = append(scans, u)
	}
	e, err := f.Encoding()
	return e, f.Roles(), scans, err
}

// encodeAll encodes all sequences of the scans, joining spans of one id.
func encodeAll(schema *arrow.Schema, e *Encoding, scans []*UnitScan, recs ...arrow.Record) ([]*Sequence[float64], error) {
	enc, err := NewEncoder[float64](schema, e)
	if err != nil {
		return nil, err
	}
	byID := map[string]*Sequence[float64]{}
	var order []*Sequence[float64]
	for i, rec := range recs {
		part := pick(rec, enc.Columns())
		for _, s := range scans[i].Spans {
			if s.Drop != "" {
				continue
			}
			seq := byID[s.ID]
			if seq == nil {
				seq = &Sequence[float64]{}
				byID[s.ID] = seq
				order = append(order, seq)
			}
			if err := enc.Append(seq, part, s.Lo, s.Hi, unitOf(i, rec)); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range order {
		if err := enc.Finish(s); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// fitCases are rows, and what they become.
var fitCases = map[string]struct {
	schema *arrow.Schema
	o      RoleOptions
	units  [][]string // rows
	want   string     // of the encoding
	seqs   []string
}{
	"lists of lists of numbers, one target a sequence": {
		schemaOf("id", i64, "x", lists(f32), "target", f32), RoleOptions{},
		[][]string{{`{"id":7,"x":[[1,2],[3,4],[5,6]],"target":0.5}`}, {`{"id":8,"x":[[1,0]],"target":2}`}},
		"nested last squared_error in 2 out 1 [x numeric 2] -> [target numeric 1]",
		[]string{"7 T=3 dense [1 2 3 4 5 6] target [0.5]", "8 T=1 dense [1 0] target [2]"},
	},
	"lists of active indices predict the next": {
		schemaOf("id", i64, "pitches", lists(i8)), RoleOptions{},
		[][]string{{`{"id":1,"pitches":[[1],[0,3],[]]}`, `{"id":2,"pitches":[[2],[2],[1,2,3]]}`}},
		"nested next logistic_cross_entropy in 4 out 4 [pitches multihot 4] -> []",
		[]string{"1 T=2 dense [0 1 0 0 1 0 0 1] target [1 0 0 1 0 0 0 0]", "2 T=2 dense [0 0 1 0 0 0 1 0] target [0 0 1 0 0 1 1 1]"},
	},
	"a given width": {
		schemaOf("id", i64, "pitches", lists(i8)), RoleOptions{Encode: map[string]ColumnEncoding{"pitches": {Width: 88}}},
		[][]string{{`{"id":1,"pitches":[[1],[0,87],[]]}`}},
		"nested next logistic_cross_entropy in 88 out 88 sparse [pitches multihot 88] -> []",
		nil,
	},
	"a text": {
		schemaOf("id", i64, "text", str), RoleOptions{},
		[][]string{{`{"id":1,"text":"ba"}`}, {`{"id":2,"text":"äbca"}`}},
		"nested next softmax_cross_entropy in 4 out 4 sparse [text chars 4 [a b c ä]] -> []",
		[]string{"1 T=1 ptr [0 1] col [1] class [0]", "2 T=3 ptr [0 1 2 3] col [3 1 2] class [1 2 0]"},
	},
	"a class each": {
		schemaOf("id", str, "x", list(f64), "y", list(i8)), RoleOptions{},
		[][]string{{`{"id":"a","x":[1,2],"y":[10,9]}`}, {`{"id":"b","x":[3],"y":[-1]}`}},
		"nested each softmax_cross_entropy in 1 out 3 [x numeric 1] -> [y onehot 3 [-1 9 10]]",
		[]string{"a T=2 dense [1 2] class [2 1]", "b T=1 dense [3] class [0]"},
	},
	"the long layout, a sequence over two units, the class of a sequence on every row": {
		schemaOf("sequence_id", i64, "step", i64, "v", list(f32), "speaker", str), RoleOptions{Targets: []string{"speaker"}},
		[][]string{
			{`{"sequence_id":1,"step":0,"v":[1,2],"speaker":"eve"}`, `{"sequence_id":2,"step":0,"v":[3,4],"speaker":"bob"}`},
			{`{"sequence_id":2,"step":1,"v":[5,6],"speaker":"bob"}`, `{"sequence_id":1,"step":5,"v":[7,8],"speaker":"eve"}`},
		},
		"long last softmax_cross_entropy in 2 out 2 [v numeric 2] -> [speaker onehot 2 [bob eve]]",
		[]string{"1 T=2 dense [1 2 7 8] class [1]", "2 T=2 dense [3 4 5 6] class [0]"},
	},
	"the long layout, a target that changes": {
		schemaOf("id", i64, "t", f64, "a", f32, "b", boo, "y", f32), RoleOptions{},
		[][]string{{`{"id":1,"t":0.5,"a":1,"b":true,"y":1}`, `{"id":1,"t":0.75,"a":2,"b":false,"y":2}`, `{"id":2,"t":0,"a":3,"b":true,"y":2}`}},
		"long each squared_error in 2 out 1 [a numeric 1, b numeric 1] -> [y numeric 1]",
		[]string{"1 T=2 dense [1 1 2 0] target [1 2]", "2 T=1 dense [3 1] target [2]"},
	},
	"the long layout, the target only on the last row": {
		schemaOf("id", i64, "x", f64, "y", f64), RoleOptions{Form: "last"},
		[][]string{{`{"id":1,"x":1,"y":null}`, `{"id":1,"x":2,"y":null}`}, {`{"id":1,"x":3,"y":7}`, `{"id":2,"x":4,"y":8}`}},
		"long last squared_error in 1 out 1 [x numeric 1] -> [y numeric 1]",
		[]string{"1 T=3 dense [1 2 3] target [7]", "2 T=1 dense [4] target [8]"},
	},
	"the long layout, the next step, over two units": {
		schemaOf("id", i64, "x", f64), RoleOptions{Form: "next"},
		[][]string{{`{"id":1,"x":1}`}, {`{"id":1,"x":2}`, `{"id":1,"x":3}`}},
		"long next squared_error in 1 out 1 [x numeric 1] -> []",
		[]string{"1 T=2 dense [1 2] target [2 3]"},
	},
	"a missing value in next": {
		schemaOf("id", i64, "x", list(f64)), RoleOptions{Form: "next", Missing: "mask"},
		[][]string{{`{"id":1,"x":[1,null,3]}`}},
		"nested next squared_error in 1 out 1 [x numeric 1] -> []",
		[]string{"1 T=2 dense [1 0] target [0 3] mask [0 1]"},
	},
	"each, one target repeated": {
		schemaOf("id", i64, "x", list(f64), "y", f64), RoleOptions{Form: "each"},
		[][]string{{`{"id":1,"x":[1,2],"y":7}`}},
		"nested each squared_error in 1 out 1 [x numeric 1] -> [y numeric 1]",
		[]string{"1 T=2 dense [1 2] target [7 7]"},
	},
	"the flat layout, an autoencoder": {
		schemaOf("id", i64, "pixels", list(u8)),
		RoleOptions{Layout: Flat, Inputs: []string{"pixels"}, Targets: []string{"pixels"}, Loss: "logistic_cross_entropy", Encode: map[string]ColumnEncoding{"pixels": {Scale: []float64{255}}}},
		[][]string{{`{"id":1,"pixels":[0,255,51]}`}},
		"flat each logistic_cross_entropy in 3 out 3 [pixels numeric 3] -> [pixels numeric 3]",
		[]string{"1 T=1 dense [0 1 0.2] target [0 1 0.2]"},
	},
	"the flat layout, integers are classes": {
		schemaOf("pixels", list(u8), "label", u8), RoleOptions{Layout: Flat},
		[][]string{{`{"pixels":[1,2],"label":7}`, `{"pixels":[3,4],"label":4}`}},
		"flat each softmax_cross_entropy in 2 out 2 [pixels numeric 2] -> [label onehot 2 [4 7]]",
		[]string{"d.parquet:0 T=1 dense [1 2] class [1]", "d.parquet:1 T=1 dense [3 4] class [0]"},
	},
	"z-scores, categories and static inputs": {
		schemaOf("id", i64, "x", list(f64), "kind", list(category()), "age", f64, "y", boo), RoleOptions{Normalize: "zscore"},
		[][]string{{`{"id":1,"x":[1,3],"kind":["u","v"],"age":1,"y":true}`}, {`{"id":2,"x":[5,7],"kind":["w","u"],"age":3,"y":false}`}},
		"nested last logistic_cross_entropy in 5 out 1 [x numeric 1, kind onehot 3 [u v w], age numeric 1] -> [y numeric 1]",
		[]string{
			"1 T=2 dense [-1.3416407864998738 1 0 0 -1 -0.4472135954999579 0 1 0 -1] target [1]",
			"2 T=2 dense [0.4472135954999579 0 0 1 1 1.3416407864998738 1 0 0 1] target [0]",
		},
	},
	"missing values are masked": {
		schemaOf("id", i64, "x", list(f64), "y", list(f64), "mask", list(boo)), RoleOptions{Missing: "mask"},
		[][]string{{`{"id":1,"x":[1,null,3,4],"y":[1,2,null,4],"mask":[true,true,true,false]}`}},
		"nested each squared_error in 1 out 1 [x numeric 1] -> [y numeric 1]",
		[]string{"1 T=4 dense [1 0 3 4] target [1 2 0 4] mask [1 1 0 0]"},
	},
	"weights, and a sequence with a missing value is dropped": {
		schemaOf("id", i64, "x", list(f64), "y", f64, "weight", f64), RoleOptions{Missing: "drop-sequence"},
		[][]string{{`{"id":1,"x":[1],"y":1,"weight":0.5}`, `{"id":2,"x":[1,null],"y":1,"weight":1}`, `{"id":3,"x":[],"y":1,"weight":1}`}},
		"nested last squared_error in 1 out 1 [x numeric 1] -> [y numeric 1]",
		[]string{"1 T=1 dense [1] target [1] weight 0.5"},
	},
	"numbers and a wide category": {
		schemaOf("id", i64, "dt", list(f32), "w", list(str), "y", f32), RoleOptions{Encode: map[string]ColumnEncoding{"w": {Vocabulary: strings.Split("abcdefgh", "")}}},
		[][]string{{`{"id":1,"dt":[0.5,0.25],"w":["c","a"],"y":1}`}},
		"nested last squared_error in 9 out 1 sparse [dt numeric 1, w onehot 8 [a b c d e f g h]] -> [y numeric 1]",
		[]string{"1 T=2 ptr [0 2 4] col [0 3 0 1] val [0.5 1 0.25 1] target [1]"},
	},
	"several numbers predict their next": {
		schemaOf("id", i64, "x", lists(f64)), RoleOptions{Form: "next"},
		[][]string{{`{"id":1,"x":[[1,2],[3,4],[5,6]]}`}},
		"nested next squared_error in 2 out 2 [x numeric 2] -> []",
		[]string{"1 T=2 dense [1 2 3 4] target [3 4 5 6]"},
	},
}

// What the data look like decides how they are encoded, and the sequences that come out are these.
func TestFitAndEncode(t *testing.T) {
	for name, test := range fitCases {
		t.Run(name, func(t *testing.T) {
			var recs []arrow.Record
			for _, rows := range test.units {
				recs = append(recs, rowsOf(t, test.schema, rows...))
			}
			e, _, scans, err := fitAll(test.schema, test.o, recs...)
			if err != nil {
				t.Fatal(err)
			}
			if got := encodingText(e); got != test.want {
				t.Errorf("encoding\n got %s\nwant %s", got, test.want)
			}
			seqs, err := encodeAll(test.schema, e, scans, recs...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range seqs {
				got = append(got, show(s))
			}
			if test.seqs != nil && !reflect.DeepEqual(got, test.seqs) {
				t.Errorf("sequences\n got %q\nwant %q", got, test.seqs)
			}
		})
	}
}

func encodingText(e *Encoding) string {
	columns := func(cs []ColumnEncoding) string {
		var out []string
		for _, c := range cs {
			s := fmt.Sprintf("%s %s %d", c.Column, c.Kind, c.Width)
			if len(c.Vocabulary) > 0 {
				s += fmt.Sprint(" ", c.Vocabulary)
			}
			out = append(out, s)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	sparse := ""
	if e.SparseInputs {
		sparse = " sparse"
	}
	return fmt.Sprintf("%s %s %s in %d out %d%s %s -> %s", e.Layout, e.Form, e.Loss, e.In, e.Out, sparse,
		columns(append(append([]ColumnEncoding{}, e.Inputs...), e.Static...)), columns(e.Targets))
}

func show(s *Sequence[float64]) string {
	out := fmt.Sprintf("%s T=%d", s.ID, s.Length)
	add := func(name string, n int, v any) {
		if n > 0 {
			out += fmt.Sprintf(" %s %v", name, v)
		}
	}
	add("dense", len(s.Dense), s.Dense)
	add("ptr", len(s.Ptr), s.Ptr)
	add("col", len(s.Col), s.Col)
	add("val", len(s.Val), s.Val)
	add("target", len(s.Target), s.Target)
	add("class", len(s.Class), s.Class)
	add("mask", len(s.Mask), s.Mask)
	if s.Weight != 1 {
		out += fmt.Sprintf(" weight %g", s.Weight)
	}
	return out
}
