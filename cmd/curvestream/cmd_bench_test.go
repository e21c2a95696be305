package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// measuring returns the arguments of a measurement that takes a moment.
func measuring(what string, more ...string) []string {
	return append([]string{"bench", what, "--hidden", "3-6*2", "--batch", "8", "--length", "2", "-r", "2", "--sample-seconds", "0.0001"}, more...)
}

func TestBench(t *testing.T) {
	for _, what := range []string{"kernel", "gv", "gradient", "iteration"} {
		o := must(t, measuring(what, "-j", "1,2", "-o", "json", "-oe", "jsonl", "--progress", "none")...)
		var report struct {
			Schema  string
			Machine struct{ Kernels string }
			Rows    []map[string]any
		}
		if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
			t.Fatalf("%s: %v in %s", what, err, o.stdout)
		}
		if len(report.Rows) < 4 || !strings.HasPrefix(report.Machine.Kernels, "cpu/") {
			t.Errorf("%s: %+v", what, report)
		}
		if lines := strings.Count(o.stderr, "\n"); lines != len(report.Rows) {
			t.Errorf("%s: %d lines on standard error for %d rows", what, lines, len(report.Rows))
		}
	}
	o := must(t, measuring("gv")...)
	if strings.Count(o.stdout, "| gv/rnn |") != 2 || !strings.Contains(o.stderr, "2/2 gv/rnn hidden 6") {
		t.Errorf("table %s\nprogress %s", o.stdout, o.stderr)
	}
	if v := object(t, measuring("gradient")...); v["schema"] != "curvestream.bench/1" {
		t.Errorf("--json: %v", v)
	}
}

// A baseline that was ten thousand times faster is a regression; one that was slower is none; the table comes either way.
func TestBenchBaseline(t *testing.T) {
	dir := t.TempDir()
	saved := []byte(must(t, measuring("gv", "-o", "json")...).stdout)
	for factor, exit := range map[string]int{"1e-9": 1, "1e+3": 0} {
		path := filepath.Join(dir, factor)
		if err := os.WriteFile(path, withCPUSeconds(t, saved, factor), 0o644); err != nil {
			t.Fatal(err)
		}
		o := call(measuring("gv", "--baseline", path, "--max-regress", "5%")...)
		if o.exit != exit || strings.Count(o.stdout, "| gv/rnn |") != 2 || !strings.Contains(o.stdout, "against the baseline") {
			t.Errorf("baseline of %s s: exit %d\n%s%s", factor, o.exit, o.stdout, o.stderr)
		}
		if exit == 1 && !strings.Contains(o.stderr, "2 of 2 rows are slower") {
			t.Errorf("the regression is told as %s", o.stderr)
		}
	}
	if o := call(measuring("gradient", "--baseline", filepath.Join(dir, "1e-9"))...); o.exit != 65 {
		t.Errorf("a baseline of other rows: exit %d\n%s", o.exit, o.stderr)
	}
}

// withCPUSeconds sets the processor time of all rows of a report.
func withCPUSeconds(t *testing.T, report []byte, seconds string) []byte {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(report, &v); err != nil {
		t.Fatal(err)
	}
	for _, row := range v["rows"].([]any) {
		row.(map[string]any)["cpu_seconds"] = json.Number(seconds)
	}
	var out bytes.Buffer
	if err := json.NewEncoder(&out).Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBenchMistakes(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"bench"}, 64, "needs a command: kernel"},
		{[]string{"bench", "kernels"}, 64, `did you mean "kernel"?`},
		{measuring("gv", "--hiden", "3"), 64, "did you mean --hidden?"},
		{measuring("gv", "-j", "0"), 64, "--threads"},
		{measuring("gv", "--in", "2,3"), 64, "give one number"},
		{measuring("gv", "--net", "lstm"), 64, "use one of rnn, curves"},
		{measuring("kernel", "--kernel", "gemm"), 64, "use one of gemm_nn"},
		{measuring("gv", "-o", "jsn"), 64, `did you mean "json"?`},
		{measuring("gv", "--max-regress", "x", "--baseline", broken), 64, "--max-regress"},
		{measuring("gv", "--baseline", broken), 65, "broken.json"},
		{measuring("gv", "--baseline", broken+"2"), 66, "broken.json2"},
		{measuring("gv", "x"), 64, "takes no argument"},
	} {
		o := call(c.args...)
		if o.exit != c.exit || !strings.Contains(o.stderr, c.want) || o.stdout != "" {
			t.Errorf("%v: exit %d, want %d and %q\n%s%s", c.args, o.exit, c.exit, c.want, o.stdout, o.stderr)
		}
	}
}
