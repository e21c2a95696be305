package ingest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Cancelled at random moments, by several readers of one source, Read gives an error that is the cancellation, or a whole
// record; nothing stays allocated. That no goroutine stays either is asserted by TestMain.
func TestCancelAtRandomMoments(t *testing.T) {
	r := writable(3000, "label")
	for _, name := range []string{"a.parquet", "a.arrow"} {
		t.Run(name, func(t *testing.T) {
			path := writeAll(t, name, WriteOptions{RowGroupRows: 1000}, r)
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			s, err := Open(t.Context(), []string{path}, OpenOptions{allocator: mem})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			rng := rand.New(rand.NewPCG(1, 2))
			cancelled := 0
			for range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(8_000_000)))
				var readers sync.WaitGroup
				var mu sync.Mutex
				for i := range s.Len() {
					readers.Go(func() {
						got, err := s.Read(ctx, i, []int{0, 1, 2, 5, 6})
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil:
							if got.NumRows() != s.Unit(i).Rows {
								t.Errorf("%d rows of %d", got.NumRows(), s.Unit(i).Rows)
							}
							got.Release()
						case errors.Is(err, context.DeadlineExceeded):
							cancelled++
						default:
							t.Errorf("%v, want the cancellation", err)
						}
					})
				}
				readers.Wait()
				cancel()
			}
			t.Logf("%d of %d reads cancelled", cancelled, 20*s.Len())
			if _, err := s.Read(cancelledContext(), 0, []int{0}); !errors.Is(err, errStop) {
				t.Errorf("%v, want the cause of the cancellation", err)
			}
		})
	}
}

var errStop = errors.New("stop")

func cancelledContext() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStop)
	return ctx
}

// A record may outlive its source, and be released from another goroutine.
func TestRecordOutlivesSource(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	s, err := Open(t.Context(), []string{writeAll(t, "a.parquet", WriteOptions{}, writable(100, "label"))}, OpenOptions{allocator: mem})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Read(t.Context(), 0, []int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := r.Column(0).ValueStr(99); got != "99" || mem.CurrentAlloc() == 0 {
		t.Errorf("%s, %d bytes outstanding", got, mem.CurrentAlloc())
	}
	done := make(chan struct{})
	go func() { r.Release(); close(done) }()
	<-done
	mem.AssertSize(t, 0)
	if _, err := s.Read(t.Context(), 0, []int{0}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("reading a closed source: %v", err)
	}
}

// Read never holds more than the limit, whatever the file says, and Unit.Bytes bounds what it does hold.
func TestMemoryLimit(t *testing.T) {
	r := writable(4000, "label")
	for _, name := range []string{"a.parquet", "a.arrow"} {
		for _, compression := range []string{"none", "zstd"} {
			path := writeAll(t, name, WriteOptions{Compression: compression}, r)
			peak := &peakAllocator{}
			s, err := Open(t.Context(), []string{path}, OpenOptions{allocator: peak})
			if err != nil {
				t.Fatal(err)
			}
			all := make([]int, s.Schema().NumFields())
			for i := range all {
				all[i] = i
			}
			got, err := s.Read(t.Context(), 0, all)
			if err != nil {
				t.Fatal(err)
			}
			got.Release()
			if bound := s.Unit(0).Bytes; peak.most > bound || bound > 20*peak.most {
				t.Errorf("%s, %s: %d bytes at most, Unit.Bytes = %d", name, compression, peak.most, bound)
			}
			for i, f := range s.Schema().Fields() {
				most := peak.most
				peak.most = 0
				if got, err = s.Read(t.Context(), 0, []int{i}); err != nil {
					t.Fatal(err)
				}
				got.Release()
				if bound := s.(Sizer).Bytes(0, []int{i}); peak.most > bound || bound > s.Unit(0).Bytes {
					t.Errorf("%s, %s, column %q: %d bytes at most, Bytes = %d", name, compression, f.Name, peak.most, bound)
				}
				peak.most = most
			}
			s.Close()

			low := &peakAllocator{}
			if s, err = Open(t.Context(), []string{path}, OpenOptions{MemoryLimit: peak.most / 2, allocator: low}); err != nil {
				t.Fatal(err)
			}
			_, err = s.Read(t.Context(), 0, all)
			var e *Error
			if !errors.As(err, &e) || e.Code != codeTooLarge || low.now != 0 || low.most > peak.most/2 {
				t.Errorf("%s, %s: %v with %d bytes at most and %d left; the limit was %d", name, compression, err, low.most, low.now, peak.most/2)
			}
			s.Close()
		}
	}
}

// peakAllocator knows the most that was outstanding.
type peakAllocator struct {
	memory.GoAllocator
	now, most int64
}

func (p *peakAllocator) add(n int) { p.now += int64(n); p.most = max(p.most, p.now) }

func (p *peakAllocator) Allocate(n int) []byte { p.add(n); return p.GoAllocator.Allocate(n) }
func (p *peakAllocator) Reallocate(n int, b []byte) []byte {
	p.add(n - len(b))
	return p.GoAllocator.Reallocate(n, b)
}
func (p *peakAllocator) Free(b []byte) { p.add(-len(b)) }

// A disk that fails is said to have failed, not the file to be malformed.
func TestDiskFailure(t *testing.T) {
	path := writeAll(t, "a.parquet", WriteOptions{}, writable(100, "label"))
	s, err := Open(t.Context(), []string{path}, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	h.Close() // so that reading from it fails
	s.(*source).opened[0].file.spooled = h
	_, err = s.Read(t.Context(), 0, []int{0})
	var e *Error
	if !errors.As(err, &e) || e.Code != codeUnreadable || !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v, want an unreadable file", err)
	}
}

// Spooling ends with its context, and leaves no file.
func TestSpoolCancelled(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(cancelledContext(), []string{"-"}, OpenOptions{Stdin: io.LimitReader(zeros{}, 1<<40), SpoolDir: dir})
	if !errors.Is(err, errStop) {
		t.Errorf("%v, want the cancellation", err)
	}
	onlyHolds(t, dir)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
