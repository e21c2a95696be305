package cuda

import (
	"cmp"
	"fmt"
	"slices"
	"unsafe"

	"curvestream/accel"
)

// A hostPool holds pinned memory that was lent and came back. It is lent again rather than freed, for pinning is slow. It belongs to
// the executor.
type hostPool struct{ idle []pinnedPart }

type pinnedPart struct {
	address uintptr
	bytes   int64
}

// wasteful is how many times what was asked for a part may have that is lent again.
const wasteful = 2

// lend returns pinned memory of n bytes or more: idle memory that is not much too large, or new memory. Where none can be pinned, what is
// idle is freed first.
func (h *hostPool) lend(d *device, n int64) (pinnedPart, error) {
	best := -1
	for i, p := range h.idle {
		if p.bytes >= n && p.bytes <= wasteful*n && (best < 0 || p.bytes < h.idle[best].bytes) {
			best = i
		}
	}
	if best >= 0 {
		p := h.idle[best]
		h.idle = slices.Delete(h.idle, best, best+1)
		return p, nil
	}
	address, err := d.pin(n)
	if err != nil && len(h.idle) > 0 {
		if err = h.free(d); err == nil {
			address, err = d.pin(n)
		}
	}
	return pinnedPart{address, n}, err
}

// free gives what is idle back to the system.
func (h *hostPool) free(d *device) error {
	if err := d.synchronize(); err != nil {
		return err
	}
	var err error
	for _, p := range h.idle {
		err = cmp.Or(err, d.check("freeing pinned memory", cuMemFreeHost, p.address))
		d.memory.pinned = slices.DeleteFunc(d.memory.pinned, func(a uintptr) bool { return a == p.address })
	}
	h.idle = nil
	return err
}

// NewHost implements accel.Host: pinned memory.
func (b *Backend[F]) NewHost(n int) (values []F, giveBack func(), err error) {
	if n == 0 {
		return nil, func() {}, nil
	}
	var p pinnedPart
	err = b.d.do(func() (err error) {
		p, err = b.d.host.lend(b.d, int64(n)*size[F]())
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("cuda: host memory of %d elements: %w; keep less there (--memory), or recompute (--states recompute)", n, err)
	}
	giveBack = func() {
		b.d.later(func() error {
			b.d.host.idle = append(b.d.host.idle, p)
			return nil
		})
	}
	return unsafe.Slice((*F)(pointer(p.address)), n), giveBack, nil
}

var (
	_ accel.Host[float32]  = (*Backend[float32])(nil)
	_ accel.Mover[float64] = (*Stream[float64])(nil)
)

// Free returns how many bytes of the device's memory are free, for this program and others, and how many there are. What waits in the
// pool for its next use is not free.
func (b *Backend[F]) Free() (free, total int64, err error) {
	err = b.d.do(func() error {
		s := b.d.slot
		if err := b.d.check("asking for free memory", cuMemGetInfo_v2, addressOf(&s.word), addressOf(&s.other)); err != nil {
			return err
		}
		free, total = int64(s.word), int64(s.other)
		return nil
	})
	return free, total, err
}
