package main

import (
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

// Data are split into parts that share no sequence, nested and long files alike, and sorted data are the data.
func TestSplitAndSort(t *testing.T) {
	data := shared.Dir(t, "data")
	nested, long := filepath.Join(data, "japanese_vowels_train.parquet"), filepath.Join(data, "japanese_vowels_train_long.parquet")
	dir := t.TempDir()
	var sizes [2][]any
	for i, from := range []string{nested, long} {
		out := filepath.Join(dir, filepath.Base(from))
		o := object(t, "data", "split", from, "-o", out, "--parts", "train=0.7,test=0.3", "--seed", "5", "--format", "arrow")
		for _, p := range o["parts"].([]any) {
			part := p.(map[string]any)
			sizes[i] = append(sizes[i], part["groups"])
			v := object(t, "data", "validate", part["path"].(string), "--targets", "speaker")
			if v["ok"] != true || v["sequences"] != part["groups"] {
				t.Errorf("%v: %v", part, v)
			}
		}
	}
	if sizes[0][0] != sizes[1][0] || sizes[0][1] != sizes[1][1] || sizes[0][0].(float64)+sizes[0][1].(float64) != 270 {
		t.Errorf("parts of nested and long data have %v sequences", sizes)
	}
	sorted := filepath.Join(dir, "sorted.parquet")
	if o := object(t, "data", "convert", long, "--sort", "-o", sorted, "--memory", "16MiB"); o["rows"] != 4274.0 {
		t.Errorf("%v", o)
	}
	if a, b := must(t, "data", "stats", long).stdout, must(t, "data", "stats", sorted).stdout; a != b {
		t.Errorf("statistics of sorted data\n%s\nwant\n%s", b, a)
	}
	for _, c := range []struct {
		args string
		exit int
		want string
	}{
		{"data split " + long + " -o " + filepath.Join(dir, filepath.Base(long)) + " --format arrow", 73, "[output.exists]"},
		{"data split " + long + " -o " + dir + " --parts train=0.9", 64, "sum to 0.9"},
		{"data split " + long + " -o " + dir + " --parts ../x=1", 64, "cannot be the name"},
		{"data split " + long + " -o " + dir + " --format csv", 64, "parquet or arrow"},
		{"data split " + long, 64, "-o DIR"},
		{"data convert " + long + " --temp x -o " + filepath.Join(dir, "y.parquet"), 64, "--sort"},
		{"data convert " + long + " --sort --id nope -o " + filepath.Join(dir, "y.parquet"), 65, "nope"},
	} {
		if o := call(strings.Fields(c.args)...); o.exit != c.exit || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", c.args, o.exit, c.exit, c.want, o.stderr)
		}
	}
}

// Folders named key=value are columns with roles, and every command that looks at data prints tables.
func TestFoldersAreColumns(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(shared.Dir(t, "data"), "jsb_chorales_valid.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"year=2020/part-0.parquet", "year=2021/part-0.parquet", "_SUCCESS"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	o := object(t, "data", "inspect", dir, "--id", "year,id", "--full")
	if o["sequences"] != 152.0 || !strings.Contains(must(t, "data", "head", dir, "--id", "year,id", "-n", "1").stdout, "year (id): 2020") {
		t.Errorf("%v", o)
	}
	for _, command := range []string{"inspect", "head", "stats", "validate"} {
		args := []string{"data", command, dir, "--id", "id", "--format", "csv"}
		out := call(args...)
		rows, err := csv.NewReader(strings.NewReader(out.stdout)).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Errorf("%v: %v, %v\n%s", args, rows, err, out.stderr)
		}
	}
}

// Training from a URL has the bits of training from the file.
func TestTrainFromURL(t *testing.T) {
	data := shared.Dir(t, "data")
	s := httptest.NewServer(http.FileServer(http.Dir(data)))
	defer s.Close()
	dir := t.TempDir()
	var digests []any
	for i, from := range []string{filepath.Join(data, "japanese_vowels_train.parquet"), s.URL + "/japanese_vowels_train.parquet"} {
		run := filepath.Join(dir, string(rune('a'+i)))
		must(t, "train", "--data", from, "--targets", "speaker", "--hidden", "5", "--iterations", "2", "--seed", "1", "--run", run, "--quiet")
		digests = append(digests, object(t, "eval", run, "--data", from)["loss"])
	}
	if digests[0] != digests[1] {
		t.Errorf("losses %v", digests)
	}
	if o := call("data", "inspect", s.URL+"/none.parquet"); o.exit != 66 || !strings.Contains(o.stderr, s.URL+"/none.parquet: there is no such object") {
		t.Errorf("exit %d: %s", o.exit, o.stderr)
	}
	if o := call("data", "head", "grpc://127.0.0.1:1/x"); o.exit != 65 || !strings.Contains(o.stderr, "grpc://127.0.0.1:1/x") {
		t.Errorf("exit %d: %s", o.exit, o.stderr)
	}
	if o := call("data", "head", "grpc://127.0.0.1:1/x", "more.parquet"); o.exit != 64 {
		t.Errorf("exit %d: %s", o.exit, o.stderr)
	}
}
