package ingest

import (
	"context"

	"golang.org/x/sync/errgroup"

	"curvestream/ingest/remote"
)

// openedAtOnce is how many remote files are looked at at the same time: each takes a few requests one after the other, and little memory.
const openedAtOnce = 16

// A looked file is what looking at it found out.
type looked struct {
	opened *opened
	err    error
}

// remoteLooks looks at the remote files among names, several at once, for a caller that takes them in order: ahead[i] gives what was
// found of name i, and is nil where that is not remote. stop must be called; it waits until nobody looks any more.
func (s *source) remoteLooks(ctx context.Context, names []string, o OpenOptions) (ahead []chan looked, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ahead = make([]chan looked, len(names))
	for i, name := range names {
		if remote.Is(name) {
			s.client(o) // made before several want it
			ahead[i] = make(chan looked, 1)
		}
	}
	var g errgroup.Group
	g.SetLimit(openedAtOnce + 1)
	g.Go(func() error {
		for i, name := range names {
			if ahead[i] == nil || ctx.Err() != nil {
				continue
			}
			g.Go(func() error {
				opened, err := s.lookAt(ctx, name, o)
				ahead[i] <- looked{opened, err} // it has a place
				return nil
			})
		}
		return nil
	})
	return ahead, func() {
		cancel()
		_ = g.Wait() // errors come with what was looked at
	}
}

// lookAt finds out what there is to know of one remote file by itself.
func (s *source) lookAt(ctx context.Context, name string, o OpenOptions) (*opened, error) {
	f, err := lookAtRemote(ctx, s.web, name)
	if err != nil {
		return nil, err
	}
	return inspectFound(ctx, f, o)
}
