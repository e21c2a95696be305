package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program builds the program once, for tests that need a process of their own.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "curvestream")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// begin starts the program.
func begin(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, &stderr
}

// long returns the arguments of a run that goes on until it is stopped.
func long(dir string) []string {
	return training(dir, "--iterations", "0", "--checkpoint-every", "1it", "--max-rejection", "1000000")
}

// waitFor waits until the run has done some iterations.
func waitFor(t *testing.T, dir string, iters int) {
	t.Helper()
	for range 2000 {
		text, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
		if err == nil && strings.Count(string(text), `"event":"iter"`) >= iters {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the run does not get on")
}

func TestSignals(t *testing.T) {
	for name, c := range map[string]struct {
		signal syscall.Signal
		exit   int
		status string
	}{
		"SIGINT":  {syscall.SIGINT, 130, "interrupted"},
		"SIGTERM": {syscall.SIGTERM, 75, "preempted"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			cmd, stderr := begin(t, long(dir)...)
			waitFor(t, dir, 2)
			if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil { // asks for a checkpoint, and the run goes on
				t.Fatal(err)
			}
			waitFor(t, dir, 4)
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != c.exit {
				t.Errorf("%v, want %d: %s", err, c.exit, stderr)
			}
			if !strings.Contains(stderr.String(), "curvestream resume "+dir) {
				t.Errorf("the way to go on is not in %s", stderr)
			}
			info, err := os.ReadFile(filepath.Join(dir, "run.json"))
			if err != nil || !strings.Contains(string(info), `"status": "`+c.status+`"`) {
				t.Errorf("%s %v", info, err)
			}
			must(t, "resume", dir, "--iterations", "+1", "-q")
			iters, _ := iterations(t, dir)
			for i, k := range iters {
				if k != i+1 {
					t.Fatalf("iterations %v", iters)
				}
			}
		})
	}
}

func TestRunningRunIsLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	begin(t, long(dir)...)
	waitFor(t, dir, 1)
	if o := call("resume", dir); o.exit != 73 || !strings.Contains(o.stderr, "another process") {
		t.Errorf("exit %d: %s", o.exit, o.stderr)
	}
	must(t, "eval", dir, "--data", filepath.Join(small(), "test.parquet")) // readers do not lock
}

// kills is how often TestKilledRunsEndWithTheSameBits kills. benchmarks/kill does it more often.
const kills = 4

func TestKilledRunsEndWithTheSameBits(t *testing.T) {
	args := func(dir string) []string {
		return training(dir, "--iterations", "8", "--checkpoint-every", "1it")
	}
	whole := filepath.Join(t.TempDir(), "whole")
	start := time.Now()
	cmd, stderr := begin(t, args(whole)...)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	took := time.Since(start)
	want := state(t, whole, 8)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range kills {
		dir := filepath.Join(t.TempDir(), "killed")
		cmd, _ := begin(t, args(dir)...)
		time.Sleep(time.Duration((float64(i) + rng.Float64()) / kills * float64(took)))
		cmd.Process.Kill() // fails where the run has ended, which is a case too
		cmd.Wait()
		if _, err := os.Stat(dir); err != nil {
			must(t, args(dir)...) // it was killed before there was a run
		} else {
			must(t, "resume", dir, "-q")
		}
		if !bytes.Equal(state(t, dir, 8), want) {
			t.Errorf("kill %d: other bits", i)
		}
		if got, _ := iterations(t, dir); fmt.Sprint(got) != "[1 2 3 4 5 6 7 8]" {
			t.Errorf("kill %d: metrics.jsonl has the iterations %v", i, got)
		}
	}
}
