package acceltest

import (
	"fmt"
	"sync"

	"curvestream/accel"
)

// A reporter is what of a test the list needs.
type reporter interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Skip(args ...any)
}

// Check does what Run does, for a program that is no test, and returns what is wrong. With an operation, such as GEMM, it looks at the
// cases whose names begin so, and at nothing else.
func Check[F accel.Float](b accel.Backend[F], operation string) []error {
	all := failures(b, operation)
	if operation != "" {
		return all
	}
	for _, part := range []func(t reporter, b accel.Backend[F]){runVectors[F], runFused[F], runRun[F]} {
		c := &collector{}
		c.do(func() { part(c, b) })
		all = append(all, c.found...)
	}
	return all
}

// A collector is a reporter that keeps what it is told.
type collector struct {
	mu    sync.Mutex // some cases ask from several goroutines
	found []error
}

// ended is what Fatal and Skip panic with.
type ended struct{}

// do calls f, which may end early.
func (c *collector) do(f func()) {
	defer func() {
		if r := recover(); r != nil && r != (ended{}) {
			c.Errorf("a panic: %v", r)
		}
	}()
	f()
}

// Helper implements reporter.
func (c *collector) Helper() {}

// Error implements reporter.
func (c *collector) Error(args ...any) { c.Errorf("%s", fmt.Sprint(args...)) }

// Errorf implements reporter.
func (c *collector) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = append(c.found, fmt.Errorf(format, args...))
}

// Fatal implements reporter.
func (c *collector) Fatal(args ...any) {
	c.Error(args...)
	panic(ended{})
}

// Skip implements reporter.
func (c *collector) Skip(...any) { panic(ended{}) }
