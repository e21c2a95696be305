package ingest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"curvestream/internal/shared"
)

// samples are small valid files of each format.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	r := writable(200, "label")
	files := make(map[string][]byte)
	for name, c := range map[string]string{"zstd": "zstd", "snappy": "snappy", "none": "none"} {
		b, err := os.ReadFile(writeAll(t, "a.parquet", WriteOptions{Compression: c, RowGroupRows: 70}, r))
		if err != nil {
			t.Fatal(err)
		}
		files["parquet/"+name] = b
	}
	whole := sample(0, 60)
	records := []arrow.Record{whole.NewSlice(0, 20), whole.NewSlice(20, 60)}
	for name, o := range map[string][]ipc.Option{"none": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
		files["file/"+name] = ipcBytes(t, false, records, o...)
		files["stream/"+name] = ipcBytes(t, true, records, o...)
	}
	return files
}

// A flipped bit never crashes, hangs, loses a row or leaves memory behind. (That it is noticed is asked only of zstd in Parquet,
// whose frames have checksums.)
func TestBitFlips(t *testing.T) {
	flips := 30
	if testing.Short() {
		flips = 10
	}
	for name, valid := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, "flipped", valid)
			rng := rand.New(rand.NewPCG(5, 7))
			noticed := 0
			for range flips {
				b := bytes.Clone(valid)
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				o, err := readAll(t, t.Context(), path)
				if err != nil {
					assertClear(t, path, err)
				}
				delete(o.failed, "skip") // a struct, never read
				if err != nil || len(o.failed) > 0 {
					noticed++
				}
			}
			t.Logf("%d of %d flips noticed in %d bytes", noticed, flips, len(valid))
			if strings.HasPrefix(name, "parquet/zstd") && noticed*2 < flips {
				t.Errorf("only %d of %d flips noticed", noticed, flips)
			}
		})
	}
}

// A file that was cut short is refused wherever it was cut, and says that it is.
func TestTruncations(t *testing.T) {
	cuts := 40
	if testing.Short() {
		cuts = 10
	}
	for name, valid := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, "cut", valid)
			rng := rand.New(rand.NewPCG(5, 7))
			for i := range cuts {
				at := rng.IntN(len(valid))
				if i < 12 {
					at = len(valid) - 1 - i // the end-of-stream marker, the magic, the footer's length
				}
				if err := os.WriteFile(path, valid[:at], 0o600); err != nil {
					t.Fatal(err)
				}
				o, err := readAll(t, t.Context(), path)
				if err == nil {
					t.Errorf("cut at %d of %d: %d rows and no error", at, len(valid), o.rows)
					continue
				}
				assertClear(t, path, err)
			}
		})
	}
}

// Where the writer gave checksums, no flipped bit in a page goes unnoticed.
func TestPageChecksums(t *testing.T) {
	valid, err := os.ReadFile(shared.Dir(t, "data", "interop", "datapage_v1-uncompressed-checksum.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	path := written(t, "flipped.parquet", valid)
	if o, err := readAll(t, t.Context(), path); err != nil || len(o.failed) > 0 {
		t.Fatal(o, err)
	}
	const pages, length = 4, 41_000 // four pages of some 10 kB, with a few bytes of headers between them
	rng := rand.New(rand.NewPCG(5, 7))
	noticed := 0
	for range 50 {
		b := bytes.Clone(valid)
		b[200+rng.IntN(length-200)] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if o, err := readAll(t, t.Context(), path); err != nil || len(o.failed) > 0 {
			noticed++
		}
	}
	if noticed < 49 { // one may fall into a header's statistics
		t.Errorf("%d of 50 flips in %d pages noticed", noticed, pages)
	}
}

// A stream that stops between two messages, as when its sender dies, looks whole but for its marker: every such cut is refused.
func TestStreamNeedsItsEnd(t *testing.T) {
	r := writable(10, "label")
	valid := ipcBytes(t, true, []arrow.Record{r, r, r})
	path := written(t, "cut", valid)
	for at := len(valid) - 1; at > 0; at -= 64 {
		if err := os.WriteFile(path, valid[:at-at%8], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), []string{path}, OpenOptions{}); err == nil {
			t.Fatalf("cut at %d of %d and no error", at-at%8, len(valid))
		}
	}
	if err := os.WriteFile(path, append(bytes.Clone(valid), valid...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), []string{path}, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "after the end of the stream") {
		t.Errorf("two streams in one file: %v", err)
	}
}

// FuzzOpen reads whatever bytes as data. Its corpus is a valid file of each format.
func FuzzOpen(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		path := written(t, "fuzzed", b)
		if _, err := readAll(t, ctx, path); err != nil {
			assertClear(t, path, err)
		}
	})
}

// Thousands of damaged files, at fixed random places: bytes replaced, blocks zeroed, doubled, cut out and cut off. Every one is read
// or refused with a clear error, and leaves no memory behind; readAll fails the test otherwise.
func TestDamageByTheThousand(t *testing.T) {
	each := 300 // of seven samples
	if testing.Short() || underRace {
		each = 20
	}
	r := writable(24, "label")
	small := map[string][]byte{"file": ipcBytes(t, false, []arrow.Record{r}), "stream": ipcBytes(t, true, []arrow.Record{r}), "lz4": ipcBytes(t, false, []arrow.Record{r}, ipc.WithLZ4())}
	for _, codec := range []string{"none", "snappy", "zstd", "gzip"} {
		b, err := os.ReadFile(writeAll(t, "a.parquet", WriteOptions{Compression: codec}, r))
		if err != nil {
			t.Fatal(err)
		}
		small["parquet/"+codec] = b
	}
	for name, valid := range small {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, "damaged", valid)
			rng := rand.New(rand.NewPCG(17, 19))
			refused := 0
			for range each {
				if err := os.WriteFile(path, damaged(rng, valid), 0o600); err != nil {
					t.Fatal(err)
				}
				o, err := readAll(t, t.Context(), path)
				if err != nil {
					assertClear(t, path, err)
				}
				if err != nil || len(o.failed) > 0 {
					refused++
				}
			}
			t.Logf("%d of %d refused", refused, each)
			if refused == 0 {
				t.Errorf("none of %d damaged files is refused", each)
			}
		})
	}
}

// damaged returns b with one to three places of damage.
func damaged(rng *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(b))
		end := min(len(b), at+1+rng.IntN(64))
		switch rng.IntN(6) {
		case 0:
			b[at] = byte(rng.Int())
		case 1:
			b[at] ^= 1 << rng.IntN(8)
		case 2:
			clear(b[at:end])
		case 3:
			b = append(b[:end:end], b[at:]...) // doubled
		case 4:
			b = append(b[:at:at], b[end:]...)
		default:
			if rng.IntN(4) == 0 {
				b = b[:at]
			}
		}
		if len(b) == 0 {
			return []byte{0}
		}
	}
	return b
}
