package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// maxDelay bounds the time between two attempts.
const maxDelay = 10 * time.Second

// fetch reads the bytes from off on into buffers, one after the other, going on after a failure where it stopped.
func (c *Client) fetch(ctx context.Context, o *Object, off int64, into [][]byte) error {
	to := &filler{rest: into}
	for _, b := range into {
		to.left += int64(len(b))
	}
	return c.again(ctx, o.URL, func(ctx context.Context, alive func()) (progress bool, err error) {
		before := to.left
		body, err := o.store.get(ctx, o, off, to.left)
		if err != nil {
			return false, err
		}
		defer body.Close()
		to.alive = alive
		_, err = io.Copy(to, io.LimitReader(body, to.left))
		off += before - to.left
		if err == nil && to.left > 0 {
			err = fmt.Errorf("the answer ended %d bytes early", to.left)
		}
		return before-to.left >= blockSize, err
	})
}

// A filler writes into buffers, one after the other.
type filler struct {
	rest  [][]byte
	left  int64
	alive func() // called when bytes have come
}

// Write implements io.Writer.
func (f *filler) Write(p []byte) (int, error) {
	f.alive()
	n := 0
	for n < len(p) && len(f.rest) > 0 {
		m := copy(f.rest[0], p[n:])
		n += m
		if f.rest[0] = f.rest[0][m:]; len(f.rest[0]) == 0 {
			f.rest = f.rest[1:]
		}
	}
	f.left -= int64(n)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// errSilence is that nothing came for too long.
var errSilence = errors.New("nothing came for too long")

// again makes a request, and makes it again while it fails in a way that may pass, but at most c.attempts times without progress. A
// request is given up when alive was not called for c.silence.
func (c *Client) again(ctx context.Context, name string, request func(ctx context.Context, alive func()) (progress bool, err error)) error {
	delay, failures := c.delay, 0
	for {
		progress, err := c.watched(ctx, request)
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if known, ok := errors.AsType[*Error](err); ok {
			return known
		}
		if progress {
			delay, failures = c.delay, 0
		}
		if failures++; failures >= c.attempts {
			return &Error{URL: name, Kind: Failed, Message: fmt.Sprintf("could not be read in %d attempts", failures), Hint: "check the network and the server, and try again", Err: err}
		}
		if err := pause(ctx, delay/2+rand.N(delay)); err != nil { // spread, so that readers that failed together do not come again together
			return err
		}
		delay = min(2*delay, maxDelay)
	}
}

// watched makes a request under a watch for silence.
func (c *Client) watched(ctx context.Context, request func(ctx context.Context, alive func()) (bool, error)) (bool, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(c.silence, func() { cancel(errSilence) })
	defer timer.Stop()
	progress, err := request(ctx, func() { timer.Reset(c.silence) })
	if err != nil && errors.Is(context.Cause(ctx), errSilence) {
		err = fmt.Errorf("%w (%s)", errSilence, c.silence)
	}
	return progress, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
