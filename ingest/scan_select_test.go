package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// fitSelected fits to what a selection takes, one unit a record.
func fitSelected(schema *arrow.Schema, o RoleOptions, by *Selection, recs ...arrow.Record) (*Encoding, []*UnitScan, error) {
	f, err := NewFitter(schema, o)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Select(schema, by); err != nil {
		return nil, nil, err
	}
	var scans []*UnitScan
	for i, rec := range recs {
		u, err := f.Scan(unitOf(i, rec), pick(rec, f.Columns()))
		if err == nil {
			err = f.Merge(u)
		}
		if err != nil {
			return nil, nil, err
		}
		scans = append(scans, u)
	}
	e, err := f.Encoding()
	return e, scans, err
}

// What a selection leaves out has no share in vocabularies and statistics, may be flawed, and is marked.
func TestSelection(t *testing.T) {
	schema := schemaOf("id", i64, "x", list(f64), "y", str, "part", str)
	rec := rowsOf(t, schema, `{"id":1,"x":[1,3],"y":"a","part":"train"}`, `{"id":2,"x":[null,900],"y":"c","part":"valid"}`, `{"id":3,"x":[1,3],"y":"b","part":"train"}`)
	o := RoleOptions{Normalize: "zscore", Ignore: []string{"part"}}
	byColumn := &Selection{Column: "part", Parts: []string{"train", "valid"}, Keep: func(_, part string) bool { return part == "train" }}
	byID := &Selection{Keep: func(id, _ string) bool { return id != "2" }}
	for name, by := range map[string]*Selection{"column": byColumn, "id": byID} {
		e, scans, err := fitSelected(schema, o, by, rec)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e.Inputs[0].Mean[0] != 2 || fmt.Sprint(e.Targets[0].Vocabulary) != "[a b]" || e.Inputs[0].Type != "float64" || e.Targets[0].Type != "utf8" {
			t.Errorf("%s: %+v", name, e)
		}
		if s := scans[0].Spans; s[0].Elsewhere || !s[1].Elsewhere || s[1].Drop == "" || s[2].Elsewhere || scans[0].Steps != 4 || scans[0].Dropped != 1 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	long := schemaOf("id", i64, "x", f64, "y", f64, "part", str, "n", i64)
	row := `{"id":1,"x":1,"y":1,"part":%s,"n":1}`
	for _, c := range []struct {
		column string
		units  [][]string
		want   string
	}{
		{"part", [][]string{{`"train"`, `"valid"`}}, `changes from "train" to "valid"`},
		{"part", [][]string{{`"train"`}, {`"valid"`}}, "changes within it"},
		{"part", [][]string{{`"dev"`}}, `"dev" is not one of train, valid`},
		{"part", [][]string{{"null"}}, "is null"},
		{"n", [][]string{{`"train"`}}, "a split column holds texts"},
		{"prat", [][]string{{`"train"`}}, `did you mean "part"?`},
	} {
		var recs []arrow.Record
		for _, parts := range c.units {
			var rows []string
			for _, p := range parts {
				rows = append(rows, fmt.Sprintf(row, p))
			}
			recs = append(recs, rowsOf(t, long, rows...))
		}
		by := *byColumn
		by.Column = c.column
		_, _, err := fitSelected(long, RoleOptions{Ignore: []string{"part", "n"}}, &by, recs...)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "fix: ") && !strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
