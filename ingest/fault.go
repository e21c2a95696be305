package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
)

// Codes of the errors of opening and reading.
const (
	codeNotFound    = "data.not_found"
	codeUnreadable  = "data.unreadable"
	codeEmpty       = "data.empty"
	codeFormat      = "data.unknown_format"
	codeMalformed   = "data.malformed"
	codeTruncated   = "data.truncated"
	codeUnsupported = "data.unsupported"
	codeMismatch    = "data.schema_mismatch"
	codeTooLarge    = "data.too_large"
	codeChanged     = "data.changed"
	codeTwice       = "data.named_twice"
)

// hintDamaged is the fix of data that contradicts itself: there is none but another copy.
const hintDamaged = "the file is damaged, or its writer did something that cannot be read: fetch it or write it again"

// fault returns an error about a file as a whole.
func fault(code, file, hint, format string, args ...any) *Error {
	return &Error{Code: code, File: file, RowGroup: -1, Row: -1, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// in names the unit that the error is about.
func (e *Error) in(u Unit) *Error {
	e.RowGroup = u.RowGroup
	return e
}

// of names the column that the error is about.
func (e *Error) of(column string) *Error {
	e.Column = column
	return e
}

// named adds the column to an error that names none.
func named(err error, column string) error {
	var e *Error
	if errors.As(err, &e) && e.Column == "" {
		e.Column = column
	}
	return err
}

// openFault says why a file cannot be opened or looked at.
func openFault(file string, err error) *Error {
	e := fault(codeUnreadable, file, "check the permissions", "cannot be read")
	if errors.Is(err, fs.ErrNotExist) {
		e = fault(codeNotFound, file, "check the path; patterns such as 'data/**/*.parquet' are allowed", "no such file or directory")
	} else {
		e.Err = bare(err)
	}
	e.Missing = true
	return e
}

// bare drops the operation and the path from a file system's error, where they would be said twice.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// IsFault tells whether a panic is that memory was not there: of a mapped file that was cut short.
func IsFault(cause any) bool {
	err, ok := cause.(error)
	if !ok {
		return false
	}
	_, ok = errors.AsType[interface {
		error
		Addr() uintptr
	}](err)
	return ok
}

// cutShort is the error of a mapped file that was cut short while it was read.
func cutShort(u Unit) *Error {
	return fault(codeChanged, u.File, "start again; do not write to data in use", "was cut short while it was read").in(u)
}

// guard runs f, which reads bytes that are not ours, and turns its panic into an error that names file and unit. What
// cannot be recovered from (memory exhausted, a stack overflow) is for checks before f to exclude.
func guard(file string, group int, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // else a mapped file that is cut short ends the process
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		cause, isError := r.(error)
		if !isError {
			cause = fmt.Errorf("%v", r)
		}
		var over *limitError
		var bug runtime.Error
		e := fault(codeMalformed, file, hintDamaged, "malformed")
		switch {
		case errors.As(cause, &over):
			e = fault(codeTooLarge, file, hintSmaller, "needs more memory to decode than is allowed")
		case IsFault(cause):
			e = cutShort(Unit{File: file})
		case errors.As(cause, &bug):
			e.Message = "malformed: its sizes or offsets contradict each other" // the library's index error says no more
		}
		e.RowGroup, e.Err = group, cause
		err = e
	}()
	return f()
}

// hintSmaller is the fix of a unit that is too large.
const hintSmaller = "raise --memory, or rewrite the file with smaller row groups, such as COPY (FROM 'x.parquet') TO 'y.parquet' (FORMAT parquet, CODEC zstd, ROW_GROUP_SIZE 4096) in DuckDB"
