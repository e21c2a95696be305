package ingest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// With digests every flipped bit in what is read is noticed, in every format, also where the file still decodes; without a flip
// nothing is.
func TestDigestsNoticeEveryFlip(t *testing.T) {
	for name, valid := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, "data", valid)
			manifest, d, err := WriteDigests(t.Context(), "", []string{path}, false, OpenOptions{})
			if err != nil || manifest != filepath.Join(filepath.Dir(path), DigestsName) || len(d.Files) != 1 || d.Files[0].Path != "data" {
				t.Fatal(manifest, d, err)
			}
			o, err := readAll(t, t.Context(), path)
			delete(o.failed, "skip") // a struct, never read
			if err != nil || len(o.failed) > 0 {
				t.Fatal(o.failed, err)
			}
			rng := rand.New(rand.NewPCG(3, 9))
			for range 40 {
				b := bytes.Clone(valid)
				at := rng.IntN(len(b))
				b[at] ^= 1 << rng.IntN(8)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				o, err := readAll(t, t.Context(), path)
				delete(o.failed, "skip")
				if err == nil && len(o.failed) == 0 && !between(t, path, int64(at)) {
					t.Errorf("a flip at byte %d of %d is not noticed", at, len(b))
				}
			}
		})
	}
}

// between tells whether no unit's data, and not the footer, has byte at: it is then one that nobody reads.
func between(t *testing.T, path string, at int64) bool {
	s, err := Open(t.Context(), []string{path}, OpenOptions{undigested: true})
	if err != nil {
		return false
	}
	defer s.Close()
	o := s.(*source).opened[0]
	in, err := o.file.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, u := range o.units {
		for _, piece := range o.decoder.pieces(in, u) {
			for _, e := range piece {
				if at >= e.at && at < e.at+e.length {
					return false
				}
			}
		}
	}
	return at < o.file.size-16 // not the footer's length and magic
}

// Only the columns that are read are verified; what was replaced as a whole is refused when it is opened.
func TestDigestsByColumn(t *testing.T) {
	path := writeAll(t, "a.parquet", WriteOptions{Compression: "none"}, column("a", "b", 1000))
	if _, _, err := WriteDigests(t.Context(), "", []string{path}, false, OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/4] ^= 1 // among the integers of a, which come first
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Read(t.Context(), 0, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
	var e *Error
	if _, err = s.Read(t.Context(), 0, []int{1, 0}); !errors.As(err, &e) || e.Code != codeDigest || e.Column != "a" || e.RowGroup != 0 || !strings.Contains(err.Error(), "data manifest") {
		t.Errorf("%v, want %s of column a", err, codeDigest)
	}
	if err := os.Rename(writeAll(t, "b.parquet", WriteOptions{}, column("a", "b", 999)), path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), []string{path}, OpenOptions{}); !errors.As(err, &e) || e.Code != codeDigest {
		t.Errorf("%v, want %s", err, codeDigest)
	}
}

// Which manifest counts, and what is refused.
func TestDigestManifests(t *testing.T) {
	dir := tree(t, "a.parquet", "b.parquet", "sub/c.parquet")
	at := func(name string) string { return filepath.Join(dir, name) }
	make := func(path string, overwrite bool, names ...string) error {
		for i := range names {
			names[i] = at(names[i])
		}
		_, _, err := WriteDigests(t.Context(), path, names, overwrite, OpenOptions{})
		return err
	}
	if err := make(at("all.json"), false, "a.parquet", "sub/c.parquet"); err != nil {
		t.Fatal(err)
	}
	var exists *OutputError
	if err := make(at("all.json"), false, "a.parquet"); !errors.As(err, &exists) || exists.Code != "output.exists" {
		t.Errorf("%v, want output.exists", err)
	}
	if err := make(at("all.json"), true, "a.parquet", "sub/c.parquet"); err != nil {
		t.Error(err)
	}
	if err := make("", false, "a.parquet", "sub/c.parquet"); err == nil || !strings.Contains(err.Error(), "another directory") {
		t.Errorf("%v, want another directory", err)
	}
	if err := make("", false, "a.parquet"); err != nil {
		t.Fatal(err)
	}
	put := func(name, content string) {
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("other.json", `{"schema": "something else"}`)
	for _, c := range []struct{ file, manifest, code string }{
		{"a.parquet", "", ""}, {"b.parquet", "", ""}, {"sub/c.parquet", "", ""},
		{"a.parquet", "all.json", ""}, {"sub/c.parquet", "all.json", ""},
		{"b.parquet", "all.json", codeUndigested}, {"a.parquet", "no.json", codeNotFound}, {"a.parquet", "other.json", codeMalformed},
	} {
		o := OpenOptions{}
		if c.manifest != "" {
			o.Digests = at(c.manifest)
		}
		s, err := Open(t.Context(), []string{at(c.file)}, o)
		var e *Error
		if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &e) || e.Code != c.code || e.Hint == "") {
			t.Errorf("%s by %q: %v, want %q", c.file, c.manifest, err, c.code)
		}
		if err == nil {
			s.Close()
		}
	}
}

// A copy in another format, compression and size of row groups holds the same rows.
func TestConvert(t *testing.T) {
	r := writable(300, "label")
	from := writeAll(t, "a.parquet", WriteOptions{RowGroupRows: 70}, r.NewSlice(0, 100), r.NewSlice(100, 300))
	for _, c := range []struct {
		name, compression string
		rows              int
	}{{"b.arrow", "", 128}, {"b.arrow", "none", 1000}, {"b.parquet", "snappy", 33}} {
		src, err := Open(t.Context(), []string{from}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), c.name)
		done, err := Convert(t.Context(), src, path, WriteOptions{RowGroupRows: c.rows, Compression: c.compression})
		if err != nil || done.Rows != 300 || done.Units != 5 || done.Columns != int(r.NumCols()) {
			t.Fatal(done, err)
		}
		src.Close()
		s, err := Open(t.Context(), []string{path}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		columns := make([]int, r.NumCols())
		for i := range columns {
			columns[i] = i
		}
		for i := range s.Len() {
			u := s.Unit(i)
			compareUnit(t, s, i, columns, r.NewSlice(u.FirstRow, u.FirstRow+u.Rows))
		}
		if want := (300 + c.rows - 1) / c.rows; s.Len() != want {
			t.Errorf("%s: %d units, want %d", c.name, s.Len(), want)
		}
		s.Close()
	}
}

// What cannot be copied leaves no file.
func TestConvertRefuses(t *testing.T) {
	dir := t.TempDir()
	path := written(t, "x.arrow", ipcBytes(t, false, []arrow.Record{sample(0, 5)}))
	s, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Convert(t.Context(), s, filepath.Join(dir, "y.parquet"), WriteOptions{}); err == nil || !strings.Contains(err.Error(), `column "skip"`) {
		t.Errorf("%v, want column skip", err)
	}
	good, err := Open(t.Context(), []string{writeAll(t, "a.parquet", WriteOptions{}, writable(5, "label"))}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	if _, err := Convert(cancelledContext(), good, filepath.Join(dir, "y.parquet"), WriteOptions{}); !errors.Is(err, errStop) {
		t.Errorf("%v, want the cancellation", err)
	}
	onlyHolds(t, dir)
}
