package remote

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
)

// stores are the servers that the S3 tests run against: one in this process always, a real MinIO where its program is at hand.
func stores(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Run("in process", func(t *testing.T) {
		s := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		t.Cleanup(s.Close)
		test(t, s.URL)
	})
	t.Run("minio", func(t *testing.T) {
		program, err := exec.LookPath(cmp.Or(os.Getenv("MINIO"), "minio"))
		if err != nil {
			t.Skip("SKIPPED: no program minio on the PATH, and the variable MINIO names none; only the server in this process was tested")
		}
		test(t, startMinIO(t, program))
	})
}

func startMinIO(t *testing.T, program string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.Command(program, "server", "--quiet", "--address", address, t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 100 {
		if resp, err := http.Get("http://" + address + "/minio/health/cluster"); err == nil {
			resp.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			if resp.StatusCode == 200 {
				return "http://" + address
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("minio does not answer")
	return ""
}

func TestS3(t *testing.T) {
	var secret [16]byte
	rand.Read(secret[:])
	password := hex.EncodeToString(secret[:])
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", password)
	t.Setenv("MINIO_ROOT_USER", "tester")
	t.Setenv("MINIO_ROOT_PASSWORD", password)
	stores(t, func(t *testing.T, endpoint string) {
		c := client(t, Options{Endpoint: endpoint, Cache: 8 << 20})
		c.silence = 10 * time.Second
		if _, err := c.storeOf("s3://bucket/x"); err != nil {
			t.Fatal(err)
		}
		put := func(key string, content []byte) {
			t.Helper()
			if _, err := c.s3.core.Client.PutObject(t.Context(), "bucket", key, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.s3.core.Client.MakeBucket(t.Context(), "bucket", minio.MakeBucketOptions{}); err != nil {
			t.Fatal(err)
		}
		content := noise(3<<20 + 17)
		put("data/a b=1/x.parquet", content)
		put("data/y.parquet", content[:100])
		put("other/z.parquet", content[:100])

		names, err := c.List(t.Context(), "s3://bucket/data/")
		if want := []string{"s3://bucket/data/a b=1/x.parquet", "s3://bucket/data/y.parquet"}; err != nil || !slices.Equal(names, want) {
			t.Fatalf("%v, %v", names, err)
		}
		o := open(t, c, names[0])
		p := make([]byte, len(content)-1000)
		if n, err := o.ReadAt(t.Context(), p, 1000, o.Size); err != nil || !bytes.Equal(p, content[1000:]) {
			t.Fatalf("%d bytes, %v", n, err)
		}
		was := open(t, c, names[1])
		put("data/y.parquet", content[100:200])
		_, err = was.ReadAt(t.Context(), p[:10], 0, 10)
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Changed || !strings.Contains(err.Error(), was.ETag) {
			t.Errorf("a changed object: %v", err)
		}
		for _, c2 := range []struct {
			name string
			kind Kind
		}{{"s3://bucket/none", NotFound}, {"s3://nobucket/x", NotFound}, {"s3://b/x", NotFound}} {
			_, err := c.Open(t.Context(), c2.name)
			if e, ok := errors.AsType[*Error](err); !ok || e.Kind != c2.kind || strings.Contains(err.Error(), password) {
				t.Errorf("%s: %v", c2.name, err)
			}
		}
	})
}

// What an S3 store does wrong in passing, errors, resets and slow answers, is hidden as that of other servers is.
func TestS3FaultsThatPass(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	store, content := gofakes3.New(s3mem.New()).Server(), noise(3<<20)
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.Header.Get("Range") != "" {
			switch asked.Add(1) {
			case 1, 4:
				abort()
			case 2, 6:
				w.WriteHeader(http.StatusInternalServerError)
				return
			case 3:
				silence(r)
				return
			}
		}
		store.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c := client(t, Options{Endpoint: s.URL})
	c.silence = 2 * time.Second // a busy machine is silent for a while, too
	if _, err := c.storeOf("s3://bucket/x"); err != nil {
		t.Fatal(err)
	}
	if err := c.s3.core.Client.MakeBucket(t.Context(), "bucket", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s3.core.Client.PutObject(t.Context(), "bucket", "x", bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	o, p := open(t, c, "s3://bucket/x"), make([]byte, len(content))
	for off := 0; off < len(p); off += 1 << 20 {
		if _, err := o.ReadAt(t.Context(), p[off:][:1<<20], int64(off), 0); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(p, content) || asked.Load() < 7 {
		t.Errorf("%d requests, the same bytes: %v", asked.Load(), bytes.Equal(p, content))
	}
}

// Endpoints that are no addresses are refused before anything is sent.
func TestEndpoints(t *testing.T) {
	for _, endpoint := range []string{"ftp://host", "http://user:pass@host", "http://host/path", "http://"} {
		_, err := client(t, Options{Endpoint: endpoint}).Open(t.Context(), "s3://bucket/key")
		if err == nil || !strings.Contains(err.Error(), "http://host:port") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
