package cuda

import (
	"fmt"
	"unsafe"
)

// slabBytes is how much memory a stream takes at once for what passes through.
const slabBytes = 1 << 20

// A slab is memory that is handed out from its front, and taken back all at once when the stream was waited for.
type slab struct {
	device *buffer
	host   []byte // pinned; nil for memory of the device
	used   int64
}

// place hands out n bytes, in line for any type, from one of the slabs. A new one is made where none has room.
func place(slabs *[]*slab, n int64, make func(bytes int64) (*slab, error)) (*slab, int64, error) {
	for _, s := range *slabs {
		room := int64(len(s.host))
		if s.device != nil {
			room = s.device.bytes
		}
		if room-s.used >= n {
			at := s.used
			s.used += (n + 255) &^ 255
			return s, at, nil
		}
	}
	s, err := make(max(n, slabBytes))
	if err != nil {
		return nil, 0, err
	}
	s.used = (n + 255) &^ 255
	*slabs = append(*slabs, s)
	return s, 0, nil
}

// scratch returns where n bytes of device memory are that are the stream's until it is waited for: nowhere once the device has
// failed: nothing is launched then.
func (s *Stream[F]) scratch(n int64) arg {
	d := s.b.d
	if d.err() != nil {
		return arg{}
	}
	part, at, err := place(&s.onDevice, n, func(bytes int64) (*slab, error) {
		part := &slab{}
		return part, d.do(func() (err error) {
			part.device, err = d.allocate(bytes)
			return err
		})
	})
	if err != nil {
		d.note(fmt.Errorf("cuda: making room for %s of intermediate results: %w", mebibytes(n), err))
		return arg{}
	}
	return arg{part.device.address + uint64(at), part.device}
}

// pinned returns n bytes of host memory that are the stream's until it is waited for, and nil once the device has failed.
func (s *Stream[F]) pinned(n int64) []byte {
	d := s.b.d
	if d.err() != nil {
		return nil
	}
	part, at, err := place(&s.onHost, n, func(bytes int64) (*slab, error) {
		part := &slab{}
		return part, d.do(func() error {
			address, err := d.pin(bytes)
			if err == nil {
				part.host = unsafe.Slice((*byte)(pointer(address)), bytes)
			}
			return err
		})
	})
	if err != nil {
		d.note(err)
		return nil
	}
	return part.host[at : at+n]
}

// upload returns where a copy of x is, which may change at once. nil is nowhere.
func upload[F float32 | float64, T any](s *Stream[F], x []T) arg {
	if x == nil {
		return arg{}
	}
	from := bytesOf(x)
	to, staged := s.scratch(int64(max(1, len(from)))), s.pinned(int64(len(from)))
	if len(staged) == 0 {
		return to
	}
	copy(staged, from)
	s.b.d.note(s.b.d.do(func() error { return s.b.d.upload(to.word, staged) }))
	return to
}

// download copies n bytes of float64 to the host. What is returned gives them once the stream was waited for, and before it is used
// again.
func (s *Stream[F]) download(from arg, n int64) func() []float64 {
	staged := s.pinned(n)
	if staged != nil && n > 0 {
		s.b.d.note(s.b.d.do(func() error { return s.b.d.download(staged, from.word) }))
	}
	return func() []float64 {
		if len(staged) == 0 {
			return nil
		}
		return unsafe.Slice((*float64)(unsafe.Pointer(&staged[0])), n/8)
	}
}

// release takes all that was handed out back.
func (s *Stream[F]) release() {
	for _, slabs := range [][]*slab{s.onDevice, s.onHost} {
		for _, part := range slabs {
			part.used = 0
		}
	}
}
