package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, c *Client, name string) *Object {
	t.Helper()
	o, err := c.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Reads from many goroutines, in caches from the smallest on, return the bytes of the object, and the cache holds no more than it may.
func TestReadsAreTheObjects(t *testing.T) {
	content := noise(5<<20 + 12345)
	s := serve(t, content)
	for _, cache := range []int64{0, 2 << 20, 64 << 20} {
		c := client(t, Options{Cache: cache})
		o := open(t, c, s.URL)
		var readers sync.WaitGroup
		for seed := range uint64(6) {
			readers.Go(func() {
				rng := rand.New(rand.NewPCG(1, seed))
				for range 40 {
					off := rng.Int64N(o.Size)
					p := make([]byte, 1+rng.IntN(900<<10))
					n, err := o.ReadAt(t.Context(), p, off, off+rng.Int64N(4<<20))
					want := content[off:min(o.Size, off+int64(len(p)))]
					if n != len(want) || !bytes.Equal(p[:n], want) || (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
						t.Errorf("cache %d: %d bytes at %d: %d, %v", cache, len(p), off, n, err)
						return
					}
					c.cache.mu.Lock()
					if held := c.cache.used + int64(len(c.cache.spare))*blockSize; held > c.Held() {
						t.Errorf("the cache holds %d bytes of %d", held, c.Held())
					}
					c.cache.mu.Unlock()
				}
			})
		}
		readers.Wait()
	}
}

// What a reader says it will want comes with few requests, and what is there is not asked for again.
func TestNeighboursAreOneRequest(t *testing.T) {
	s := serve(t, noise(12<<20))
	o := open(t, client(t, Options{Cache: 64 << 20}), s.URL)
	s.seen()
	read := func(until int64) int {
		p := make([]byte, 64<<10)
		for off := int64(0); off < o.Size; off += int64(len(p)) {
			if _, err := o.ReadAt(t.Context(), p, off, until); err != nil {
				t.Fatal(err)
			}
		}
		return len(s.seen())
	}
	if n := read(o.Size); n != 2 {
		t.Errorf("%d requests for 12 MiB, want 2", n)
	}
	if n := read(o.Size); n != 0 {
		t.Errorf("%d requests for what is in the cache", n)
	}
}

// Failures that pass are hidden; the bytes are the same, and no byte that has come is asked for again.
func TestFaultsThatPass(t *testing.T) {
	content := noise(3 << 20)
	for name, fault := range map[string]func(n int, w http.ResponseWriter, r *http.Request) bool{
		"500":   func(n int, w http.ResponseWriter, _ *http.Request) bool { return n%3 != 2 && status(w, 500) },
		"503":   func(n int, w http.ResponseWriter, _ *http.Request) bool { return n%5 != 4 && status(w, 503) },
		"429":   func(n int, w http.ResponseWriter, _ *http.Request) bool { return n%2 == 0 && status(w, 429) },
		"reset": func(n int, _ http.ResponseWriter, _ *http.Request) bool { return n%2 == 0 && abort() },
		"short": func(n int, w http.ResponseWriter, r *http.Request) bool {
			return n > 0 && n < 8 && short(w, content, r, 300<<10)
		},
		"silence": func(n int, _ http.ResponseWriter, r *http.Request) bool { return n == 1 && silence(r) },
		"dripping": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				w.Header().Set("Content-Range", "bytes 0-1048575/3145728")
				w.Header().Set("ETag", `"first"`)
				w.WriteHeader(http.StatusPartialContent)
				w.Write(content[:1000])
				w.(http.Flusher).Flush()
				return silence(r)
			}
			return false
		},
		"slow": func(n int, w http.ResponseWriter, r *http.Request) bool {
			return n == 1 && slowly(w, content, r) // for longer than silence is borne, but never silent so long
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, content)
			s.fault = fault
			c := client(t, Options{Cache: 16 << 20})
			if name == "slow" {
				c.silence = 2 * time.Second // less than the answer takes, and more than a busy machine is silent for
			}
			o := open(t, c, s.URL)
			p := make([]byte, len(content))
			if n, err := o.ReadAt(t.Context(), p, 0, o.Size); err != nil || !bytes.Equal(p, content) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if name == "slow" && len(s.seen()) > 2 {
				t.Error("what came slowly was asked for again")
			}
			if name == "short" && !strings.HasPrefix(s.seen()[2], "bytes=307200-") {
				t.Error("a request after a short answer begins at the start again")
			}
		})
	}
}

func status(w http.ResponseWriter, code int) bool { w.WriteHeader(code); return true }
func abort() bool                                 { panic(http.ErrAbortHandler) }
func silence(r *http.Request) bool                { <-r.Context().Done(); return true }
func short(w http.ResponseWriter, content []byte, r *http.Request, n int) bool {
	cut(w, content, r, n)
	return true
}

// Failures that do not pass are one error that says what is wrong and what helps.
func TestFaultsThatStay(t *testing.T) {
	content := noise(1 << 20)
	after := func(f func(w http.ResponseWriter)) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n > 0 {
				f(w)
			}
			return n > 0
		}
	}
	always := func(code int) func(int, http.ResponseWriter, *http.Request) bool {
		return func(_ int, w http.ResponseWriter, _ *http.Request) bool { return status(w, code) }
	}
	for _, c := range []struct {
		name  string
		fault func(int, http.ResponseWriter, *http.Request) bool
		kind  Kind
		want  string
	}{
		{"always 500", always(500), Failed, "6 attempts: status 500"},
		{"500 after opening", after(func(w http.ResponseWriter) { w.WriteHeader(500) }), Failed, "6 attempts: status 500"},
		{"missing", always(404), NotFound, "no such object"},
		{"refused", always(403), Refused, "status 403"},
		{"no ranges", func(_ int, w http.ResponseWriter, _ *http.Request) bool { w.Write(content); return true }, NoRanges, "range requests"},
		{"no ranges later", after(func(w http.ResponseWriter) { w.Header().Set("ETag", `"first"`); w.Write(content) }), NoRanges, "range requests"},
		{"another range", after(func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 5-9/1048576")
			w.WriteHeader(206)
		}), NoRanges, "range requests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, content)
			s.fault = c.fault
			cl := client(t, Options{})
			o, err := cl.Open(t.Context(), s.URL)
			if err == nil {
				_, err = o.ReadAt(t.Context(), make([]byte, 10), 0, 10)
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != c.kind || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL) || e.Hint == "" {
				t.Errorf("%v (hint %q), want %s", err, e.Hint, c.want)
			}
			if cl.cache.used != 0 {
				t.Errorf("%d bytes are held after a failure", cl.cache.used)
			}
		})
	}
}

// An object that changes between two reads is an error that names both states, with tags and without.
func TestChangedObject(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"strong", `"first"`, `"second"`, `(ETag "first", 2097152 bytes, now ETag "second", 1048576 bytes)`},
		{"weak", `W/"first"`, `W/"second"`, `(ETag W/"first", 2097152 bytes, now ETag W/"second", 1048576 bytes)`},
		{"none", "", "", "2097152 bytes, now modified Sun, 09 Sep 2001 01:46:40 GMT, 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, noise(2<<20))
			s.set(s.content, c.before)
			o := open(t, client(t, Options{}), s.URL)
			if _, err := o.ReadAt(t.Context(), make([]byte, 10), 0, 10); err != nil {
				t.Fatal(err)
			}
			s.set(noise(1<<20), c.after)
			for _, off := range []int64{1 << 19, 3 << 19} { // within the new size, and beyond it
				_, err := o.ReadAt(t.Context(), make([]byte, 10), off, off+10)
				if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Changed || !strings.Contains(err.Error(), c.want) || e.Hint == "" {
					t.Errorf("%v, want %s", err, c.want)
				}
			}
		})
	}
}

// The end of a context ends a read that waits for a server, for another read or for room; the others go on.
func TestCancel(t *testing.T) {
	content := noise(2 << 20)
	s := serve(t, content)
	c := client(t, Options{})
	c.silence = time.Minute
	o, other := open(t, c, s.URL), open(t, c, s.URL)
	hold := make(chan struct{})
	s.fault = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		return false
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	var held, cancelled sync.WaitGroup
	read := func(ctx context.Context, wg *sync.WaitGroup, o *Object, block int64, want error) {
		wg.Go(func() {
			p := make([]byte, 100)
			_, err := o.ReadAt(ctx, p, block*blockSize, 0)
			if !errors.Is(err, want) || err == nil && !bytes.Equal(p, content[block*blockSize:block*blockSize+100]) {
				t.Errorf("block %d: %v, want %v", block, err, want)
			}
		})
	}
	read(ctx, &cancelled, o, 0, gone)
	for i := range int64(minCache/blockSize - 1) {
		read(t.Context(), &held, o, i+1, nil)
	}
	for deadline := time.Now().Add(10 * time.Second); !full(c); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the cache does not fill")
		}
	}
	read(ctx, &cancelled, o, 1, gone)     // waits for another read
	read(ctx, &cancelled, other, 0, gone) // waits for room
	cancel(gone)
	cancelled.Wait()
	read(t.Context(), &held, other, 0, nil)
	close(hold)
	held.Wait()
}

func full(c *Client) bool {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	return c.cache.used == c.cache.capacity
}

// Names that carry secrets are refused without printing them.
func TestSecretsAreRefused(t *testing.T) {
	c := client(t, Options{})
	for _, name := range []string{"https://me:hunter2@host/x.parquet", "https://host/x.parquet?X-Amz-Signature=hunter2", "https://host/x?token=hunter2"} {
		_, err := c.Open(t.Context(), name)
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "stored with the run") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
