package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/ingest"
)

// sequences writes a Parquet file with an id and a column of rows in JSON.
func sequences(t *testing.T, column string, kind arrow.DataType, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sequences.parquet")
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: column, Type: kind}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, row := range rows {
		if err := b.UnmarshalJSON(fmt.Appendf(nil, `{"id":"s%d",%q:%s}`, i, column, row)); err != nil {
			t.Fatal(err)
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	w, err := ingest.NewWriter(path, ingest.WriteOptions{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// nextStep trains a small model to predict the next time-step of cycles that begin at each of their places.
func nextStep(t *testing.T, column string, kind arrow.DataType, elements []string, open, between, end string, more ...string) (run, data string) {
	t.Helper()
	var rows []string
	for i := range 12 {
		var cycle []string
		for k := range 9 + i%3 {
			cycle = append(cycle, elements[(i+k)%len(elements)])
		}
		rows = append(rows, open+strings.Join(cycle, between)+end)
	}
	data, run = sequences(t, column, kind, rows...), filepath.Join(t.TempDir(), "run")
	must(t, append([]string{"train", "--data", data, "--form", "next", "--hidden", "12,8", "--init", "glorot", "--spectral-radius", "0", "--iterations", "40",
		"--seed", "1", "--run", run, "-q"}, more...)...)
	return run, data
}

// A model of a text that repeats goes on with it, from a prime as from data, in all formats, and equally from an equal seed.
func TestGenerateText(t *testing.T) {
	run, data := nextStep(t, "text", arrow.BinaryTypes.String, []string{"a", "b", "c", "ä"}, `"`, "", `"`)
	if o := must(t, "predict", run, "--generate", "6", "--prime", "cäab", "--temperature", "0"); o.stdout != "cäabcäabcä\n" {
		t.Errorf("the model goes on with %q", o.stdout)
	}
	out := filepath.Join(t.TempDir(), "g.jsonl")
	if r := object(t, "predict", run, "--generate", "5", "--data", data, "--temperature", "0", "-o", out); r["sequences"] != 12.0 || r["start"] != "the sequences of the data" {
		t.Error(r)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range lines(t, string(text)) {
		want := ""
		for k := range 5 {
			want += string([]rune("abcä")[(i+9+i%3+k)%4])
		}
		if row["id"] != fmt.Sprintf("s%d", i) || row["text"] != want {
			t.Errorf("sequence %d goes on with %v, want %q", i, row, want)
		}
	}
	draw := func(seed, threads string) string {
		return must(t, "predict", run, "--generate", "30", "--samples", "3", "--temperature", "3", "--seed", seed, "-j", threads).stdout
	}
	if one := draw("1", "1"); one != draw("1", "2") || one == draw("2", "1") || strings.Count(one, "\n") != 5 || strings.Fields(one)[0] == strings.Fields(one)[1] {
		t.Errorf("what is drawn does not depend on seed and place alone: %q", one)
	}
}

// A model of sets of indices goes on with them, and what it generates is data that the program reads as the training data.
func TestGenerateSets(t *testing.T) {
	run, _ := nextStep(t, "pitches", arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32)), []string{"[0,2]", "[1]", "[]", "[1,2,3]"}, "[", ",", "]", "--arch", "gru", "--output-layers", "6")
	if o := must(t, "predict", run, "--generate", "4", "--prime", "0,2;1;", "--temperature", "0"); o.stdout != "0 2\n1\n\n1 2 3\n0 2\n1\n\n" {
		t.Errorf("the model goes on with %q", o.stdout)
	}
	dir := t.TempDir()
	again := filepath.Join(dir, "again.parquet")
	must(t, "predict", run, "--generate", "7", "--samples", "20", "--seed", "5", "-o", again)
	if r := object(t, "eval", run, "--data", again); r["sequences"] != 20.0 || r["steps"] != 120.0 {
		t.Error(r)
	}
	table := filepath.Join(dir, "table.csv")
	must(t, "predict", run, "--generate", "2", "--prime", "1", "--temperature", "0", "-o", table)
	if text, err := os.ReadFile(table); err != nil || string(text) != "id,step,pitches\n0,0,\n0,1,1 2 3\n" {
		t.Errorf("%q, %v", text, err)
	}
	if o := call("predict", run, "--generate", "2", "-o", table); o.exit != 73 || !strings.Contains(o.stderr, "--overwrite") {
		t.Errorf("a file that exists: exit %d\n%s", o.exit, o.stderr)
	}
}

// A model of numbers goes on with its predictions, in the units of the data.
func TestGenerateNumbers(t *testing.T) {
	run, _ := nextStep(t, "x", arrow.ListOf(arrow.PrimitiveTypes.Float64), []string{"10", "30", "20"}, "[", ",", "]", "--normalize", "zscore", "--window", "6")
	for i, line := range strings.Fields(must(t, "predict", run, "--generate", "3", "--prime", "10;30;20;10").stdout) {
		var x float64
		if _, err := fmt.Sscan(line, &x); err != nil || x < []float64{10, 30, 20}[i%3]-2 || x > []float64{10, 30, 20}[i%3]+2 {
			t.Errorf("time-step %d is %s", i, line)
		}
	}
}

// What cannot be generated is refused with the reason.
func TestGenerateMistakes(t *testing.T) {
	run, data := nextStep(t, "text", arrow.BinaryTypes.String, []string{"a", "b"}, `"`, "", `"`)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"at least one time-step", []string{"--generate", "0"}},
		{"--temperature", []string{"--generate", "2", "--temperature", "-1"}},
		{"--samples", []string{"--generate", "2", "--samples", "0"}},
		{`"x": not among the 2 values that text had`, []string{"--generate", "2", "--prime", "abx"}},
		{"both --data and --prime", []string{"--generate", "2", "--prime", "a", "--data", data}},
		{"--samples is for generating without data", []string{"--generate", "2", "--samples", "3", "--data", data}},
		{"--prime is for generating", []string{"--prime", "a", "--data", data, "-o", "x.parquet"}},
		{"--keep-cols", []string{"--generate", "2", "--keep-cols", "id"}},
	} {
		if o := call(append([]string{"predict", run}, c.args...)...); o.exit != 64 || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%v: exit %d, want %q\n%s", c.args, o.exit, c.want, o.stderr)
		}
	}
	classifier := speakers(t, "japanese_vowels_train.parquet")
	if o := call("predict", classifier, "--generate", "2"); o.exit != 64 || !strings.Contains(o.stderr, "--form next") {
		t.Errorf("a classifier: exit %d\n%s", o.exit, o.stderr)
	}
}
