package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// tree makes files below a new directory, with valid data unless the name ends in .txt, and returns the directory.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	r := writable(3, "label")
	parquet, err := os.ReadFile(writeAll(t, "a.parquet", WriteOptions{}, r))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		b := parquet
		if strings.HasSuffix(name, ".txt") {
			b = []byte("some text\n")
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Which files a list of patterns means, in which order.
func TestPatterns(t *testing.T) {
	dir := tree(t, "b.parquet", "a.parquet", "noname", "note.txt", "_SUCCESS.parquet", ".hidden.parquet",
		"sub/c.parquet", "sub/deep/d.parquet", "sub/_tmp/e.parquet", "odd[1].parquet", "z10.parquet", "z9.parquet")
	for _, c := range []struct{ patterns, want string }{
		{"a.parquet", "a.parquet"},
		{"b.parquet a.parquet", "b.parquet a.parquet"}, // the patterns' order
		{".", "a.parquet b.parquet noname odd[1].parquet z10.parquet z9.parquet"},
		{"sub", "sub/c.parquet"},
		{"*.parquet", "a.parquet b.parquet odd[1].parquet z10.parquet z9.parquet"},
		{"?.parquet", "a.parquet b.parquet"},
		{"z[0-9].parquet", "z9.parquet"},
		{"odd[1].parquet", "odd[1].parquet"}, // a name first, a pattern otherwise
		{"_*.parquet", "_SUCCESS.parquet"},
		{"**/*.parquet", "a.parquet b.parquet odd[1].parquet sub/c.parquet sub/deep/d.parquet z10.parquet z9.parquet"},
		{"sub/**", "sub/c.parquet sub/deep/d.parquet"},
		{"**/**/d.parquet", "sub/deep/d.parquet"},
		{"sub/*/*.parquet", "sub/deep/d.parquet"},
		{"sub/_tmp/*", "sub/_tmp/e.parquet"},
		{"**/deep/*", "sub/deep/d.parquet"},
	} {
		var patterns []string
		for p := range strings.FieldsSeq(c.patterns) {
			patterns = append(patterns, filepath.Join(dir, p))
		}
		got, err := new(source).expand(t.Context(), patterns, OpenOptions{})
		for i := range got {
			got[i], _ = filepath.Rel(dir, got[i])
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v (%v), want %s", c.patterns, got, err, c.want)
		}
	}
}

// What cannot be opened: the error's code, whether it counts as missing (exit 66), and words of its text.
func TestOpenRefuses(t *testing.T) {
	dir := tree(t, "a.parquet", "note.txt", "empty/note.txt", "only/sub/a.parquet", "bad.parquet/x.txt")
	put := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("zero.parquet", "")
	put("csv.parquet", "id,x\n1,2\n")
	put("gz.parquet", "\x1f\x8b\x08\x00\x00\x00\x00\x00")
	put("noise", "\x00\x01\x02\x03\x04\x05\x06\x07\x08")
	put("encrypted", "PARE0123456789PARE")
	put("half", "PAR1 and then nothing")
	for _, c := range []struct {
		patterns, code string
		missing        bool
		want           string
	}{
		{"no.parquet", codeNotFound, true, "no such file"},
		{"no*.parquet", codeNotFound, true, "matches no file"},
		{"**/no*.parquet", codeNotFound, true, "matches no file"},
		{"[a", codeNotFound, false, "not a pattern"},
		{"empty", codeNotFound, true, "holds no Parquet or Arrow file"},
		{"only", codeNotFound, true, "**/*.parquet"},
		{"zero.parquet", codeEmpty, false, "0 bytes"},
		{"csv.parquet", codeFormat, false, "CSV"},
		{"gz.parquet", codeFormat, false, "gzip"},
		{"noise", codeFormat, false, "00 01 02"},
		{"encrypted", codeUnsupported, false, "encrypted"},
		{"half", codeTruncated, false, "does not end so"},
		{"note.txt", codeFormat, false, "text"},
		{"a.parquet *.parquet", codeTwice, false, "named twice"},
	} {
		var patterns []string
		for p := range strings.FieldsSeq(c.patterns) {
			patterns = append(patterns, filepath.Join(dir, p))
		}
		s, err := Open(t.Context(), patterns, OpenOptions{})
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || e.Missing != c.missing || !strings.Contains(err.Error(), c.want) || e.Hint == "" {
			t.Errorf("%s: %v (source %v), want %s, missing=%v, %q", c.patterns, err, s, c.code, c.missing, c.want)
		}
	}
	for name, patterns := range map[string][]string{"nothing": nil, "no standard input": {"-"}} {
		if _, err := Open(t.Context(), patterns, OpenOptions{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// column makes a record of one column of 64-bit integers and, where more is not "", one of strings.
func column(name, more string, n int) arrow.Record {
	fields := []arrow.Field{{Name: name, Type: arrow.PrimitiveTypes.Int64}}
	if more != "" {
		fields = append(fields, arrow.Field{Name: more, Type: arrow.BinaryTypes.String})
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(fields, nil))
	for i := range n {
		for c := range fields {
			fillValue(b.Field(c), i)
		}
	}
	return b.NewRecord()
}

// Files of one source, in any formats, must agree; columns are found by name.
func TestSeveralFiles(t *testing.T) {
	ab := column("a", "b", 3)
	swapped := array.NewRecord(arrow.NewSchema([]arrow.Field{ab.Schema().Field(1), ab.Schema().Field(0)}, nil), []arrow.Array{ab.Column(1), ab.Column(0)}, 3)
	first := writeAll(t, "first.parquet", WriteOptions{}, ab)
	s, err := Open(t.Context(), []string{first, writeAll(t, "second.arrow", WriteOptions{RowGroupRows: 2}, swapped)}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var units []string
	for i := range s.Len() {
		u := s.Unit(i)
		units = append(units, fmt.Sprintf("%s/%d@%d+%d", filepath.Base(u.File), u.RowGroup, u.FirstRow, u.Rows))
		from := u.FirstRow
		compareUnit(t, s, i, []int{1, 0}, ab.NewSlice(from, from+u.Rows))
	}
	if got, want := strings.Join(units, " "), "first.parquet/0@0+3 second.arrow/0@0+2 second.arrow/1@2+1"; got != want {
		t.Errorf("units %s, want %s", got, want)
	}
	for name, c := range map[string]struct {
		r    arrow.Record
		want string
	}{
		"missing": {column("a", "", 3), `column "b": is missing, but `},
		"more":    {column("b", "c", 3), `column "a": is missing`},
		"type":    {array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}, {Name: "b", Type: arrow.BinaryTypes.String}}, nil), []arrow.Array{ab.Column(1), ab.Column(1)}, 3), `column "a": is utf8, but int64 in `},
	} {
		other := writeAll(t, "other.parquet", WriteOptions{}, c.r)
		_, err := Open(t.Context(), []string{first, other}, OpenOptions{})
		var e *Error
		if !errors.As(err, &e) || e.Code != codeMismatch || e.File != other || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), first) {
			t.Errorf("%s: %v, want %q and both files", name, err, c.want)
		}
	}
}

// Standard input is spooled, may be of any format, is read as often as one likes, and leaves nothing behind.
func TestStandardInput(t *testing.T) {
	r := column("a", "b", 5)
	parquet, err := os.ReadFile(writeAll(t, "a.parquet", WriteOptions{}, r))
	if err != nil {
		t.Fatal(err)
	}
	for format, b := range map[string][]byte{formatParquet: parquet, formatArrowStream: ipcBytes(t, true, []arrow.Record{r}), formatArrowFile: ipcBytes(t, false, []arrow.Record{r})} {
		dir := t.TempDir()
		s, err := Open(t.Context(), []string{"-"}, OpenOptions{Stdin: bytes.NewReader(b), SpoolDir: dir})
		if err != nil {
			t.Fatal(format, err)
		}
		for range 2 {
			compareUnit(t, s, 0, []int{0, 1}, r)
		}
		if i := s.Fingerprint()[0]; i.Path != "-" || i.Format != format || i.Size != int64(len(b)) || i.Rows != 5 || len(i.Footer) != 32 {
			t.Errorf("%+v", i)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		onlyHolds(t, dir)
	}
}

// The fingerprint depends on the content, and not on the name. A file that changes while it is in use is refused.
func TestFingerprintAndChange(t *testing.T) {
	footers := make(map[string]bool)
	for range 2 {
		for _, n := range []int{3, 4} {
			s, err := Open(t.Context(), []string{writeAll(t, fmt.Sprintf("%d.arrow", n), WriteOptions{}, column("a", "", n))}, OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			footers[s.Fingerprint()[0].Footer] = true
			s.Close()
		}
	}
	if len(footers) != 2 {
		t.Errorf("%d fingerprints of 2 contents", len(footers))
	}
	path := writeAll(t, "a.parquet", WriteOptions{}, column("a", "", 3))
	s, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(path, []byte("PAR1 something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := s.Read(t.Context(), 0, []int{0}); !errors.As(err, &e) || e.Code != codeChanged {
		t.Errorf("%v, want %s", err, codeChanged)
	}
}
