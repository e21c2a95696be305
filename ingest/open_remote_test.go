package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"curvestream/internal/shared"
)

// manyFiles serves one file under any name, and counts how many requests are under way. Those of names with "bad" are answered with 404,
// late where they also have "late".
type manyFiles struct {
	*httptest.Server
	now, most atomic.Int32
}

func serveMany(t *testing.T) *manyFiles {
	s, content := &manyFiles{}, shared.Dir(t, "data", "jsb_chorales_test.parquet")
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.now.Add(1)
		defer s.now.Add(-1)
		for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
		}
		time.Sleep(20 * time.Millisecond) // so that others come meanwhile
		if strings.Contains(r.URL.Path, "late") {
			time.Sleep(100 * time.Millisecond)
		}
		if strings.Contains(r.URL.Path, "bad") {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, content)
	}))
	t.Cleanup(s.Close)
	return s
}

// names returns URLs of n files, the one numbered k being bad.
func (s *manyFiles) names(n int, bad map[int]string) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s/%02d%s.parquet", s.URL, i, bad[i]))
	}
	return names
}

// Remote files are looked at several at once, but no more than that, and are in the source in their order.
func TestRemoteFilesAreOpenedTogether(t *testing.T) {
	s := serveMany(t)
	names := s.names(3*openedAtOnce, nil)
	src, err := Open(t.Context(), names, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var got []string
	for _, f := range src.Fingerprint() {
		got = append(got, f.Path)
	}
	if !slices.Equal(got, names) {
		t.Errorf("the files are %s", got)
	}
	if most := s.most.Load(); most < 2 || most > openedAtOnce {
		t.Errorf("%d requests at once, want 2 to %d", most, openedAtOnce)
	}
}

// Of several files that cannot be opened the first is named, however late its answer comes; and nothing is left running.
func TestRemoteFilesFirstError(t *testing.T) {
	s := serveMany(t)
	_, err := Open(t.Context(), s.names(40, map[int]string{3: "bad-late", 4: "bad", 20: "bad"}), OpenOptions{})
	if e, ok := errors.AsType[*Error](err); !ok || path.Base(e.File) != "03bad-late.parquet" {
		t.Errorf("%v, want the third file's", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := Open(ctx, s.names(5, nil), OpenOptions{}); !errors.Is(err, gone) {
		t.Errorf("%v after the context's end", err)
	}
}
