package ingest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"curvestream/internal/shared"
)

// allColumns returns the indices of all columns.
func allColumns(s Source) []int {
	columns := make([]int, s.Schema().NumFields())
	for i := range columns {
		columns[i] = i
	}
	return columns
}

// sameContent compares all units of two sources.
func sameContent(t *testing.T, got, want Source) {
	t.Helper()
	if got.Len() != want.Len() {
		t.Fatalf("%d units, want %d", got.Len(), want.Len())
	}
	for i := range got.Len() {
		a, err := got.Read(t.Context(), i, allColumns(got))
		if err != nil {
			t.Fatal(err)
		}
		b, err := want.Read(t.Context(), i, allColumns(want))
		if err != nil {
			t.Fatal(err)
		}
		if !array.RecordEqual(a, b) {
			t.Errorf("unit %d differs", i)
		}
		a.Release()
		b.Release()
	}
}

// Files read by HTTP ranges have the content of the local ones, whatever the format.
func TestHTTPReadsAsLocally(t *testing.T) {
	dir := shared.Dir(t, "data")
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	stream := filepath.Join(t.TempDir(), "x.arrow")
	local, err := Open(t.Context(), []string{filepath.Join(dir, "jsb_chorales_train.parquet")}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	if _, err := Convert(t.Context(), local, stream, WriteOptions{Format: WriteArrow, RowGroupRows: 50}); err != nil {
		t.Fatal(err)
	}
	arrows := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(stream))))
	defer arrows.Close()
	for _, c := range []struct{ remote, local string }{
		{s.URL + "/jsb_chorales_train.parquet", filepath.Join(dir, "jsb_chorales_train.parquet")},
		{s.URL + "/japanese_vowels_train_long.parquet", filepath.Join(dir, "japanese_vowels_train_long.parquet")},
		{arrows.URL + "/x.arrow", stream},
	} {
		far, err := Open(t.Context(), []string{c.remote}, OpenOptions{Remote: RemoteOptions{Cache: 1 << 20}})
		if err != nil {
			t.Fatal(err)
		}
		near, err := Open(t.Context(), []string{c.local}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sameContent(t, far, near)
		if held := far.(Holder).Held(); held != 1<<20 || near.(Holder).Held() != 0 {
			t.Errorf("the remote source holds %d bytes, the local %d", held, near.(Holder).Held())
		}
		if err := errors.Join(far.Close(), near.Close()); err != nil {
			t.Error(err)
		}
	}
}

// A remote file that changes is refused by name, both states and the fix; one that is missing is missing input.
func TestRemoteFaults(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(shared.Dir(t, "data"), "japanese_vowels_train.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	tag := `"one"`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/x.parquet" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer s.Close()
	_, err = Open(t.Context(), []string{s.URL + "/y.parquet"}, OpenOptions{})
	if e, ok := errors.AsType[*Error](err); !ok || !e.Missing || e.Code != codeNotFound {
		t.Errorf("a missing object: %v", err)
	}
	src, err := Open(t.Context(), []string{s.URL + "/x.parquet"}, OpenOptions{MemoryLimit: 4 << 20}) // less cache than the file has bytes
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if got := src.Fingerprint()[0].ETag; got != tag {
		t.Errorf("the fingerprint has ETag %s", got)
	}
	src.(*source).web.Close() // drop the cache
	tag = `"two"`
	_, err = src.Read(t.Context(), 0, allColumns(src))
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != codeChanged || e.RowGroup >= 0 && e.File == "" || e.Hint == "" {
		t.Fatalf("a changed object: %v", err)
	}
	for _, part := range []string{s.URL + "/x.parquet", `"one"`, `"two"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %s", err, part)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Read(ctx, 0, allColumns(src)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read: %v", err)
	}
}

// Prefixes and patterns of S3 name what directories and patterns of files name.
func TestExpandS3(t *testing.T) {
	backend := s3mem.New()
	s := httptest.NewServer(gofakes3.New(backend).Server())
	defer s.Close()
	if err := backend.CreateBucket("bkt"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"d/part-0.parquet", "d/_SUCCESS", "d/README", "d/y=1/part-1.parquet", "d/y=1/_x.parquet", "d/sub/z.parquet", "d/.hidden/q.parquet", "e.arrow"} {
		if _, err := backend.PutObject("bkt", key, nil, strings.NewReader("x"), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	src := &source{}
	defer src.Close()
	o := OpenOptions{MemoryLimit: 1 << 30, Remote: RemoteOptions{Endpoint: s.URL}}
	for _, c := range []struct{ pattern, want string }{
		{"s3://bkt/d/", "d/part-0.parquet d/y=1/part-1.parquet"},
		{"s3://bkt", "e.arrow"},
		{"s3://bkt/d/part-0.parquet", "d/part-0.parquet"},
		{"s3://bkt/d/*.parquet", "d/part-0.parquet"},
		{"s3://bkt/d/*/*", "d/sub/z.parquet d/y=1/part-1.parquet"},
		{"s3://bkt/**/*.parquet", "d/part-0.parquet d/sub/z.parquet d/y=1/part-1.parquet"},
		{"s3://bkt/**", "d/README d/part-0.parquet d/sub/z.parquet d/y=1/part-1.parquet e.arrow"},
		{"s3://bkt/x/", ""},
	} {
		names, err := src.expand(t.Context(), []string{c.pattern}, o)
		for i := range names {
			names[i] = strings.TrimPrefix(names[i], "s3://bkt/")
		}
		if got := strings.Join(names, " "); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q (%v), want %q", c.pattern, got, err, c.want)
		}
	}
}

// matchPath agrees with what the local walk finds.
func TestMatchPath(t *testing.T) {
	dir := t.TempDir()
	files := []string{"a.parquet", "b/c.parquet", "b/d/e.parquet", "_h/f.parquet", "b/_g.parquet", "b/d/.i.parquet"}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(f)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"*", "**", "**/*", "*/*", "b/**", "**/d/*", "**/**/e*", "_h/*", "**/_g*", "b/d/*", "?.parquet", "[ab]*", "b/**/*.parquet"} {
		local, err := new(source).expand(t.Context(), []string{filepath.Join(dir, pattern)}, OpenOptions{})
		var want []string
		for _, f := range local {
			rel, _ := filepath.Rel(dir, f)
			want = append(want, rel)
		}
		var got []string
		for _, f := range files {
			if matchPath(strings.Split(path.Clean(pattern), "/"), strings.Split(f, "/")) {
				got = append(got, f)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v (%v)", pattern, got, want, err)
		}
	}
}
