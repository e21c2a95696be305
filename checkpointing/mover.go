package checkpointing

import (
	"context"
	"fmt"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// A Mover carries out copies, in the order in which they are handed in, on a goroutine of its own, while a sweep computes. It is used
// by one goroutine, and lives as long as a sweep. Close it.
type Mover struct {
	ctx   context.Context // ends with the sweep's, and with the first copy that fails
	group *errgroup.Group
	queue chan *Copy
}

// A Copy is a copy that has been handed to a Mover.
type Copy struct {
	run  func() error
	done chan struct{} // closed when run has returned, or will not be called
	err  error
}

// NewMover starts a Mover. Copies that are waiting when ctx ends are not carried out.
func NewMover(ctx context.Context) *Mover {
	m := &Mover{}
	m.group, m.ctx = errgroup.WithContext(ctx)
	// All slots of the window may be waited for at once, and no more: a full queue would only hide that the store is too slow.
	m.queue = make(chan *Copy, Window)
	m.group.Go(m.work)
	return m
}

func (m *Mover) work() error {
	for c := range m.queue {
		if c.err = context.Cause(m.ctx); c.err == nil {
			c.err = guarded(c.run)
		}
		close(c.done)
		if c.err != nil {
			m.refuse(c.err)
			return c.err
		}
	}
	return nil
}

// refuse ends the copies that are still handed in with the error of the one that failed.
func (m *Mover) refuse(err error) {
	for c := range m.queue {
		c.err = err
		close(c.done)
	}
}

// guarded calls run, which reads foreign bytes, and turns a panic into an error.
func guarded(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("checkpointing: copying a state: this is a bug in curvestream, please report it: %v\n%s", r, debug.Stack())
		}
	}()
	return run()
}

// Do hands in a copy. It waits while the queue is full.
func (m *Mover) Do(run func() error) *Copy {
	c := &Copy{run: run, done: make(chan struct{})}
	m.queue <- c // received until Close: by work, or by refuse
	return c
}

// Wait waits until a copy has been carried out, and returns its error. A nil Copy is done.
func (c *Copy) Wait() error {
	if c == nil {
		return nil
	}
	<-c.done // closed for every copy that was handed in: by work, or by refuse
	return c.err
}

// Close waits for all copies and ends the goroutine. It returns the error of the first copy that failed.
func (m *Mover) Close() error {
	close(m.queue)
	return m.group.Wait()
}
