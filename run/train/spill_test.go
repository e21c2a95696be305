package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// spilling returns the settings of a run whose states lie in a file.
func spilling() string {
	text := strings.Replace(problem("rnn", 100, "16MiB"), "iterations: 1", "iterations: 3", 1)
	return text + "states: store\nstore: {spill: 64MiB}\ncheckpoint: {every: 1it}\n"
}

// A spill file that is damaged while a run uses it, and a run that is cancelled while it does, end with an error that says so; the run
// goes on from its last checkpoint and ends with the bits of one that nothing happened to.
func TestSpillFaultsAreResumable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a file without a name is found by /proc")
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := Run(t.Context(), Options{Config: resolved(t, spilling()), Run: whole}); err != nil {
		t.Fatal(err)
	}
	want := readModel(t, whole)
	for name, test := range map[string]struct {
		harm func(cancel context.CancelCauseFunc) error
		says string
	}{
		"damaged":   {func(context.CancelCauseFunc) error { return damageSpill() }, "is not what was written"},
		"cancelled": {func(cancel context.CancelCauseFunc) error { cancel(ErrInterrupted); return nil }, "interrupted"},
	} {
		run := filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithCancelCause(t.Context())
		w := &wrecker{harm: func() error { return test.harm(cancel) }}
		_, err := Run(ctx, Options{Config: resolved(t, spilling()), Run: run, Observer: w})
		cancel(nil)
		if w.failed != nil {
			t.Fatal(w.failed)
		}
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: err = %v, want %q", name, err, test.says)
		}
		if _, err := Resume(t.Context(), ResumeOptions{Options: Options{Run: run}, More: -1}); err != nil {
			t.Errorf("%s: resuming: %v", name, err)
			continue
		}
		if !bytes.Equal(readModel(t, run), want) {
			t.Errorf("%s: other parameters than without it", name)
		}
	}
}

func readModel(t *testing.T, run string) []byte {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(run, "checkpoints", "iter-000003", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// A wrecker does harm while CG works in the second iteration.
type wrecker struct {
	harm   func() error
	after  bool // the first iteration
	done   bool
	failed error
}

// Observe implements Observer.
func (w *wrecker) Observe(event any) {
	switch event.(type) {
	case Iteration:
		w.after = true
	case Solving:
		if w.after && !w.done {
			w.done, w.failed = true, w.harm()
		}
	}
}

// damageSpill overwrites the records of this process's spill file.
func damageSpill() error {
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return err
	}
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err != nil || !strings.Contains(name, "curvestream-spill-") {
			continue
		}
		f, err := os.OpenFile(fd, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		noise := bytes.Repeat([]byte{0x55}, 1<<20)
		for off := int64(4096); off < 8<<20; off += int64(len(noise)) {
			if _, err := f.WriteAt(noise, off); err != nil {
				return errors.Join(err, f.Close())
			}
		}
		return f.Close()
	}
	return errors.New("there is no spill file")
}
