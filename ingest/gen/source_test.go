package gen

import (
	"errors"
	"strings"
	"testing"

	"curvestream/ingest"
)

func TestOpen(t *testing.T) {
	endless, err := Open("gen:addition?length=50&seed=9")
	if err != nil {
		t.Fatal(err)
	}
	if endless.Len() != ingest.Endless || endless.Unit(1000).FirstRow != 1_000_000 {
		t.Errorf("Len %d, unit 1000 %+v", endless.Len(), endless.Unit(1000))
	}
	finite, err := Open("gen:curves?n=1001")
	if err != nil {
		t.Fatal(err)
	}
	if finite.Len() != 2 || finite.Unit(1).Rows != 1 {
		t.Errorf("Len %d, unit 1 %+v", finite.Len(), finite.Unit(1))
	}
	rec, err := finite.Read(t.Context(), 1, []int{1})
	if err != nil || rec.NumRows() != 1 || rec.NumCols() != 1 || rec.ColumnName(0) != "x" {
		t.Errorf("read %v, %v", rec, err)
	}
	if all, _ := Open("gen:noiseless-memory-5bit?length=20"); all.Len() != 1 || all.Unit(0).Rows != 32 {
		t.Errorf("the 5-bit task has %d units", all.Len())
	}
}

func TestBadSpecifications(t *testing.T) {
	for spec, want := range map[string]string{
		"addition":                       "want gen:TASK",
		"gen:adition":                    `did you mean "addition"?`,
		"gen:addition?lenght=5":          `did you mean "length"?`,
		"gen:addition?length=5":          "from 10 to",
		"gen:addition?length=-5":         `cannot be "-5"`,
		"gen:addition?n=0":               `cannot be "0"`,
		"gen:addition?seed=x":            `cannot be "x"`,
		"gen:addition?seed=1&seed=2":     "given 2 times",
		"gen:curves?length=10":           "unknown parameter of curves",
		"gen:addition?length=%zz":        "cannot be read",
		"gen:addition?length=9999999999": "cannot be",
	} {
		_, err := Open(spec)
		if _, ok := errors.AsType[*ingest.Error](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}
