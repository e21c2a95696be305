package ptx

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// An address of device memory has the number of its allocation above these bits and the place within it below, so that a pointer
// that leaves its allocation, however far, is found out.
const placeBits = 40

// sharedBase is where the shared memory of the running block begins, above all allocations.
const sharedBase = uint64(1) << 62

// Memory is the memory of a device: allocations that are bounds-checked one by one. It is safe for concurrent use; which bytes
// of it may be touched at one time is the caller's business, as on a device.
type Memory struct {
	mu    sync.RWMutex
	parts [][]byte // by number of allocation; freed ones are nil. Numbers are not used again, which finds use after free
	live  int64
}

// NewMemory returns a memory without allocations.
func NewMemory() *Memory { return &Memory{parts: make([][]byte, 1)} } // number 0 stays free: null pointers

// Alloc returns the address of n bytes, n ≥ 1. They hold what an allocation on a device may hold: not zeros.
func (m *Memory) Alloc(n int64) uint64 {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xff // as float32 and float64: NaN
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = append(m.parts, b)
	m.live += n
	return uint64(len(m.parts)-1) << placeBits
}

// Free gives an allocation back. The address has to be what Alloc returned.
func (m *Memory) Free(address uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	number := address >> placeBits
	if address&(1<<placeBits-1) != 0 || number >= uint64(len(m.parts)) || m.parts[number] == nil {
		return fmt.Errorf("ptx: freeing memory: %#x is no allocation", address)
	}
	m.live -= int64(len(m.parts[number]))
	m.parts[number] = nil
	return nil
}

// Live returns how many bytes are allocated.
func (m *Memory) Live() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.live
}

// Bytes returns n bytes at an address, or an error where they are not all within one allocation.
func (m *Memory) Bytes(address uint64, n int64) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return within(m.parts, address, uint64(n))
}

func (m *Memory) snapshot() [][]byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.parts[:len(m.parts):len(m.parts)]
}

func within(parts [][]byte, address, n uint64) ([]byte, error) {
	number, place := address>>placeBits, address&(1<<placeBits-1)
	if number >= uint64(len(parts)) || parts[number] == nil {
		return nil, fmt.Errorf("address %#x is in no allocation", address)
	}
	if size := uint64(len(parts[number])); place > size || n > size-place {
		return nil, fmt.Errorf("%d bytes at %d are outside of an allocation of %d bytes", n, place, size)
	}
	return parts[number][place : place+n : place+n], nil
}

func load(b []byte, bytes int) uint64 {
	if bytes == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func store(b []byte, bytes int, x uint64) {
	if bytes == 4 {
		binary.LittleEndian.PutUint32(b, uint32(x))
		return
	}
	binary.LittleEndian.PutUint64(b, x)
}
