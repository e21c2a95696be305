package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"curvestream/run/fault"
	"curvestream/run/train"
)

// signals turns the system's signals into what a run understands. Stop it.
type signals struct {
	save chan struct{} // SIGUSR1: make a checkpoint and go on
	got  chan os.Signal
	done chan struct{}
	gone chan struct{}
}

// watchSignals returns a context that ends with train.ErrInterrupted on the first SIGINT, and with train.ErrPreempted on
// SIGTERM or SIGHUP. A second SIGINT ends the process at once.
func watchSignals(ctx context.Context, stderr io.Writer) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signals{save: make(chan struct{}, 1), // one request is enough until it is served
		got:  make(chan os.Signal, 4), // room for what comes while one is looked at
		done: make(chan struct{}), gone: make(chan struct{})}
	signal.Notify(s.got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	go func() {
		defer close(s.gone)
		defer cancel(nil)
		interrupted := false
		for {
			select {
			case <-s.done:
				return
			case sig := <-s.got:
				switch {
				case sig == syscall.SIGUSR1:
					select {
					case s.save <- struct{}{}:
					default:
					}
				case sig != os.Interrupt:
					cancel(train.ErrPreempted)
				case interrupted:
					os.Exit(fault.Interrupted)
				default:
					interrupted = true
					fmt.Fprintln(stderr, "\ninterrupted: saving the state; press Ctrl-C again to quit without saving")
					cancel(train.ErrInterrupted)
				}
			}
		}
	}()
	return ctx, s
}

func (s *signals) stop() {
	signal.Stop(s.got)
	close(s.done)
	<-s.gone
}
