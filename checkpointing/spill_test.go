package checkpointing

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
)

// What is written is read back, by several goroutines, whatever regions come and go; and at the end all room is there again.
func TestSpill(t *testing.T) {
	s, err := OpenSpill(t.TempDir(), 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var g errgroup.Group
	for worker := range 4 {
		g.Go(func() error {
			rng := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 20 {
				payload := make([]byte, 1+rng.IntN(9000))
				r, err := s.Take(1+rng.IntN(20), int64(len(payload)))
				if err != nil {
					return err
				}
				n := int((r.extent.hi - r.extent.lo) / RecordBytes(r.payload))
				for i := range n {
					payload[0] = byte(i)
					if err := r.Write(i, payload); err != nil {
						return err
					}
				}
				for i := range n {
					got := make([]byte, len(payload))
					if err := r.Read(i, got); err != nil {
						return err
					}
					if payload[0] = byte(i); !bytes.Equal(got, payload) {
						return errors.New("other bytes are read than were written")
					}
				}
				r.Close()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := []extent{{spillPage, 4<<20 + spillPage}}; !slices.Equal(s.free, want) {
		t.Errorf("free at the end: %v", s.free)
	}
	if _, err := s.Take(2000, spillPage); err == nil || !strings.Contains(err.Error(), "make it larger") {
		t.Errorf("err = %v, want that there is no room", err)
	}
}

// Any bit that is flipped in a record, a record of another region, and one that is too short, are errors.
func TestSpillDamage(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "spill"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	s, err := NewSpill(f, "spill", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Take(3, 100)
	if err != nil {
		t.Fatal(err)
	}
	payload, got := bytes.Repeat([]byte{7}, 100), make([]byte, 100)
	for i := range 3 {
		if err := r.Write(i, payload); err != nil {
			t.Fatal(err)
		}
	}
	for bit := range 8 * (recordHeader + 100) {
		at, b := r.offset(1)+int64(bit/8), make([]byte, 1)
		flip := func() {
			if _, err := f.ReadAt(b, at); err != nil {
				t.Fatal(err)
			}
			b[0] ^= 1 << (bit % 8)
			if _, err := f.WriteAt(b, at); err != nil {
				t.Fatal(err)
			}
		}
		flip()
		if err := r.Read(1, got); err == nil || !strings.Contains(err.Error(), "is not what was written") {
			t.Fatalf("bit %d: err = %v", bit, err)
		}
		flip()
	}
	if err := r.Read(1, got); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(1, got[:99]); err == nil {
		t.Error("a record of another length is read")
	}
	r.Close()
	again, err := s.Take(3, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Read(1, got); err == nil {
		t.Error("a record of a closed region is read")
	}
}

// A disk without room is an error at once, with the bytes; it leaves nothing behind.
func TestSpillDiskFull(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenSpill(dir, 1<<52)
	if err == nil || !strings.Contains(err.Error(), "4503599627374592 bytes") {
		t.Errorf("err = %v, want the bytes that are needed", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := fill(fullDisk{}, 10<<20); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("err = %v", err)
	}
}

type fullDisk struct{ io.WriterAt }

// WriteAt implements io.WriterAt: there is room for 3 MiB.
func (fullDisk) WriteAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > 3<<20 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

// What a process that crashed left is removed by the next one, and a file in use has no name or goes when it is closed.
func TestSpillLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "curvestream-spill-123.tmp"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSpill(dir, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := OpenSpill(filepath.Join(dir, "missing"), 1000); err == nil {
		t.Error("a folder that is missing is no error")
	}
}
