package pipeline

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

// How far a tuner goes, and what it goes by.
const (
	mostWorkers  = 32
	mostPrefetch = 32
	tunePeriod   = 250 * time.Millisecond // between two looks, at least
	tuneChunks   = 4                      // that the consumer was handed meanwhile, at least
	tunePatience = 0.02                   // of the time the consumer may wait
	tuneGain     = 0.9                    // a change stays if the consumer waits for a byte for this part of the time before, at most
)

// A tuner chooses how many units are decoded at a time and how many windows may be open, by climbing: where the consumer waits for data
// it raises what holds them up, looks whether that helped, and takes it back where it did not. It never changes what is delivered, only
// when: chunks and their order are the plan's. It is used by the consumer's goroutine, but for choice, which any may call.
type tuner struct {
	fixedWorkers, fixedPrefetch bool
	mostWorkers, mostPrefetch   int

	from    observation // the begin of the period
	tried   *trial
	refused [2]bool // moves that did not help

	mu     sync.Mutex
	now    choice
	reason string
}

// A choice is what a tuner chooses.
type choice struct{ workers, prefetch int }

// A move is how a choice may be raised.
type move int

const (
	moreAtOnce move = iota // workers, and as many windows for them to work on
	moreAhead              // windows
)

// A trial is a move whose effect is awaited.
type trial struct {
	move   move
	before choice
	waited float64 // nanoseconds a byte that was decoded, before
}

// A observation is the counters at a time.
type observation struct {
	at                                 time.Time
	wait, busy, starved, blocked, held int64 // nanoseconds: of the consumer, of decoders, and of admission for windows to close
	batches, bytes                     int64 // handed to the consumer; decoded
}

// newTuner returns the tuner of a loader. Workers and Prefetch that are not 0 are fixed; without Tune those that are 0 are fixed, too, at
// what they begin with.
func newTuner(o LoaderOptions) *tuner {
	t := &tuner{fixedWorkers: o.Workers > 0 || !o.Tune, fixedPrefetch: o.Prefetch > 0 || !o.Tune, now: choice{o.Workers, o.Prefetch}}
	setDefault(&t.now.workers, runtime.GOMAXPROCS(0))
	setDefault(&t.now.prefetch, 2)
	t.mostWorkers, t.mostPrefetch = t.now.workers, t.now.prefetch
	if !t.fixedWorkers {
		t.mostWorkers = max(t.now.workers, mostWorkers)
	}
	if !t.fixedPrefetch {
		t.mostPrefetch = max(t.now.prefetch, mostPrefetch)
	}
	return t
}

// choice returns what is chosen, and the reason for the last change; "" where there was none.
func (t *tuner) choice() (choice, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now, t.reason
}

func (t *tuner) choose(c choice, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now, t.reason = c, reason
}

// begin starts a period, where a pass begins: what is between passes is not waiting for data.
func (t *tuner) begin(c *counters) { t.from = lookAt(c) }

func lookAt(c *counters) observation {
	return observation{at: time.Now(), wait: c.wait.Load(), busy: c.decode.busy.Load(), starved: c.decode.starved.Load(), blocked: c.decode.blocked.Load(),
		held: c.held.Load(), batches: c.batches.Load() - c.replayed.Load(), bytes: c.decode.bytes.Load()}
}

// look is called after each chunk; it reports whether the choice has changed.
func (t *tuner) look(c *counters) bool {
	if t.fixedWorkers && t.fixedPrefetch || time.Since(t.from.at) < tunePeriod {
		return false
	}
	now := lookAt(c)
	if now.batches-t.from.batches < tuneChunks || now.bytes == t.from.bytes {
		return false
	}
	from := t.from
	t.from = now
	if t.judge(float64(now.wait-from.wait) / float64(now.bytes-from.bytes)) {
		return true
	}
	return t.raise(now, from)
}

// judge ends a trial, if one is under way. It reports true where the move is taken back.
func (t *tuner) judge(waited float64) bool {
	tried := t.tried
	t.tried = nil
	switch {
	case tried == nil:
		return false
	case waited <= tuneGain*tried.waited:
		t.refused = [2]bool{}
		return false
	}
	t.refused[tried.move] = true
	now, _ := t.choice()
	t.choose(tried.before, fmt.Sprintf("%s again: with %s the computation waited for data for %.0f %% of the time before, which is not less by a tenth",
		tried.before, now, 100*waited/tried.waited))
	return true
}

// raise makes the move that the stages' times ask for, where the consumer waits and the move has not been refused.
func (t *tuner) raise(now, from observation) bool {
	took, waited := float64(now.at.Sub(from.at)), float64(now.wait-from.wait)
	if waited <= tunePatience*took {
		return false
	}
	busy, idle := now.busy-from.busy+now.blocked-from.blocked, now.starved-from.starved
	m := moreAtOnce
	if idle > busy {
		m = moreAhead
		if 2*float64(now.held-from.held) < took {
			return false // neither would be used: memory, or encoding, is what takes long
		}
	}
	before, _ := t.choice()
	after := t.after(before, m)
	if t.refused[m] || after == before {
		return false
	}
	t.tried = &trial{m, before, waited / float64(now.bytes-from.bytes)}
	t.choose(after, fmt.Sprintf("%s, where it was %s: the computation waited for data %.0f %% of the time", after, before, 100*waited/took))
	return true
}

// after returns what a move makes of a choice.
func (t *tuner) after(c choice, m move) choice {
	switch {
	case m == moreAhead && !t.fixedPrefetch:
		c.prefetch = min(2*c.prefetch, t.mostPrefetch)
	case m == moreAtOnce && !t.fixedWorkers:
		c.workers = min(c.workers+max(1, c.workers/2), t.mostWorkers)
		if !t.fixedPrefetch {
			c.prefetch = min(max(c.prefetch, c.workers), t.mostPrefetch)
		}
	}
	return c
}

// String says what is chosen.
func (c choice) String() string {
	return fmt.Sprintf("data.workers %d, data.prefetch %d", c.workers, c.prefetch)
}
