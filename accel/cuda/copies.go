package cuda

import (
	"errors"
	"fmt"

	"curvestream/accel"
)

// A copier has a stream of its own, so that copies to and from pinned memory run while the device computes. Events order them: a
// batch of copies begins after what the computing stream was asked before, and the computing stream awaits a batch before it uses what
// the batch has brought or overwrites what it has taken. It belongs to the executor.
type copier struct {
	stream uint64
	asked  uint64            // event: recorded on the computing stream before a batch
	ended  map[uint64]uint64 // events of batches that no one has waited for on the host, by their number
	spare  []uint64          // events
}

// open makes the stream.
func (c *copier) open(d *device) error {
	s := d.slot
	if err := d.check("making a stream for copies", cuStreamCreate, addressOf(&s.word), streamNonBlocking); err != nil {
		return err
	}
	c.stream, c.ended = s.word, map[uint64]uint64{}
	var err error
	c.asked, err = c.event(d)
	return err
}

// event returns an event that is not in use.
func (c *copier) event(d *device) (uint64, error) {
	if last := len(c.spare) - 1; last >= 0 {
		e := c.spare[last]
		c.spare = c.spare[:last]
		return e, nil
	}
	s := d.slot
	err := d.check("making an event", cuEventCreate, addressOf(&s.word), eventNoTiming)
	return s.word, err
}

// order has one stream wait for what another one was asked so far, by an event that is recorded for it.
func (d *device) order(event, first, then uint64) error {
	if err := d.check("marking a place in a stream", cuEventRecord, uintptr(event), uintptr(first)); err != nil {
		return err
	}
	return d.check("ordering streams", cuStreamWaitEvent, uintptr(then), uintptr(event), 0)
}

// begin puts a batch of copies on the stream, after what the computing stream was asked before.
func (c *copier) begin(d *device, number uint64, list []copying) error {
	if err := d.order(c.asked, d.stream, c.stream); err != nil {
		return err
	}
	for _, t := range list {
		call, args := cuMemcpyHtoDAsync_v2, []uintptr{uintptr(t.device.word), t.host, t.bytes, uintptr(c.stream)}
		if t.toHost {
			call, args = cuMemcpyDtoHAsync_v2, []uintptr{t.host, uintptr(t.device.word), t.bytes, uintptr(c.stream)}
		}
		if err := d.check(fmt.Sprintf("copying %d bytes beside the computation", t.bytes), call, args...); err != nil {
			return err
		}
	}
	e, err := c.event(d)
	if err != nil {
		return err
	}
	c.ended[number] = e
	return d.check("marking the end of copies", cuEventRecord, uintptr(e), uintptr(c.stream))
}

// await has the computing stream wait for a batch, unless the host has.
func (c *copier) await(d *device, number uint64) error {
	e, waiting := c.ended[number]
	if !waiting {
		return nil
	}
	return d.check("waiting for copies", cuStreamWaitEvent, uintptr(d.stream), uintptr(e), 0)
}

// synchronize waits for all copies on the host.
func (c *copier) synchronize(d *device) error {
	if c.stream == 0 || len(c.ended) == 0 {
		return nil
	}
	err := d.check("waiting for copies", cuStreamSynchronize, uintptr(c.stream))
	for number, e := range c.ended {
		c.spare = append(c.spare, e)
		delete(c.ended, number)
	}
	return err
}

// close destroys the stream and the events.
func (c *copier) close(d *device) error {
	var all []error
	for _, e := range c.ended {
		c.spare = append(c.spare, e)
	}
	if c.asked != 0 {
		c.spare = append(c.spare, c.asked)
	}
	for _, e := range c.spare {
		all = append(all, d.check("destroying an event", cuEventDestroy_v2, uintptr(e)))
	}
	if c.stream != 0 {
		all = append(all, d.check("ending the stream of copies", cuStreamDestroy_v2, uintptr(c.stream)))
	}
	*c = copier{}
	return errors.Join(all...)
}

// A copying is one copy of a batch.
type copying struct {
	device arg
	host   uintptr
	bytes  uintptr
	toHost bool
}

// Begin implements accel.Mover.
func (s *Stream[F]) Begin(list []accel.Transfer[F]) accel.Moved {
	d := s.b.d
	if d.err() != nil {
		return 0
	}
	batch := make([]copying, 0, len(list))
	for _, t := range list {
		v, ours := t.V.(*Vector[F])
		if !ours || v.b.d != d {
			panic("cuda: copying a vector of another backend")
		}
		if v.n != len(t.Host) {
			panic(fmt.Sprintf("cuda: copying a vector of %d to or from %d elements", v.n, len(t.Host)))
		}
		if v.n > 0 {
			batch = append(batch, copying{v.at(0), addressOf(&t.Host[0]), uintptr(v.bytes()), t.ToHost})
		}
	}
	number := s.b.moves.Add(1)
	d.later(func() error { return d.copies.begin(d, number, batch) })
	return accel.Moved(number)
}

// Await implements accel.Mover.
func (s *Stream[F]) Await(m accel.Moved) {
	if m != 0 {
		s.b.d.later(func() error { return s.b.d.copies.await(s.b.d, uint64(m)) })
	}
}
