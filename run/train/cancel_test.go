package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A countdown is a context that is interrupted when it has been asked so many times whether it has ended.
type countdown struct {
	context.Context
	interrupt context.CancelCauseFunc
	left      atomic.Int64
}

// Err implements context.Context.
func (c *countdown) Err() error {
	if c.left.Add(-1) == 0 {
		c.interrupt(ErrInterrupted)
	}
	return c.Context.Err()
}

func counting(ctx context.Context, checks int64) *countdown {
	c := &countdown{}
	c.Context, c.interrupt = context.WithCancelCause(ctx)
	c.left.Store(checks)
	return c
}

// Wherever a run is interrupted, in gradients, linearizations, products, losses, copies of states or evaluations: it says so, and goes
// on to the bits of one that was not.
func TestInterruptedAnywhere(t *testing.T) {
	text := strings.Replace(problem("rnn", 10, "64MiB"), "length=200", "length=60", 1)
	text = strings.Replace(text, "gradient: 100", "gradient: 40", 1)
	text = strings.Replace(text, "iterations: 1", "iterations: 2", 1) + "store: {device: 64KiB}\ncheckpoint: {every: 1it}\n"
	text = strings.Replace(text, "data: {", "data: {valid: [\"gen:addition?length=60&seed=9&n=20\"], ", 1)
	model := func(run string) []byte {
		content, err := os.ReadFile(filepath.Join(run, "checkpoints", "iter-000002", "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	const never = 1 << 40
	whole, all := filepath.Join(t.TempDir(), "whole"), counting(t.Context(), never)
	if _, err := Run(all, Options{Config: resolved(t, text), Run: whole}); err != nil {
		t.Fatal(err)
	}
	checks, interrupted := never-all.left.Load(), 0
	all.interrupt(nil)
	const moments = 12
	for i := range int64(moments) {
		run, ctx := filepath.Join(t.TempDir(), "run"), counting(t.Context(), 1+checks*i/moments)
		_, err := Run(ctx, Options{Config: resolved(t, text), Run: run})
		ctx.interrupt(nil)
		if err != nil {
			interrupted++
			if !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "interrupted") {
				t.Errorf("after %d of %d checks: err = %v", 1+checks*i/moments, checks, err)
			}
		}
		if _, err := os.Stat(run); err != nil {
			continue // there was nothing to save yet
		}
		if _, err := Resume(t.Context(), ResumeOptions{Options: Options{Run: run}, More: -1}); err != nil {
			t.Errorf("after %d of %d checks: resuming: %v", 1+checks*i/moments, checks, err)
			continue
		}
		if !bytes.Equal(model(run), model(whole)) {
			t.Errorf("after %d of %d checks: other parameters than without an interruption", 1+checks*i/moments, checks)
		}
	}
	if interrupted < moments/2 {
		t.Errorf("%d of %d runs were interrupted", interrupted, moments)
	}
}
