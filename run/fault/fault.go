// Package fault gives every failure that a person meets a stable code, an exit status, and a remedy.
//
// Packages that compute return plain errors; package run and its commands turn them into an [Error] with [Of], which is the
// one place that knows exit statuses.
package fault

import (
	"fmt"
	"strings"
)

// The exit statuses. They follow sysexits.h where that has one.
const (
	No          = 1   // the answer is "no": a check failed
	Usage       = 64  // unknown flag or command, extra argument
	Data        = 65  // data unusable
	NoInput     = 66  // input missing or unreadable
	Unavailable = 69  // device not available
	Software    = 70  // a bug in this program
	OS          = 71  // threads, memory
	CantCreate  = 73  // output exists or cannot be created
	IO          = 74  // reading or writing failed, disk full
	Preempted   = 75  // stopped from outside, safe to resume
	NoPerm      = 77  // permission
	Config      = 78  // configuration invalid
	Numeric     = 80  // non-finite values, damping exploded
	Interrupted = 130 // by SIGINT
)

// An Error is a failure as a person sees it.
type Error struct {
	Code    string         // stable, such as "config.unknown_key"
	Exit    int            // the exit status
	Message string         // what is wrong and where, in one line
	Detail  []string       // lines under the message, such as an excerpt of a file
	Hint    string         // what to do, printed after "fix: "
	Where   map[string]any // the place, for machines: file, line, row, column
	Err     error          // the cause, if it says more than Message
}

// New returns an Error without detail.
func New(exit int, code, format string, args ...any) *Error {
	return &Error{Code: code, Exit: exit, Message: fmt.Sprintf(format, args...)}
}

// Fix returns e with the hint set.
func (e *Error) Fix(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error gives the message, its details and the fix, each on lines of their own.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	for _, line := range e.Detail {
		b.WriteString("\n     " + line)
	}
	if e.Hint != "" {
		b.WriteString("\n     fix: " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
