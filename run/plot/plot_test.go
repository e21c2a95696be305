package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/run/fault"
	"curvestream/run/rundir"
)

const (
	rows = `{"event":"start","sequences":10}
{"event":"iter","iter":1,"f":3.5,"rho":0.9,"damping_used":1,"cg_steps":12,"cg_used":7,"alpha":1,"grad_norm":2,"step_norm":1,"products":12}
{"event":"iter","iter":2,"f":null,"rho":null,"damping_used":0.6,"cg_steps":14,"cg_used":14,"alpha":0,"grad_norm":1,"step_norm":0,"products":26}
{"event":"eval","iter":2,"loss":4}
{"event":"iter","iter":3,"f":1.5,"rho":-7,"damping_used":0.4,"cg_steps":3,"cg_used":3,"alpha":0.8,"grad_norm":1,"step_norm":0.5,"products":29}
`
	runs = `{"iter":1,"steps":[1,2,3],"M":[-1,-2,-2.5],"f":[null,-1.5,-1.25],"norm":[1,2,3],"chosen":2,"stop":"progress"}
{"iter":3,"steps":[1],"M":[-1],"f":[-0.5],"norm":[1],"chosen":1,"stop":"max"}
`
)

func runOf(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	dir, err := rundir.Create(path, map[string][]byte{"run.json": []byte(`{"schema": "curvestream.run/1"}`)})
	if err != nil {
		t.Fatal(err)
	}
	dir.Unlock()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Each picture is well formed in each format, has its panels, and says what it shows.
func TestDraw(t *testing.T) {
	run := runOf(t, map[string]string{"metrics.jsonl": rows, "cg.jsonl": runs})
	for _, c := range []struct {
		options Options
		panels  int
		texts   []string
	}{
		{Options{What: "run"}, 6, []string{"objective", "valid", "lambda", "reduction ratio", "chosen"}},
		{Options{What: "cg"}, 2, []string{"iteration 1, CG ended by progress", "iteration 3, CG ended by max", "CG step"}},
		{Options{What: "cg", Iter: 3}, 1, []string{"iteration 3, CG ended by max"}},
	} {
		for _, format := range Formats {
			c.options.Path = filepath.Join(t.TempDir(), "picture."+format)
			done, err := Draw(run, c.options)
			if err != nil || done.Panels != c.panels {
				t.Fatalf("%+v: %+v, %v; want %d panels", c.options, done, err, c.panels)
			}
			picture, err := os.ReadFile(c.options.Path)
			if err != nil {
				t.Fatal(err)
			}
			switch format {
			case "svg":
				text := wellFormed(t, picture)
				for _, want := range c.texts {
					if !strings.Contains(text, want) {
						t.Errorf("%+v: the picture does not say %q", c.options, want)
					}
				}
			case "png":
				if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
					t.Errorf("%+v: %v", c.options, err)
				}
			case "pdf":
				if !bytes.HasPrefix(picture, []byte("%PDF-")) {
					t.Errorf("%+v: no PDF", c.options)
				}
			}
			if _, err := Draw(run, c.options); err == nil {
				t.Error("a file that exists is replaced")
			}
			c.options.Overwrite = true
			if _, err := Draw(run, c.options); err != nil {
				t.Errorf("overwriting: %v", err)
			}
			c.options.Overwrite = false
		}
	}
}

// wellFormed returns the text of an XML document.
func wellFormed(t *testing.T, document []byte) string {
	t.Helper()
	var text strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			text.Write(chars)
		}
	}
}

// What cannot be drawn is said, with what to do.
func TestDrawRefuses(t *testing.T) {
	run, empty := runOf(t, map[string]string{"metrics.jsonl": rows, "cg.jsonl": runs}), runOf(t, nil)
	for name, c := range map[string]struct {
		run     string
		options Options
		code    string
	}{
		"format":        {run, Options{Path: "a.gif", What: "run"}, "usage.wrong_value"},
		"what":          {run, Options{Path: "a.svg", What: "x"}, "usage.wrong_value"},
		"no iteration":  {empty, Options{Path: "a.svg", What: "run"}, "plot.empty"},
		"no trace":      {empty, Options{Path: "a.svg", What: "cg"}, "plot.empty"},
		"not this one":  {run, Options{Path: "a.svg", What: "cg", Iter: 2}, "plot.empty"},
		"not a run":     {t.TempDir(), Options{Path: "a.svg", What: "run"}, "run.missing"},
		"damaged trace": {runOf(t, map[string]string{"cg.jsonl": "{\n"}), Options{Path: "a.svg", What: "cg"}, "metrics.damaged"},
	} {
		c.options.Path = filepath.Join(t.TempDir(), c.options.Path)
		_, err := Draw(c.run, c.options)
		if f := fault.Of(err); err == nil || f.Code != c.code || f.Hint == "" && c.code != "usage.wrong_value" {
			t.Errorf("%s: %v (%s), want %s", name, err, f.Code, c.code)
		}
		if _, err := os.Stat(c.options.Path); err == nil {
			t.Errorf("%s: a file was left", name)
		}
	}
}

// A long run shows the first and the last CG run and some between, in their order.
func TestSpread(t *testing.T) {
	for _, n := range []int{1, 9, 10, 250} {
		all := make([]search, n)
		for i := range all {
			all[i].Iter = i + 1
		}
		some := spread(all)
		if len(some) != min(n, mostSearches) || some[0].Iter != 1 || some[len(some)-1].Iter != n {
			t.Errorf("%d runs: %v", n, some)
		}
		for i := 1; i < len(some); i++ {
			if some[i].Iter <= some[i-1].Iter {
				t.Errorf("%d runs: out of order", n)
			}
		}
	}
}
