package fault

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"curvestream/ingest"
)

// Of returns err as an Error: err itself if it is one, else what its type says. An error of no known type is a bug of this
// program (status 70). Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	var data *ingest.Error
	if errors.As(err, &data) {
		return ofData(data)
	}
	var output *ingest.OutputError
	if errors.As(err, &output) {
		return ofOutput(output)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: "interrupted", Exit: Interrupted, Message: "interrupted"}
	}
	if e := ofSystem(err); e != nil {
		return e
	}
	return &Error{Code: "internal", Exit: Software, Message: err.Error(),
		Hint: "this should not happen: please report it with the output of `curvestream version` and the command"}
}

func ofData(d *ingest.Error) *Error {
	e := &Error{Code: d.Code, Exit: Data, Message: d.Error(), Where: map[string]any{}}
	if strings.HasPrefix(d.Code, "gen.") { // a task or a parameter that was typed
		e.Exit = Usage
	}
	if d.Missing {
		e.Exit = NoInput
		if errors.Is(d.Err, fs.ErrPermission) {
			e.Exit = NoPerm
		}
	}
	if d.File != "" {
		e.Where["file"] = d.File
		if d.RowGroup >= 0 {
			e.Where["row_group"] = d.RowGroup
		}
		if d.Row >= 0 {
			e.Where["row"] = d.Row
		}
	}
	if d.Column != "" {
		e.Where["column"] = d.Column
	}
	if d.ID != "" {
		e.Where["sequence"] = d.ID
	}
	return e
}

func ofOutput(o *ingest.OutputError) *Error {
	e := &Error{Code: o.Code, Exit: IO, Message: o.Error(), Where: map[string]any{"file": o.Path}}
	switch o.Code {
	case "output.exists", "output.cannot_create":
		e.Exit = CantCreate
	case "output.usage":
		e.Exit = Usage
	}
	if s := ofSystem(o.Err); s != nil && e.Exit == IO {
		e.Code, e.Hint = s.Code, s.Hint
	}
	return e
}

// ofSystem knows the errors of the operating system by what they mean to the person.
func ofSystem(err error) *Error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &Error{Code: "io.disk_full", Exit: IO, Message: err.Error(), Hint: "free space on the disk; checkpoints already written stay valid"}
	case errors.Is(err, syscall.EPIPE):
		return &Error{Code: "io.pipe", Exit: IO, Message: err.Error()}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: "io.permission", Exit: NoPerm, Message: err.Error()}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Code: "io.missing", Exit: NoInput, Message: err.Error()}
	case errors.Is(err, fs.ErrExist):
		return &Error{Code: "io.exists", Exit: CantCreate, Message: err.Error()}
	case errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EAGAIN):
		return &Error{Code: "os.resources", Exit: OS, Message: err.Error()}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return &Error{Code: "io.failed", Exit: IO, Message: err.Error()}
	}
	return nil
}
