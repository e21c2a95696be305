package ptx

import "fmt"

// A copying is a copy from device memory to shared memory that a thread has begun. It is carried out when the thread waits for it,
// which is the last moment at which a device does: what reads the place before that does not see it.
type copying struct {
	lane     uint8
	to, from uint64
	n        int
}

// beginCopy makes cp.async.ca.shared.global.
func (p *parser) beginCopy(o []operand) (func(w *warp), error) {
	if len(o) != 3 || o[0].place != anywhere || o[1].place != anywhere {
		return nil, fmt.Errorf("this form of cp.async is not known")
	}
	n := int(p.k.constants[o[2].register])
	if n != 4 && n != 8 {
		return nil, fmt.Errorf("cp.async of %d bytes is not known", n)
	}
	to, from := o[0], o[1]
	return func(w *warp) {
		t, f := w.lanes(to.register), w.lanes(from.register)
		for _, l := range w.active {
			c := copying{lane: l, to: t[l&31] + to.offset, from: f[l&31] + from.offset, n: n}
			w.sharedBytes(c.to, n)
			w.global(c.from, n)
			w.markWritten(c)
			w.copies = append(w.copies, c)
		}
	}, nil
}

// endCopies makes cp.async.wait_all.
func endCopies(w *warp) {
	rest := w.copies[:0]
	for _, c := range w.copies {
		if !w.isActive(c.lane) {
			rest = append(rest, c)
			continue
		}
		store(w.sharedBytes(c.to, c.n), c.n, load(w.global(c.from, c.n), c.n))
		w.markWritten(c)
	}
	w.copies = rest
}

func (w *warp) markWritten(c copying) {
	if w.block.races != nil {
		w.block.races.wrote(int(c.to-sharedBase), c.n, w.first+int(c.lane))
	}
}

func (w *warp) isActive(lane uint8) bool {
	for _, l := range w.active {
		if l == lane {
			return true
		}
	}
	return false
}
