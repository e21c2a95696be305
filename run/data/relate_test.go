package data

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"curvestream/ingest"
)

func TestRelate(t *testing.T) {
	f, i, text := arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String
	list := func(t arrow.DataType) arrow.DataType { return arrow.ListOf(t) }
	schema := func(pairs ...any) *arrow.Schema {
		var fields []arrow.Field
		for k := 0; k < len(pairs); k += 2 {
			fields = append(fields, arrow.Field{Name: pairs[k].(string), Type: pairs[k+1].(arrow.DataType)})
		}
		return arrow.NewSchema(fields, nil)
	}
	model := func(layout ingest.Layout, id, time string, width int) *ingest.Encoding {
		e := &ingest.Encoding{Layout: layout, Time: time, Form: "last", Inputs: []ingest.ColumnEncoding{{Column: "x", Kind: ingest.Numeric, Width: width}},
			Targets: []ingest.ColumnEncoding{{Column: "class", Kind: ingest.OneHot, Width: 2, Vocabulary: []string{"a", "b"}}}}
		if id != "" {
			e.ID = []string{id}
		}
		return e
	}
	for _, c := range []struct {
		name   string
		schema *arrow.Schema
		e      *ingest.Encoding
		n      Naming
		want   string // layout, ids, time; or a part of the error
		told   string
	}{
		{"as in training", schema("x", list(f), "class", text), model(ingest.Nested, "", "", 1), Naming{}, "nested  ", ""},
		{"other names", schema("series_id", i, "t", i, "x", f, "class", text), model(ingest.Long, "seq_id", "step", 1), Naming{}, "long series_id t", "sequence id: column series_id"},
		{"nested to long", schema("id", i, "t", i, "x", list(f), "class", text), model(ingest.Nested, "id", "", 3), Naming{}, "long id t", "time: column t"},
		{"long to nested", schema("id", i, "x", list(list(f)), "class", text), model(ingest.Long, "id", "t", 3), Naming{}, "nested id ", "layout nested"},
		{"no id", schema("x", list(list(f)), "class", text), model(ingest.Nested, "key", "", 3), Naming{}, "nested  ", "there is no column key"},
		{"no time", schema("id", i, "x", f, "class", text), model(ingest.Long, "id", "t", 1), Naming{}, "long id ", "there is no column t"},
		{"said", schema("key", i, "when", i, "x", f, "class", text), model(ingest.Nested, "id", "", 1), Naming{ingest.Long, []string{"key"}, "when"}, "long key when", ""},
		{"without targets", schema("series_id", i, "x", f), model(ingest.Long, "id", "", 1).InputsOnly(), Naming{}, "long series_id ", "sequence id"},
		{"several ids", schema("series_id", i, "item_id", i, "x", f, "class", text), model(ingest.Long, "id", "", 1), Naming{}, "several columns could be the sequence id", ""},
		{"no input", schema("id", i, "y", f, "class", text), model(ingest.Long, "id", "", 1), Naming{ID: []string{"id"}}, `no column "x"`, ""},
		{"sequences for rows", schema("id", i, "x", list(list(f)), "class", text), model(ingest.Flat, "id", "", 3), Naming{}, "rows of one time-step", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, notes, err := relate(c.schema, c.e, c.n)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			if got := string(e.Layout) + " " + strings.Join(e.ID, ",") + " " + e.Time; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if told := strings.Join(notes, "\n"); (c.told == "") != (told == "") || !strings.Contains(told, c.told) {
				t.Errorf("told %q, want %q", told, c.told)
			}
		})
	}
}
