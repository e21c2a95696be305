package pipeline

import (
	"sync/atomic"
	"time"
)

// Stats count what a loader has done since it was made.
type Stats struct {
	Stages    []StageStats  `json:"stages"`          // in the order of the data's way
	Wait      time.Duration `json:"wait_ns"`         // that the consumer waited for chunks, of the time spent in Each
	Batches   int64         `json:"batches"`         // chunks handed to the consumer
	Replayed  int64         `json:"replayed"`        // of them, those that were still in memory
	Sequences int64         `json:"sequences"`       // handed to the consumer
	Steps     int64         `json:"steps"`           // time-steps handed to the consumer
	Epochs    int64         `json:"epochs"`          // in which every sequence was proven to be delivered once
	Memory    int64         `json:"memory_bytes"`    // the budget
	Held      int64         `json:"held_bytes"`      // of it, now
	Peak      int64         `json:"peak_bytes"`      // of it, at most
	Ahead     StageStats    `json:"ahead"`           // of what was decoded, what was for the next iteration, while the present one was computed
	Workers   int           `json:"workers"`         // units decoded at a time, now
	Prefetch  int           `json:"prefetch"`        // windows that may be open, now
	Tuned     string        `json:"tuned,omitempty"` // the last change of the two, and the reason
	Note      string        `json:"note,omitempty"`  // what there is to say of the working copy
}

// StageStats count what a stage did. The times are summed over the stage's goroutines: Busy at work, Starved waiting for
// something to work on, Blocked waiting for memory or for the next stage to take the result.
type StageStats struct {
	Name    string        `json:"name"`
	Items   int64         `json:"items"` // units admitted and decoded, sequences encoded, chunks assembled
	Bytes   int64         `json:"bytes"` // of memory that the items take
	Busy    time.Duration `json:"busy_ns"`
	Starved time.Duration `json:"starved_ns"`
	Blocked time.Duration `json:"blocked_ns"`
}

// Read returns the counts of the stage that reads and decodes: its items are units.
func (s Stats) Read() StageStats { return s.Stages[1] }

// A stage counts. It is safe for concurrent use.
type stage struct {
	items, bytes, busy, starved, blocked atomic.Int64
}

// add counts the time since start and returns the present, from which the next stretch of time is counted.
func add(to *atomic.Int64, start time.Time) time.Time {
	now := time.Now()
	to.Add(int64(now.Sub(start)))
	return now
}

func (s *stage) done(bytes int64) {
	s.items.Add(1)
	s.bytes.Add(bytes)
}

func (s *stage) stats(name string) StageStats {
	return StageStats{Name: name, Items: s.items.Load(), Bytes: s.bytes.Load(),
		Busy: time.Duration(s.busy.Load()), Starved: time.Duration(s.starved.Load()), Blocked: time.Duration(s.blocked.Load())}
}

// counters are what Stats is made from.
type counters struct {
	admit, decode, encode, assemble                   stage
	ahead                                             stage // of decode, what Prepare read
	wait, batches, replayed, sequences, steps, epochs atomic.Int64
	held                                              atomic.Int64 // nanoseconds that admission waited for a window to close
}

// delivered counts a batch of sequences with so many time-steps in all.
func (c *counters) delivered(sequences, steps int) {
	c.batches.Add(1)
	c.sequences.Add(int64(sequences))
	c.steps.Add(int64(steps))
}

// Stats returns the counts up to now. It may be called at any time, also while Each runs.
func (l *Loader[F]) Stats() Stats {
	c := &l.counters
	used, peak := l.memory.state()
	now, reason := l.tuner.choice()
	return Stats{
		Stages: []StageStats{c.admit.stats("admit"), c.decode.stats("decode"), c.encode.stats("encode"), c.assemble.stats("assemble")},
		Wait:   time.Duration(c.wait.Load()), Batches: c.batches.Load(), Replayed: c.replayed.Load(),
		Sequences: c.sequences.Load(), Steps: c.steps.Load(), Epochs: c.epochs.Load(),
		Memory: l.memory.total, Held: used, Peak: peak, Note: l.copy.said(),
		Ahead: c.ahead.stats("ahead"), Workers: now.workers, Prefetch: now.prefetch, Tuned: reason,
	}
}
