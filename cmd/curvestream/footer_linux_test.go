package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"curvestream/internal/shared"
)

// pseudoTerminal returns both ends of a new one of 100 columns.
func pseudoTerminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		shared.Skip(t, "a pseudo-terminal: %v", err)
	}
	fd := int(ours.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100})
	}
	if err == nil {
		theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		ours.Close()
		shared.Skip(t, "a pseudo-terminal: %v", err)
	}
	return ours, theirs
}

// TestFooterIsForTerminals runs with standard error on a terminal, where the CG run is shown and wiped away, and elsewhere,
// where no control character is written.
func TestFooterIsForTerminals(t *testing.T) {
	ours, theirs := pseudoTerminal(t)
	defer ours.Close()
	seen := make(chan string, 1) // read once, at the end
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, ours) // ends with an error when their end is closed
		seen <- all.String()
	}()
	loud := func(run string, more ...string) []string {
		args := slices.DeleteFunc(training(filepath.Join(t.TempDir(), run)), func(a string) bool { return a == "-q" })
		return append(args, append(more, "--iterations", "3")...)
	}
	exit := run(context.Background(), append([]string{"curvestream"}, loud("live")...), strings.NewReader(""), io.Discard, theirs)
	theirs.Close()
	text := <-seen
	if exit != 0 || !strings.Contains(text, "k=1  CG 1/8  M=") || !strings.Contains(text, "\r\x1b[K") {
		t.Errorf("exit %d, on a terminal: %q", exit, text)
	}
	var screen []string // what is left of each line when a carriage return wipes it
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		screen = append(screen, line[strings.LastIndexByte(line, '\r')+1:])
	}
	if left := strings.Join(screen, "\n"); strings.Contains(left, "CG 1/8") {
		t.Errorf("the footer is left on the screen:\n%s", left)
	}
	for _, progress := range []string{"auto", "lines", "json"} {
		if o := call(loud(progress, "--progress", progress)...); strings.ContainsAny(o.stderr, "\r\x1b") || strings.Contains(o.stderr, "CG 1/8") {
			t.Errorf("--progress %s off a terminal: %q", progress, o.stderr)
		}
	}
}
