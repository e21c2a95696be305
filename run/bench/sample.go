package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
)

// A candidate is one thing to be timed, among others that take turns with it.
type candidate struct {
	run       func(ctx context.Context) error
	calls     int       // of run in a sample
	wall, cpu []float64 // seconds a call, of each sample
}

// A sampling says how often and how long candidates are timed.
type sampling struct {
	warmup, repetitions int
	seconds             float64 // a sample should last
	wall                bool    // by the clock on the wall, where another device computes
}

// take times candidates in turn, one sample of each a round, after calls to warm up that are not timed: what else happens on
// the machine then meets all of them alike. threads is how many goroutines may run at once meanwhile, in the whole process:
// the collector does not then use a second core while one is measured.
func (s sampling) take(ctx context.Context, threads int, candidates ...*candidate) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	runtime.GC()
	for _, c := range candidates {
		if err := s.prepare(ctx, c); err != nil {
			return err
		}
	}
	for range s.repetitions {
		for _, c := range candidates {
			wall, cpu, err := Time(ctx, c.run, c.calls)
			if err != nil {
				return err
			}
			c.wall, c.cpu = append(c.wall, wall), append(c.cpu, cpu)
		}
	}
	return nil
}

// prepare warms a candidate up and decides how many calls make a sample.
func (s sampling) prepare(ctx context.Context, c *candidate) error {
	_, _, err := Time(ctx, c.run, max(s.warmup, 1))
	if err != nil {
		return err
	}
	c.calls, err = calls(ctx, c.run, s.seconds, s.wall)
	return err
}

// Calls returns how many calls of run take at least the given seconds of processor time.
func Calls(ctx context.Context, run func(ctx context.Context) error, seconds float64) (int, error) {
	return calls(ctx, run, seconds, false)
}

// calls is Calls, by either clock.
func calls(ctx context.Context, run func(ctx context.Context) error, seconds float64, onWall bool) (int, error) {
	for calls := 1; ; calls *= 8 {
		wall, one, err := Time(ctx, run, calls)
		if onWall {
			one = wall
		}
		total := one * float64(calls)
		switch {
		case err != nil:
			return 0, err
		case total >= seconds || calls >= 1<<24:
			return calls, nil
		case total > seconds/10:
			return int(math.Ceil(float64(calls) * seconds / total)), nil
		}
	}
}

// Time calls run n times and returns the seconds of one call: on the clock, and the processor time of all threads of this
// process.
func Time(ctx context.Context, run func(ctx context.Context) error, n int) (wall, cpu float64, err error) {
	began := now()
	for range n {
		if err := run(ctx); err != nil {
			return 0, 0, err
		}
	}
	wall, cpu = since(began)
	if err := context.Cause(ctx); err != nil {
		return 0, 0, fmt.Errorf("bench: measuring: %w", err)
	}
	return wall / float64(n), cpu / float64(n), nil
}

// mean returns the mean and the standard deviation, of a sample, of x.
func mean(x []float64) (m, sd float64) {
	for _, xi := range x {
		m += xi / float64(len(x))
	}
	for _, xi := range x {
		sd += (xi - m) * (xi - m)
	}
	return m, math.Sqrt(sd / float64(max(len(x)-1, 1)))
}

// Median returns the median of x, which is not empty.
func Median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
