package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

// Data are copied to another format, digested, and refused from then on where a byte of them has changed.
func TestConvertAndManifest(t *testing.T) {
	from := filepath.Join(shared.Dir(t, "data"), "jsb_chorales_test.parquet")
	dir := t.TempDir()
	copied := filepath.Join(dir, "copy.arrow")
	if o := object(t, "data", "convert", from, "-o", copied, "--compression", "none", "--row-group-rows", "20"); o["rows"] != 77.0 || o["path"] != copied {
		t.Errorf("%v", o)
	}
	if o := object(t, "data", "manifest", dir); o["row_groups"] != 4.0 || o["manifest"] != filepath.Join(dir, "_digests.json") {
		t.Errorf("%v", o)
	}
	if v := object(t, "data", "validate", copied); v["ok"] != true {
		t.Errorf("%v", v)
	}
	b, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		exit int
		want string
	}{
		{"data validate " + copied, 65, "[data.digest]"},
		{"train --data " + copied + " --run " + filepath.Join(dir, "run"), 65, "[data.digest]"},
		{"data convert " + copied + " -o " + filepath.Join(dir, "more.parquet"), 65, "[data.digest]"},
		{"data convert " + from + " --manifest " + filepath.Join(dir, "_digests.json") + " -o " + filepath.Join(dir, "more.parquet"), 65, "[data.undigested]"},
		{"data manifest " + dir, 73, "[output.exists]"},
		{"data convert " + from, 64, "-o FILE"},
		{"data convert " + from + " -o x.csv", 64, ".parquet, .arrow or .jsonl"},
		{"data convert -o x.arrow", 64, "needs a FILE"},
		{"data manifest", 64, "needs a FILE"},
		{"data convert gen:addition -o " + filepath.Join(dir, "x.arrow"), 65, "has no end"},
	} {
		if o := call(strings.Fields(c.args)...); o.exit != c.exit || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", c.args, o.exit, c.exit, c.want, o.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "more.parquet")); err == nil {
		t.Error("a refused copy left a file")
	}
}

// A working copy that data convert makes is the one that training makes and reads, from wherever the data are named, and no bit of the
// model depends on it.
func TestConvertToWorkingCopy(t *testing.T) {
	from, dir := filepath.Join(shared.Dir(t, "data"), "jsb_chorales_test.parquet"), t.TempDir()
	cache := filepath.Join(dir, "cache")
	made := object(t, "data", "convert", from, "--working-copy", cache)
	path, _ := made["path"].(string)
	if made["made"] != true || made["sequences"] != 77.0 || filepath.Dir(path) != cache {
		t.Errorf("%v", made)
	}
	t.Chdir(filepath.Dir(from))
	if again := object(t, "data", "convert", filepath.Base(from), "--working-copy", cache); again["made"] != false || again["path"] != path {
		t.Errorf("%v", again)
	}
	var losses []any
	for i, more := range [][]string{{"--cache", cache}, {}} {
		run := filepath.Join(dir, string(rune('a'+i)))
		o := must(t, append([]string{"train", "--data", from, "--run", run, "--hidden", "5", "--iterations", "2", "--seed", "1", "--progress", "lines"}, more...)...)
		if read := strings.Contains(o.stderr, "reading from the working copy "+path); read != (i == 0) {
			t.Errorf("with %v: the working copy was read: %t\n%s", more, read, o.stderr)
		}
		losses = append(losses, object(t, "eval", run, "--data", from)["loss"])
	}
	if losses[0] != losses[1] {
		t.Errorf("losses %v with the copy and without", losses)
	}
	if found, err := filepath.Glob(filepath.Join(cache, "*")); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	for _, c := range []struct {
		args string
		exit int
		want string
	}{
		{"data convert " + from + " --working-copy " + cache + " -o x.arrow", 64, "--out and --working-copy"},
		{"data convert " + from + " --working-copy " + cache + " --sort", 64, "--sort and --working-copy"},
		{"data convert " + from + " --working-copy " + cache + " --compression zstd", 64, "none or lz4"},
		{"data convert " + from + " --working-copy " + cache + " --targets nope", 65, "nope"},
		{"data convert gen:addition?length=10 --working-copy " + cache, 64, "has no end"},
		{"data convert " + from + " --targets id -o " + filepath.Join(dir, "x.arrow"), 64, "--targets is for working copies"},
	} {
		if o := call(strings.Fields(c.args)...); o.exit != c.exit || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", c.args, o.exit, c.exit, c.want, o.stderr)
		}
	}
}

// A text becomes sequences of characters that inspect takes for what they are.
func TestTextIsCut(t *testing.T) {
	dir := t.TempDir()
	text, cut := filepath.Join(dir, "a.txt"), filepath.Join(dir, "a.parquet")
	if err := os.WriteFile(text, []byte(strings.Repeat("to be or not to be\n", 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := object(t, "data", "text", text, "-o", cut, "--length", "50"); o["rows"] != 8.0 || o["characters"] != 380.0 || o["different"] != 8.0 {
		t.Errorf("%v", o)
	}
	if roles := object(t, "data", "inspect", cut)["roles"].(map[string]any); roles["form"] != "next" {
		t.Errorf("%v", roles)
	}
}
