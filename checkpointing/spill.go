package checkpointing

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// The spill file. All numbers are little-endian. The file is a scratch file: it is read only by the process that wrote it, and its
// format is checked to find damage by disks and by others, not to be read by another version.
//
//	offset 0              file header, one page of 4096 bytes:
//	    0  8 bytes        "CSSPILL1"
//	    8  uint64         length of the file in bytes
//	   16  zeros
//	offset 4096 n         records, each of whole pages:
//	    0  uint32         0x4C505343, "CSPL"
//	    4  uint32         CRC-32C of the payload
//	    8  uint64         serial number of the region: each time that pages are taken anew they get another
//	   16  uint64         number of the record in its region
//	   24  uint64         length of the payload in bytes
//	   32  payload, then whatever was there up to the end of the page
//
// The file has its full length on disk from the beginning, so that a disk that is too small is an error before anything is computed.
const (
	spillMagic   = "CSSPILL1"
	recordMagic  = 0x4C505343
	spillPage    = 4096
	recordHeader = 32
	spillPattern = "curvestream-spill-*.tmp"
)

// A File is what a Spill is written to: an *os.File, or what behaves like one.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// A Spill is a file that holds states when memory is full. It is safe for concurrent use; so is each of its regions, as long as a
// record is not written while it is read or written.
type Spill struct {
	file File
	name string
	size int64 // bytes of records

	mu     sync.Mutex
	free   []extent // ascending, none touching the next
	serial uint64
}

// An extent is bytes lo to hi, hi excluded.
type extent struct{ lo, hi int64 }

// OpenSpill makes a spill file of size bytes, rounded up to pages, in a directory; "" means the system's for temporary files. The disk
// space is taken at once. Where the system can, the file has no name from then on, so that it is gone whatever becomes of the
// process; elsewhere it goes with Close, or with the next OpenSpill in that directory.
func OpenSpill(dir string, size int64) (*Spill, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	removeLeftovers(dir)
	size = pages(size) + spillPage
	f, err := os.CreateTemp(dir, spillPattern)
	if err != nil {
		return nil, fmt.Errorf("checkpointing: making a spill file: %w", err)
	}
	nameless := os.Remove(f.Name()) == nil
	s, err := reserve(f, size)
	if err != nil {
		err = fmt.Errorf("checkpointing: the spill file needs %d bytes in %s: %w: free as much there, choose another directory or a smaller file", size, dir, err)
		err = errors.Join(err, f.Close())
		if !nameless {
			err = errors.Join(err, os.Remove(f.Name()))
		}
		return nil, err
	}
	if !nameless {
		s.file = removedOnClose{f}
	}
	return s, nil
}

// removeLeftovers removes spill files of processes that have crashed. Those in use either have no name or cannot be removed.
func removeLeftovers(dir string) {
	names, err := filepath.Glob(filepath.Join(dir, spillPattern))
	if err != nil {
		return // never: the pattern is well-formed
	}
	for _, name := range names {
		_ = os.Remove(name) // in use by another process where that fails
	}
}

// removedOnClose is a file that goes when it is closed.
type removedOnClose struct{ *os.File }

// Close implements io.Closer.
func (f removedOnClose) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }

// reserve takes the disk space and returns the Spill of a file.
func reserve(f *os.File, size int64) (*Spill, error) {
	unsupported, err := allocate(f, size)
	if err != nil {
		return nil, err
	}
	if unsupported {
		if err := fill(f, size); err != nil {
			return nil, err
		}
	}
	return NewSpill(f, f.Name(), size)
}

// fill writes zeros.
func fill(f io.WriterAt, size int64) error {
	zeros := make([]byte, 1<<20)
	for off := int64(0); off < size; off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-off)], off); err != nil {
			return err
		}
	}
	return nil
}

// NewSpill returns a Spill in size bytes of a file, which has them already. Close closes the file. The name is for errors.
func NewSpill(f File, name string, size int64) (*Spill, error) {
	header := make([]byte, spillPage)
	copy(header, spillMagic)
	binary.LittleEndian.PutUint64(header[8:], uint64(size))
	if _, err := f.WriteAt(header, 0); err != nil {
		return nil, err
	}
	return &Spill{file: f, name: name, size: size - spillPage, free: []extent{{spillPage, size}}}, nil
}

// pages rounds bytes up to whole pages.
func pages(n int64) int64 { return (n + spillPage - 1) / spillPage * spillPage }

// RecordBytes returns the bytes of the file that a record with a payload of n bytes takes.
func RecordBytes(n int64) int64 { return pages(recordHeader + n) }

// Close removes the file.
func (s *Spill) Close() error {
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("checkpointing: closing the spill file: %w", err)
	}
	return nil
}

// A Region is a part of a Spill: records of one size.
type Region struct {
	spill   *Spill
	extent  extent
	serial  uint64
	payload int64 // the largest
}

// Take takes room for records of up to payload bytes each, until the region is closed.
func (s *Spill) Take(records int, payload int64) (*Region, error) {
	need := int64(records) * RecordBytes(payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.free {
		e := &s.free[i]
		if e.hi-e.lo < need {
			continue
		}
		s.serial++
		r := &Region{spill: s, extent: extent{e.lo, e.lo + need}, serial: s.serial, payload: payload}
		if e.lo += need; e.lo == e.hi {
			s.free = append(s.free[:i], s.free[i+1:]...)
		}
		return r, nil
	}
	return nil, fmt.Errorf("checkpointing: the spill file of %d bytes has no %d bytes left in one piece: make it larger", s.size, need)
}

// Close gives the room back.
func (r *Region) Close() {
	s := r.spill
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.free, r.extent.lo, func(e extent, lo int64) int { return cmp.Compare(e.lo, lo) })
	merged := s.free[:0:0]
	for _, e := range slices.Insert(s.free, i, r.extent) {
		if last := len(merged) - 1; last >= 0 && merged[last].hi == e.lo {
			merged[last].hi = e.hi
		} else {
			merged = append(merged, e)
		}
	}
	s.free = merged
	r.extent = extent{}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sum returns the checksum of a state that is also that of a record: CRC-32C.
func Sum(state []byte) uint32 { return crc32.Checksum(state, castagnoli) }

// Write writes record i.
func (r *Region) Write(i int, payload []byte) error {
	var h [recordHeader]byte
	binary.LittleEndian.PutUint32(h[0:], recordMagic)
	binary.LittleEndian.PutUint32(h[4:], Sum(payload))
	r.describe(h[8:], i, payload)
	off := r.offset(i)
	_, err := r.spill.file.WriteAt(h[:], off)
	if err == nil {
		_, err = r.spill.file.WriteAt(payload, off+recordHeader)
	}
	if err != nil {
		return fmt.Errorf("checkpointing: writing state %d, %d bytes, to the spill file %s: %w", i, len(payload), r.spill.name, err)
	}
	return nil
}

// Read reads record i, which has the length of payload, into payload. A record that is not what Write wrote is an error.
func (r *Region) Read(i int, payload []byte) error {
	var h, want [recordHeader]byte
	off := r.offset(i)
	_, err := r.spill.file.ReadAt(h[:], off)
	if err == nil {
		_, err = r.spill.file.ReadAt(payload, off+recordHeader)
	}
	if err != nil {
		return fmt.Errorf("checkpointing: reading state %d from the spill file %s: %w", i, r.spill.name, err)
	}
	binary.LittleEndian.PutUint32(want[0:], recordMagic)
	binary.LittleEndian.PutUint32(want[4:], Sum(payload))
	r.describe(want[8:], i, payload)
	if h != want {
		return fmt.Errorf("checkpointing: state %d in the spill file %s, at byte %d, is not what was written: the disk or another program has damaged it: go on from the last checkpoint, with the file in another directory", i, r.spill.name, off)
	}
	return nil
}

// describe sets the fields of a record's header behind its checksum.
func (r *Region) describe(h []byte, i int, payload []byte) {
	binary.LittleEndian.PutUint64(h[0:], r.serial)
	binary.LittleEndian.PutUint64(h[8:], uint64(i))
	binary.LittleEndian.PutUint64(h[16:], uint64(len(payload)))
}

// offset returns where record i begins.
func (r *Region) offset(i int) int64 { return r.extent.lo + int64(i)*RecordBytes(r.payload) }
