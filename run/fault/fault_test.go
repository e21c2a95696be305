package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"curvestream/ingest"
)

func TestOf(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("somewhere: %w", err) }
	data := ingest.Error{Code: "data.x", File: "f", RowGroup: 2, Row: 7, Column: "c", ID: "i", Message: "bad"}
	missing := ingest.Error{Code: "data.not_found", RowGroup: -1, Row: -1, Missing: true, Err: fs.ErrNotExist}
	denied := ingest.Error{Code: "data.denied", RowGroup: -1, Row: -1, Missing: true, Err: fs.ErrPermission}
	for _, c := range []struct {
		err  error
		exit int
	}{
		{New(Config, "c", "m"), Config},
		{wrap(New(Config, "c", "m")), Config},
		{wrap(&data), Data},
		{wrap(&missing), NoInput},
		{wrap(&denied), NoPerm},
		{&ingest.Error{Code: "gen.unknown_task", RowGroup: -1, Row: -1, Message: "m"}, Usage},
		{&ingest.OutputError{Code: "output.exists"}, CantCreate},
		{&ingest.OutputError{Code: "output.failed", Err: syscall.ENOSPC}, IO},
		{&ingest.OutputError{Code: "output.usage"}, Usage},
		{wrap(context.Canceled), Interrupted},
		{wrap(&os.PathError{Op: "write", Path: "p", Err: syscall.ENOSPC}), IO},
		{wrap(&os.PathError{Op: "write", Path: "p", Err: syscall.EIO}), IO},
		{wrap(&os.PathError{Op: "open", Path: "p", Err: syscall.EACCES}), NoPerm},
		{wrap(&os.PathError{Op: "open", Path: "p", Err: syscall.ENOENT}), NoInput},
		{wrap(&os.PathError{Op: "mkdir", Path: "p", Err: syscall.EEXIST}), CantCreate},
		{wrap(syscall.ENOMEM), OS},
		{errors.New("what"), Software},
	} {
		f := Of(c.err)
		if f.Exit != c.exit || f.Code == "" || f.Message == "" {
			t.Errorf("%v: %+v, want status %d", c.err, f, c.exit)
		}
	}
	if Of(nil) != nil {
		t.Error("no error became one")
	}
	if w := Of(&data).Where; w["file"] != "f" || w["row"] != int64(7) || w["column"] != "c" || w["sequence"] != "i" || w["row_group"] != 2 {
		t.Errorf("where: %v", w)
	}
}

func TestErrorHasItsParts(t *testing.T) {
	e := New(Usage, "c", "message %d", 1).Fix("do %s", "this")
	e.Detail = []string{"detail"}
	e.Err = errors.New("cause")
	if got := e.Error(); got != "message 1: cause\n     detail\n     fix: do this" || !strings.Contains(got, "cause") || !errors.Is(e, e.Err) {
		t.Errorf("%q", got)
	}
}
