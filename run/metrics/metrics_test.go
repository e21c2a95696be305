package metrics

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type inner struct {
	A int `json:"a"`
}

type outer struct {
	inner
	X      float64  `json:"x"`
	Y      *float64 `json:"y"`
	Z      float64  `json:"z,omitempty"`
	hidden int
}

func TestRowIsValidJSONWhateverTheValues(t *testing.T) {
	inf := math.Inf(-1)
	for _, c := range []struct {
		v    any
		want string
	}{
		{outer{inner{1}, 2.5, nil, 0, 9}, `{"a":1,"x":2.5,"y":null}`},
		{outer{inner{1}, math.NaN(), &inf, 3, 9}, `{"a":1,"x":null,"y":null,"z":3,"nonfinite":{"x":"NaN","y":"-Inf"}}`},
		{struct{}{}, `{}`},
	} {
		got, err := json.Marshal(RowOf(c.v))
		if err != nil || string(got) != c.want {
			t.Errorf("%s %v, want %s", got, err, c.want)
		}
	}
}

func TestRewind(t *testing.T) {
	lines := func(iters ...int) string {
		var b strings.Builder
		for _, i := range iters {
			text, _ := json.Marshal(map[string]int{"iter": i})
			b.Write(append(text, '\n'))
		}
		return b.String()
	}
	for _, c := range []struct{ name, before, keep, drop string }{
		{"nothing to do", lines(0, 1, 2), lines(0, 1, 2), ""},
		{"later rows", lines(0, 1, 2, 3, 4), lines(0, 1, 2), lines(3, 4)},
		{"a cut line", lines(0, 1) + `{"it`, lines(0, 1), "{\"it\n"},
		{"a cut line that parses", lines(0, 1) + `{"iter":2}`, lines(0, 1), lines(2)},
		{"empty", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path, discarded := filepath.Join(dir, "m"), filepath.Join(dir, "d")
			if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time finds nothing more
				if err := Rewind(path, discarded, 2); err != nil {
					t.Fatal(err)
				}
			}
			keep, _ := os.ReadFile(path)
			drop, _ := os.ReadFile(discarded)
			if string(keep) != c.keep || string(drop) != c.drop {
				t.Errorf("kept %q, dropped %q", keep, drop)
			}
		})
	}
	if err := Rewind(filepath.Join(t.TempDir(), "absent"), "", 0); err != nil {
		t.Error(err)
	}
}

func TestEveryPrefixOfTheFileIsReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	w, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := w.Write(Row{{"iter", i}, {"x", math.Inf(1)}}); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if !json.Valid([]byte(line)) {
				t.Errorf("line %q", line)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
