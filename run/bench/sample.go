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
			wall, cpu, err := timed(ctx, c.run, c.calls)
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
	if _, _, err := timed(ctx, c.run, max(s.warmup, 1)); err != nil {
		return err
	}
	c.calls = 1
	for {
		_, cpu, err := timed(ctx, c.run, c.calls)
		if err != nil {
			return err
		}
		total := cpu * float64(c.calls)
		if total >= s.seconds || c.calls >= 1<<24 {
			return nil
		}
		if total > s.seconds/10 {
			c.calls = int(math.Ceil(float64(c.calls) * s.seconds / total))
			return nil
		}
		c.calls *= 8
	}
}

// timed returns the seconds of one call, measured over n.
func timed(ctx context.Context, run func(ctx context.Context) error, n int) (wall, cpu float64, err error) {
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
