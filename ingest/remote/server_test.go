package remote

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server serves one object, badly where told to.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	content  []byte
	tag      string
	requests []string // the ranges that were asked for
	fault    func(n int, w http.ResponseWriter, r *http.Request) (done bool)
}

func serve(t *testing.T, content []byte) *server {
	s := &server{content: content, tag: `"first"`}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n, content, tag, fault := len(s.requests), s.content, s.tag, s.fault
	s.requests = append(s.requests, r.Header.Get("Range"))
	s.mu.Unlock()
	if fault != nil && fault(n, w, r) {
		return
	}
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content))
}

// set changes the object.
func (s *server) set(content []byte, tag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content, s.tag = content, tag
}

// seen returns the ranges asked for since the last call.
func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

// cut answers with the head of a range whose length it announces, and closes the connection after n bytes.
func cut(w http.ResponseWriter, content []byte, r *http.Request, n int) {
	var lo, hi int
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &lo, &hi)
	hi = min(hi, len(content)-1)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", lo, hi, len(content)))
	w.Header().Set("ETag", `"first"`)
	w.Header().Set("Content-Length", fmt.Sprint(hi-lo+1))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(content[lo:min(lo+n, hi+1)])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// slowly answers a range in ten parts with pauses between them.
func slowly(w http.ResponseWriter, content []byte, r *http.Request) bool {
	var lo, hi int
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &lo, &hi)
	part := content[lo : hi+1]
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", lo, hi, len(content)))
	w.Header().Set("ETag", `"first"`)
	w.WriteHeader(http.StatusPartialContent)
	for i := range 10 {
		w.Write(part[len(part)*i/10 : len(part)*(i+1)/10])
		w.(http.Flusher).Flush()
		time.Sleep(250 * time.Millisecond)
	}
	return true
}

// noise returns n bytes that differ everywhere.
func noise(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(b)
	return b
}

// client returns a client that does not wait long.
func client(t *testing.T, o Options) *Client {
	c := NewClient(o)
	c.delay, c.silence = time.Millisecond, 200*time.Millisecond
	t.Cleanup(c.Close)
	return c
}
