package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
)

func TestCutText(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []string
		want  []string
	}{
		{"exactly", []string{"abcdefgh"}, []string{"abcd", "efgh"}},
		{"a shorter end", []string{"abcdef"}, []string{"abcd", "ef"}},
		{"none alone", []string{"abcdefghi"}, []string{"abcd", "efghi"}},
		{"files apart", []string{"abcdefg", "hi"}, []string{"abcd", "efg", "hi"}},
		{"characters, not bytes", []string{"äöü€ß\r\n"}, []string{"äöü€", "ß\r\n"}},
		{"a mark at the beginning only", []string{"\ufeffab\ufeff"}, []string{"ab\ufeff"}},
		{"one", []string{"a"}, []string{"a"}},
	} {
		dir := t.TempDir()
		to := filepath.Join(dir, "out.arrow")
		done, err := CutText(t.Context(), writeTexts(t, dir, test.files), 4, to, WriteOptions{RowGroupRows: 2})
		if err != nil {
			t.Fatal(err)
		}
		src, err := Open(t.Context(), []string{to}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range src.Len() {
			r, err := src.Read(t.Context(), i, []int{0, 1})
			if err != nil {
				t.Fatal(err)
			}
			for j := range int(r.NumRows()) {
				if id := r.Column(0).(*array.Int64).Value(j); id != int64(len(got)) {
					t.Errorf("%s: row %d has id %d", test.name, len(got), id)
				}
				got = append(got, r.Column(1).(*array.String).Value(j))
			}
			r.Release()
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "|") != strings.Join(test.want, "|") || int(done.Rows) != len(got) {
			t.Errorf("%s: %q, want %q; %+v", test.name, got, test.want, done)
		}
	}
}

func TestCutTextRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "has no characters",
		"ab\xffcd":          "not UTF-8 at byte 2",
		"€uro \xe4 by name": "not UTF-8 at byte 7",
	} {
		dir := t.TempDir()
		to := filepath.Join(dir, "out.parquet")
		_, err := CutText(t.Context(), writeTexts(t, dir, []string{"fine", text}), 4, to, WriteOptions{})
		if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), want) || e.File != filepath.Join(dir, "1.txt") || e.Hint == "" {
			t.Errorf("%q: %v", text, err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*out*")); err != nil || len(left) > 0 {
			t.Errorf("%q: %q is left, %v", text, left, err)
		}
	}
	if _, err := CutText(t.Context(), []string{filepath.Join(t.TempDir(), "none.txt")}, 4, filepath.Join(t.TempDir(), "out.parquet"), WriteOptions{}); err == nil ||
		!strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func writeTexts(t *testing.T, dir string, texts []string) (files []string) {
	t.Helper()
	for i, text := range texts {
		name := filepath.Join(dir, string(rune('0'+i))+".txt")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	return files
}
