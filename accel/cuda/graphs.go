package cuda

import (
	"cmp"
	"errors"
	"os"
	"slices"
)

// graphsVariable is the environment variable that switches graphs off.
const graphsVariable = "CURVESTREAM_GRAPHS"

const (
	segmentLength = 1024    // launches of a segment at most: until they are all there, the device may have nothing to do
	leastSegment  = 8       // launches: fewer are not worth a graph
	mostRecorded  = 1 << 17 // launches in all segments that are remembered, some 32 MiB
	mostAlike     = 16      // segments that begin with one and the same launch: they are looked through
)

// A recorder finds sequences of launches that come again, and has them replayed as graphs: one call of the driver for up to 1024
// launches, which then follow each other without the processor. It belongs to the executor.
//
// A segment is what is launched between two other requests, or a piece of that of segmentLength. It is remembered when it is first
// seen, captured the second time, and replayed from then on. It is the same segment only where all launches are equal, grids,
// addresses and numbers included. So nothing has to be invalidated when memory moves: what is launched then is another segment.
type recorder struct {
	on       bool
	held     []launch // of the segment at hand
	sent     bool     // held are on the stream already: no segment that is remembered begins like that
	matches  []*segment
	segments map[order][]*segment // by their first launch
	recorded int                  // launches in all segments
	clock    uint64
}

// A segment is a sequence of launches that was seen.
type segment struct {
	orders []order
	graph  uint64 // executable; 0 until the segment is seen again
	used   uint64 // when it was last seen, by the recorder's clock
}

// init switches graphs on where the driver has them, and the environment does not say off.
func (r *recorder) init(drv driver) {
	r.on, r.segments = drv.has(cuGraphExecDestroy) && os.Getenv(graphsVariable) != "off", map[order][]*segment{}
	for c := firstOptional; c < cuGraphExecDestroy; c++ {
		r.on = r.on && drv.has(c)
	}
}

// place puts a kernel on the stream, or holds it back while it may be a part of a graph.
func (d *device) place(l *launch) error {
	r := &d.replays
	if !r.on {
		return d.issue(&l.order)
	}
	n := len(r.held)
	if n == 0 {
		r.matches = append(r.matches[:0], r.segments[l.order]...)
	} else if !r.sent {
		r.matches = slices.DeleteFunc(r.matches, func(s *segment) bool { return len(s.orders) <= n || s.orders[n] != l.order })
	}
	if !r.sent && len(r.matches) == 0 {
		if err := d.send(); err != nil {
			return err
		}
		r.sent = true
	}
	r.held = append(r.held, *l)
	if r.sent {
		if err := d.issue(&l.order); err != nil {
			return err
		}
	}
	if len(r.held) == segmentLength {
		return d.flush()
	}
	return nil
}

// send puts what is held on the stream, launch by launch.
func (d *device) send() error {
	for i := range d.replays.held {
		if err := d.issue(&d.replays.held[i].order); err != nil {
			return err
		}
	}
	return nil
}

// flush ends the segment at hand: afterwards all that was asked for is on the stream. A segment that is not known is remembered.
func (d *device) flush() error {
	r := &d.replays
	if len(r.held) == 0 {
		return nil
	}
	defer func() {
		clear(r.held)
		r.held, r.sent = r.held[:0], false
	}()
	if d.failed.Load() != nil {
		return nil
	}
	if !r.sent {
		for _, s := range r.matches {
			if len(s.orders) == len(r.held) {
				return d.replay(s)
			}
		}
		if err := d.send(); err != nil {
			return err
		}
	}
	return d.remember()
}

// remember keeps the segment at hand, if it is worth it. Those that were not seen for longest make room.
func (d *device) remember() error {
	r := &d.replays
	if len(r.held) < leastSegment {
		return nil
	}
	r.clock++
	s := &segment{used: r.clock, orders: make([]order, len(r.held))}
	for i := range r.held {
		s.orders[i] = r.held[i].order
	}
	alike := append(r.segments[s.orders[0]], s)
	r.segments[s.orders[0]] = alike
	r.recorded += len(s.orders)
	switch {
	case len(alike) > mostAlike:
		return d.forgetUntil(slices.MinFunc(alike, func(a, b *segment) int { return cmp.Compare(a.used, b.used) }).used)
	case r.recorded > mostRecorded:
		return d.forgetOldest()
	}
	return nil
}

// replay launches a segment's graph, which is captured where it has none.
func (d *device) replay(s *segment) error {
	r := &d.replays
	r.clock++
	s.used = r.clock
	if s.graph == 0 {
		if err := d.capture(s); err != nil {
			return err
		}
	}
	return d.check("replaying a graph", cuGraphLaunch, uintptr(s.graph), uintptr(d.stream))
}

// captureThread is CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads of the process do with CUDA does not matter.
const captureThread = 1

// capture makes a graph of a segment.
func (d *device) capture(s *segment) error {
	w := d.slot
	if err := d.check("beginning a graph", cuStreamBeginCapture_v2, uintptr(d.stream), captureThread); err != nil {
		return err
	}
	err := d.send()
	w.word = 0
	err = errors.Join(err, d.check("ending a graph", cuStreamEndCapture, uintptr(d.stream), addressOf(&w.word)))
	graph := w.word
	if err == nil {
		w.word = 0
		err = d.check("preparing a graph", cuGraphInstantiateWithFlags, addressOf(&w.word), uintptr(graph), 0)
		s.graph = w.word
	}
	if graph != 0 {
		err = errors.Join(err, d.check("giving a graph back", cuGraphDestroy, uintptr(graph)))
	}
	return err
}

// forgetOldest forgets the half of the segments that were not seen for longest.
func (d *device) forgetOldest() error {
	r := &d.replays
	var times []uint64
	for _, list := range r.segments {
		for _, s := range list {
			times = append(times, s.used)
		}
	}
	slices.Sort(times)
	return d.forgetUntil(times[len(times)/2])
}

// forgetUntil forgets the segments that were last seen at a time or before it. A graph that is running ends all the same.
func (d *device) forgetUntil(time uint64) error {
	r := &d.replays
	var all []error
	for first, list := range r.segments {
		kept := list[:0]
		for _, s := range list {
			if s.used > time {
				kept = append(kept, s)
				continue
			}
			r.recorded -= len(s.orders)
			if s.graph != 0 {
				all = append(all, d.check("giving a graph back", cuGraphExecDestroy, uintptr(s.graph)))
			}
		}
		clear(list[len(kept):])
		if r.segments[first] = kept; len(kept) == 0 {
			delete(r.segments, first)
		}
	}
	return errors.Join(all...)
}

// forget forgets all.
func (r *recorder) forget(d *device) error { return d.forgetUntil(r.clock) }
