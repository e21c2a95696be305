package ingest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/internal/shared"
)

var update = flag.Bool("update", false, "write interop.md anew")

// The table of what is read of the interop files, and why the rest is refused, is what Open and Read do.
func TestInteropTable(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared.Dir(t, "data", "interop"), "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	var b strings.Builder
	b.WriteString("# Files of other writers\n\nMade by `go test -run TestInteropTable -update ./ingest`; the test compares it with what reading does.\n\n| file | rows | columns read | refused, and why |\n|---|---|---|---|\n")
	for _, file := range files {
		fmt.Fprintf(&b, "| %s | %s |\n", filepath.Base(file), sweepFile(t, file))
	}
	got := b.String()
	if *update {
		if err := os.WriteFile("interop.md", []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("interop.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for line := range strings.Lines(got) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(lines, line) {
			t.Errorf("not in interop.md: %s", line)
		}
	}
	if n := strings.Count(got, "\n"); n != len(lines)-1 {
		t.Errorf("interop.md has %d lines, want %d", len(lines)-1, n)
	}
}

// sweepFile reads each column of a file and says how that went.
func sweepFile(t *testing.T, file string) string {
	src, err := Open(t.Context(), []string{file}, OpenOptions{})
	if err != nil {
		return "- | 0 | " + reason(t, err, file)
	}
	defer src.Close()
	read := 0
	var reasons []string
	for c, f := range src.Schema().Fields() {
		var rows int64
		for i := range src.Len() {
			r, err := src.Read(t.Context(), i, []int{c})
			if err != nil {
				if why := f.Name + ": " + reason(t, err, file); !slices.Contains(reasons, why) {
					reasons = append(reasons, why)
				}
				break
			}
			rows += r.NumRows()
			r.Release()
		}
		if rows == src.Fingerprint()[0].Rows {
			read++
		}
	}
	if len(reasons) > 3 {
		reasons = append(reasons[:3], fmt.Sprintf("and %d columns more", len(reasons)-3))
	}
	return fmt.Sprintf("%d | %d of %d | %s", src.Fingerprint()[0].Rows, read, src.Schema().NumFields(), strings.Join(reasons, "; "))
}

// reason is what an error says, without the place.
func reason(t *testing.T, err error, file string) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Errorf("%s: %v is not an Error", file, err)
		return err.Error()
	}
	text := e.Message
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	return strings.ReplaceAll(text, "|", "\\|")
}
