package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"curvestream/rnn"
	"curvestream/run/bench"
)

// A job is what a child measures: a problem, so many times.
type job struct {
	Problem bench.Problem `json:"problem"`
	Runs    int           `json:"runs"`
}

// measured is what came out.
type measured struct {
	Seconds  []float64     `json:"seconds"` // of each run after the first
	Check    []float64     `json:"check"`
	Plan     rnn.StatePlan `json:"plan"`
	Bytes    int64         `json:"bytes"` // that a linearization is to need, by the plan
	Baseline int64         `json:"baseline_rss"`
	Peak     int64         `json:"peak_rss"`
	Opening  float64       `json:"opening_seconds"`
}

// least returns the fastest run.
func (m measured) least() float64 {
	best := m.Seconds[0]
	for _, s := range m.Seconds {
		best = min(best, s)
	}
	return best
}

// child measures a job in a process of its own, so that memory is that of the job alone.
func child(ctx context.Context, j job) (m measured, err error) {
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("measuring %s: %w", text, err)
	}
	return m, json.Unmarshal(out, &m)
}

// serve is the child.
func serve(ctx context.Context, text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("reading a job: %w", err)
	}
	runtime.GOMAXPROCS(j.Problem.Threads)
	// What a problem of the same inputs but no states to speak of takes is not the states': a first one is opened, and closed again.
	small := j.Problem
	small.Hidden, small.StateBudget, small.StateDevice, small.Spill = 1, 0, 0, 0
	if err := once(ctx, small); err != nil {
		return err
	}
	debug.FreeOSMemory()
	m := measured{Baseline: rss("VmRSS:")}
	forgetPeak()
	start := time.Now()
	i, err := bench.Open(ctx, j.Problem)
	if err != nil {
		return err
	}
	m.Opening, m.Plan, m.Bytes = time.Since(start).Seconds(), i.Plan, i.Bytes
	for k := range j.Runs + 1 {
		start := time.Now()
		if err := i.Run(ctx); err != nil {
			return err
		}
		if k > 0 {
			m.Seconds = append(m.Seconds, time.Since(start).Seconds())
		}
	}
	m.Check, m.Peak = i.Check(), rss("VmHWM:")
	if err := i.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

func once(ctx context.Context, p bench.Problem) error {
	i, err := bench.Open(ctx, p)
	if err != nil {
		return err
	}
	return i.Close()
}

// forgetPeak lets VmHWM begin anew, where the system can.
func forgetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where it cannot, the peak is that of the whole process
}

// rss returns a field of this process's memory in bytes, or 0 where the system does not say.
func rss(field string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, field); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64)
			if err == nil {
				return n * 1024
			}
		}
	}
	return 0
}
