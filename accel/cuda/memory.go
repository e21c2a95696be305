package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"weak"
)

// A buffer is memory of a device. Nothing frees it by name: when it is no longer reachable its memory goes back to the pool. All
// work is on one stream, so that memory may be used again while operations on what it held before still wait.
type buffer struct {
	address uint64
	bytes   int64
}

// A pool holds the allocations of a device. It belongs to the executor.
type pool struct {
	live    []liveBuffer
	free    map[int64][]uint64 // addresses by size
	sweepAt int                // number of live buffers at which those that are unreachable are looked for
	pinned  []uintptr
}

type liveBuffer struct {
	reachable weak.Pointer[buffer]
	address   uint64
	bytes     int64
}

const firstSweep = 256

func (p *pool) init() { p.free, p.sweepAt = map[int64][]uint64{}, firstSweep }

// rounded returns the size that is allocated for so many bytes: memory of few sizes is used again more often.
func rounded(n int64) int64 {
	step := int64(512)
	for step*8 < n {
		step *= 2
	}
	return max(1, (n+step-1)/step) * step
}

// allocate returns memory for n bytes. Where there is none it has the garbage collector look for buffers that nobody uses.
func (d *device) allocate(n int64) (*buffer, error) {
	p, size := &d.memory, rounded(n)
	if len(p.live) >= p.sweepAt {
		p.sweep()
		p.sweepAt = max(firstSweep, 2*len(p.live))
	}
	address, r := d.take(size)
	if r == outOfMemory {
		runtime.GC()
		p.sweep()
		if address, r = d.take(size); r == outOfMemory {
			if err := d.freeIdle(); err != nil {
				return nil, err
			}
			address, r = d.take(size)
		}
	}
	if r != success {
		return nil, failure(cuMemAlloc_v2, r, "asked for %s; %s", mebibytes(size), d.whatFits())
	}
	b := &buffer{address, size}
	p.live = append(p.live, liveBuffer{weak.Make(b), address, size})
	return b, nil
}

// take returns idle memory of a size, or new memory.
func (d *device) take(size int64) (uint64, result) {
	if idle := d.memory.free[size]; len(idle) > 0 {
		d.memory.free[size] = idle[:len(idle)-1]
		return idle[len(idle)-1], success
	}
	r := d.drv.call(cuMemAlloc_v2, addressOf(&d.slot.word), uintptr(size))
	return d.slot.word, r
}

// sweep moves the memory of unreachable buffers to what is free.
func (p *pool) sweep() {
	kept := p.live[:0]
	for _, l := range p.live {
		if l.reachable.Value() != nil {
			kept = append(kept, l)
		} else {
			p.free[l.bytes] = append(p.free[l.bytes], l.address)
		}
	}
	clear(p.live[len(kept):])
	p.live = kept
}

// freeIdle gives memory that waits for use back to the driver.
func (d *device) freeIdle() error {
	if err := d.synchronize(); err != nil { // operations on what it held may not have run
		return err
	}
	var all []error
	for size, idle := range d.memory.free {
		for _, address := range idle {
			all = append(all, d.check("freeing memory", cuMemFree_v2, uintptr(address)))
		}
		delete(d.memory.free, size)
	}
	return errors.Join(all...)
}

// freeAll frees all memory, that of buffers in use too.
func (d *device) freeAll() error {
	var all []error
	for _, l := range d.memory.live {
		all = append(all, d.check("freeing memory", cuMemFree_v2, uintptr(l.address)))
	}
	d.memory.live = nil
	for _, idle := range d.memory.free {
		for _, address := range idle {
			all = append(all, d.check("freeing memory", cuMemFree_v2, uintptr(address)))
		}
	}
	clear(d.memory.free)
	for _, address := range d.memory.pinned {
		all = append(all, d.check("freeing pinned memory", cuMemFreeHost, address))
	}
	d.memory.pinned = nil
	return errors.Join(all...)
}

// whatFits says how much memory there is, and what to do.
func (d *device) whatFits() string {
	s := d.slot
	if d.drv.call(cuMemGetInfo_v2, addressOf(&s.word), addressOf(&s.other)) != success {
		return "how much is free is not known"
	}
	return fmt.Sprintf("%s of %s are free on %s: compute fewer at once (--batch.chunk_sequences, --batch.chunk_steps) or keep less (--memory)",
		mebibytes(int64(s.word)), mebibytes(int64(s.other)), d.info.Model)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// zero sets a buffer's bytes from lo on to 0.
func (d *device) zero(address uint64, n int64) error {
	if n == 0 {
		return nil
	}
	return d.check("clearing memory", cuMemsetD8Async, uintptr(address), 0, uintptr(n), uintptr(d.stream))
}

// pin returns host memory that the device copies from and to by itself. It lives as long as the device.
func (d *device) pin(n int64) (uintptr, error) {
	if err := d.check(fmt.Sprintf("pinning %s of host memory", mebibytes(n)), cuMemHostAlloc, addressOf(&d.slot.word), uintptr(n), 0); err != nil {
		return 0, err
	}
	address := uintptr(d.slot.word)
	d.memory.pinned = append(d.memory.pinned, address)
	return address, nil
}
