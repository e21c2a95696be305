package ingest

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// inferCases are columns, and their roles or what is wrong with them.
var inferCases = map[string]struct {
	schema *arrow.Schema
	o      RoleOptions
	want   Roles  // without notes
	err    string // a part of the error
	fix    string
}{
	"nested": {
		schema: schemaOf("id", i64, "x", list(f32), "y", f32),
		want:   Roles{Layout: Nested, ID: []string{"id"}, Inputs: []string{"x"}, Targets: []string{"y"}, Form: "last"},
	},
	"names in any case, helpers, a split, a scalar": {
		schema: schemaOf("Series_ID", str, "x", list(f32), "Label", list(str), "split", str, "mask", list(i8), "weight", f64, "age", f64),
		want: Roles{Layout: Nested, ID: []string{"Series_ID"}, Inputs: []string{"x"}, Static: []string{"age"}, Targets: []string{"Label"}, Mask: "mask", Weight: "weight",
			Ignored: []string{"split"}, Form: "each"},
	},
	"long": {
		schema: schemaOf("session_id", i64, "timestamp", arrow.DataType(arrow.FixedWidthTypes.Timestamp_us), "a", f32, "kind", category(), "target", f32),
		want:   Roles{Layout: Long, ID: []string{"session_id"}, Time: "timestamp", Inputs: []string{"a", "kind"}, Targets: []string{"target"}},
	},
	"long with vectors": {
		schema: schemaOf("id", i64, "step", i64, "v", list(f32), "y", f32),
		want:   Roles{Layout: Long, ID: []string{"id"}, Time: "step", Inputs: []string{"v"}, Targets: []string{"y"}},
	},
	"a row with a date and a list may be both": {
		schema: schemaOf("id", i64, "date", i64, "v", list(f32), "y", f32),
		err:    "may be a time-step with a vector or a whole sequence", fix: "--layout long",
	},
	"text": {
		schema: schemaOf("id", i64, "text", str),
		want:   Roles{Layout: Nested, ID: []string{"id"}, Inputs: []string{"text"}, Form: "next"},
	},
	"text and a label": {
		schema: schemaOf("id", i64, "text", str, "label", str),
		want:   Roles{Layout: Nested, ID: []string{"id"}, Inputs: []string{"text"}, Targets: []string{"label"}, Form: "last"},
	},
	"an autoencoder": {
		schema: schemaOf("id", i64, "pixels", list(u8)), o: RoleOptions{Layout: Flat, Inputs: []string{"pixels"}, Targets: []string{"pixels"}},
		want: Roles{Layout: Flat, ID: []string{"id"}, Inputs: []string{"pixels"}, Targets: []string{"pixels"}, Form: "each"},
	},
	"given inputs leave the rest out": {
		schema: schemaOf("id", i64, "a", list(f32), "b", list(f32), "y", f32), o: RoleOptions{Inputs: []string{"b"}},
		want: Roles{Layout: Nested, ID: []string{"id"}, Inputs: []string{"b"}, Targets: []string{"y"}, Ignored: []string{"a"}, Form: "last"},
	},
	"no target among numbers": {
		schema: schemaOf("id", i64, "x", list(f32)),
		err:    "what is to be predicted? Candidates: x", fix: "--form next",
	},
	"no target beside a scalar": {
		schema: schemaOf("id", i64, "x", lists(f32), "speaker", str),
		err:    "Candidates: speaker, x", fix: "--targets speaker (one a sequence)",
	},
	"two targets": {
		schema: schemaOf("id", i64, "x", list(f32), "y", f32, "label", str),
		err:    "several columns could be the target: y, label", fix: "--targets y",
	},
	"two ids": {
		schema: schemaOf("series_id", i64, "id", i64, "x", f32, "y", f32),
		err:    "several columns could be the sequence id: series_id, id", fix: "--id series_id",
	},
	"nothing says what a row is": {
		schema: schemaOf("a", f32, "y", f32),
		err:    "it is not clear what a row is", fix: "--layout flat",
	},
	"no inputs": {
		schema: schemaOf("id", i64, "y", f32),
		err:    "no column is left to be an input", fix: "--inputs",
	},
	"unknown column": {
		schema: schemaOf("id", i64, "cepstra", list(f32), "y", f32), o: RoleOptions{Inputs: []string{"cepstar"}},
		err: `no column "cepstar" for the inputs; the columns are id, cepstra, y`, fix: `did you mean "cepstra"?`,
	},
	"unknown word": {
		schema: schemaOf("id", i64, "x", list(f32), "y", f32), o: RoleOptions{Missing: "drop"},
		err: `--missing cannot be "drop"`,
	},
	"misspelt word": {
		schema: schemaOf("id", i64, "x", list(f32), "y", f32), o: RoleOptions{Layout: "nestd"},
		err: `--layout cannot be "nestd"`, fix: `did you mean "nested"?`,
	},
	"two roles": {
		schema: schemaOf("id", i64, "x", list(f32), "y", f32), o: RoleOptions{Inputs: []string{"x"}, Static: []string{"x"}},
		err: "is named in --inputs and in --static",
	},
	"next with targets": {
		schema: schemaOf("id", i64, "x", list(f32)), o: RoleOptions{Form: "next", Targets: []string{"x"}},
		err: "with --form next the targets are the next inputs",
	},
	"targets of two forms": {
		schema: schemaOf("id", i64, "x", list(f32), "a", list(f32), "b", f32), o: RoleOptions{Targets: []string{"a", "b"}},
		err: `is a target of the form "last"`, fix: "--form last",
	},
}

// What columns are for is told from names and types, and never guessed among several.
func TestInfer(t *testing.T) {
	for name, test := range inferCases {
		t.Run(name, func(t *testing.T) {
			r, err := Infer(test.schema, test.o)
			if test.err != "" {
				e, ok := errors.AsType[*Error](err)
				if !ok || !strings.Contains(e.Error(), test.err) || !strings.Contains(e.Hint, test.fix) || e.Code == "" {
					t.Fatalf("error %v, want %q with the fix %q", err, test.err, test.fix)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Notes) == 0 {
				t.Error("no reason is given")
			}
			r.Notes = nil
			if !sameRoles(r, test.want) {
				t.Errorf("\n got %+v\nwant %+v", r, test.want)
			}
		})
	}
}

// sameRoles does not tell nil from empty.
func sameRoles(a, b Roles) bool {
	for _, r := range []*Roles{&a, &b} {
		for _, s := range []*[]string{&r.ID, &r.Inputs, &r.Static, &r.Targets, &r.Ignored} {
			if len(*s) == 0 {
				*s = nil
			}
		}
	}
	return reflect.DeepEqual(a, b)
}

func TestNearest(t *testing.T) {
	words := []string{"addition", "multiplication", "xor", "nested"}
	for name, want := range map[string]string{"adition": "addition", "Addition": "addition", "xro": "xor", "multiplicaton": "multiplication", "nsetd": "", "zzz": "", "": "", "neste": "nested"} {
		if got := Nearest(name, words); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
