package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// A step is one thing that is proven or measured. It says what it found row by row, so that what was found before a failure is kept.
type step struct {
	name, title string
	limit       time.Duration
	do          func(ctx context.Context, o options, add func(row)) error
}

// A row is one figure, or one thing that was checked.
type row struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Note  string  `json:"note,omitempty"`
}

// An outcome is what became of a step.
type outcome struct {
	Step    string  `json:"step"`
	Title   string  `json:"title"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`   // it failed
	Skipped string  `json:"skipped,omitempty"` // something that it needs is not here
	Rows    []row   `json:"rows,omitempty"`
}

// A lack is an error that says what a step needs and this machine has not.
type lack struct{ what string }

func (l lack) Error() string { return l.what }

func lacking(format string, args ...any) error { return lack{fmt.Sprintf(format, args...)} }

var steps = []step{
	{"facts", "the device, its driver, cuBLAS, and the time to compile the kernels", time.Minute, facts},
	{"conformance", "the list that every backend passes, in both precisions", 2 * time.Minute, conformance},
	{"golden", "gradients, products and runs of CG against reference values", 2 * time.Minute, goldenValues},
	{"derivatives", "derivatives against finite differences", 2 * time.Minute, derivatives},
	{"repeatable", "equal inputs give equal bits", time.Minute, repeatable},
	{"training", "HF iterations beside those of the processor", time.Minute, training},
	{"leaks", "memory of the device before and after", time.Minute, leaks},
	{"rates", "matrix products, memory and the bus", time.Minute, rates},
	{"gv", "products Gv at the sizes that are judged", 2 * time.Minute, products},
	{"pinned", "half of the states in pinned memory of the host", time.Minute, pinned},
	{"iteration", "a whole HF iteration, and its time outside of gradients, products and losses", time.Minute, iteration},
	{"addition", "the addition problem of T = 200 by the settings of Martens and Sutskever (2011)", 4 * time.Minute, addition},
	{"torch", "PyTorch's fastest Gv", 2 * time.Minute, torch},
	{"grid", "Gv and gradients over sizes, as time allows", 2 * time.Minute, grid},
}

func stepNames() []string {
	names := make([]string, 0, 16)
	for _, s := range steps {
		names = append(names, s.name)
	}
	return names
}

func stepNamed(name string) (step, bool) {
	for _, s := range steps {
		if s.name == name {
			return s, true
		}
	}
	return step{}, false
}

// carryOut runs a step in this process.
func (s step) carryOut(ctx context.Context, o options) (result outcome) {
	result = outcome{Step: s.name, Title: s.title}
	began := time.Now()
	defer func() {
		if r := recover(); r != nil {
			result.Error = fmt.Sprintf("a panic: %v\n%s", r, debug.Stack())
		}
		result.Seconds = time.Since(began).Seconds()
	}()
	err := s.do(ctx, o, func(r row) { result.Rows = append(result.Rows, r) })
	var lacks lack
	switch {
	case errors.As(err, &lacks):
		result.Skipped = lacks.what
	case err != nil:
		result.Error = err.Error()
	}
	return result
}

// apart runs a step in a process of its own: a device that fails there is whole for the next one.
func apart(ctx context.Context, o options, s step) outcome {
	result := outcome{Step: s.name, Title: s.title}
	self, err := os.Executable()
	if err != nil {
		result.Error = err.Error()
		return result
	}
	deadline, _ := ctx.Deadline()
	inside := time.Until(deadline) * 9 / 10 // so that the process itself ends, and tells what it has
	args := []string{"-limit", inside.String(), "-step", s.name, "-device", o.device, "-golden", o.golden, "-python", o.python, "-program", o.program, fmt.Sprintf("-quick=%t", o.quick)}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.WaitDelay = 5 * time.Second
	if s.name == "facts" {
		cmd.Env = append(os.Environ(), "CUDA_CACHE_DISABLE=1") // the driver is to compile the kernels, not to find them compiled
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err = cmd.Run()
	result.Seconds = time.Since(began).Seconds()
	switch {
	case ctx.Err() != nil:
		result.Error = errOverTime.Error()
	case err != nil:
		result.Error = fmt.Sprintf("%v: %s", err, strings.TrimSpace(stderr.String()))
	default:
		if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
			result.Error = fmt.Sprintf("what it printed is not understood: %v", err)
		}
	}
	return result
}
