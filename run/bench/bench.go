// Package bench measures how fast this program computes: kernels, products with the Gauss-Newton matrix, gradients, and whole HF
// iterations, beside the arithmetic peak of a core and the general matrix product of the same sizes.
//
// On a machine that others use, clocks say little. So what is compared takes turns (one sample of each a round), one thread is
// judged by processor time, and figures are medians; a Row says which is which.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"curvestream/accel/cpu"
	"curvestream/run/version"
)

// A Request says what to measure: every combination of the lists. No list may be empty.
type Request struct {
	What    string   // one of Whats
	Kernels []string // for "kernel"
	Nets    []string // otherwise: rnn, curves
	// Hidden, Batch and Length are the sizes. The curves net has no hidden units and time-steps to choose, and is measured once
	// a batch. The result of a kernel is batch·length × hidden, and products sum over hidden.
	Hidden, Batch, Length []int
	DTypes                []string
	Threads               []int
	In, Out               int    // of the RNN
	Form                  string // of the RNN: each or last
	CG                    int    // CG iterations of an HF iteration at most
	Device                string // of all but kernels, as run/device opens it; nothing means the processor

	Warmup, Repetitions int
	Seconds             float64 // that a sample lasts at least: short work is repeated within it
}

var whats = []string{"kernel", "gv", "gradient", "iteration"}

// Whats returns what can be measured.
func Whats() []string { return slices.Clone(whats) }

// A Report is what was measured, and on what.
type Report struct {
	Schema  string       `json:"schema"`
	What    string       `json:"what"`
	Date    string       `json:"date"` // UTC
	Machine version.Info `json:"machine"`
	Peak    string       `json:"peak"` // the instruction that peak_gflops is measured with
	// Load is the system's load average of one minute, before and after, where it tells: what more than this program's own
	// threads is others'.
	Load     []string `json:"load,omitempty"`
	Rows     []Row    `json:"rows"`
	Baseline string   `json:"baseline,omitempty"` // the file that rows were compared with
}

// A point is one combination, not yet measured.
type point struct {
	kernel  Kernel  // for "kernel"
	problem Problem // otherwise
	hidden  int
	batch   int
	length  int
}

// Validate reports all that is wrong.
func (r Request) Validate() error {
	var errs []error
	word := func(what string, values, allowed []string) {
		for _, v := range values {
			if !slices.Contains(allowed, v) {
				errs = append(errs, fmt.Errorf("bench: %s %q: use one of %s", what, v, strings.Join(allowed, ", ")))
			}
		}
	}
	word("measure", []string{r.What}, whats)
	word("type", r.DTypes, []string{"float32", "float64"})
	if r.What == "kernel" {
		word("kernel", r.Kernels, kernelNames)
	} else {
		word("net", r.Nets, []string{"rnn", "curves"})
		word("form", []string{r.Form}, []string{"each", "last"})
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"repetitions", r.Repetitions}, {"inputs", r.In}, {"outputs", r.Out}, {"CG iterations", r.CG}} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("bench: %d %s: there must be at least one", n.value, n.name))
		}
	}
	if r.Warmup < 0 || !(r.Seconds >= 0) {
		errs = append(errs, errors.New("bench: warm-up and seconds must not be negative"))
	}
	return errors.Join(errs...)
}

// points returns the combinations, threads varying fastest.
func (r Request) points() []point {
	var all []point
	names := r.Nets
	if r.What == "kernel" {
		names = r.Kernels
	}
	for _, name := range names {
		hidden, length := r.Hidden, r.Length
		if name == "curves" {
			hidden, length = []int{0}, []int{1}
		}
		for _, dtype := range r.DTypes {
			for _, h := range hidden {
				for _, b := range r.Batch {
					for _, l := range length {
						for _, threads := range r.Threads {
							all = append(all, r.point(name, dtype, h, b, l, threads))
						}
					}
				}
			}
		}
	}
	return all
}

func (r Request) point(name, dtype string, hidden, batch, length, threads int) point {
	p := point{hidden: hidden, batch: batch, length: length}
	if r.What == "kernel" {
		p.kernel = Kernel{Name: name, M: batch * length, N: hidden, K: hidden, DType: dtype, Threads: threads}
		return p
	}
	p.problem = Recurrent(hidden, batch, length, r.In, r.Out, r.Form)
	if name == "curves" {
		p.problem = Curves(batch)
		p.hidden = p.problem.width()
	}
	p.problem.DType, p.problem.Threads, p.problem.Device, p.problem.What = dtype, threads, r.Device, "gv"
	if r.What == "gradient" {
		p.problem.What = "gradient"
	}
	return p
}

// Run measures all that is requested, one row after the other, and tells each to progress as soon as it is there. It sets
// GOMAXPROCS to the threads of a row while it is measured, and puts it back.
func Run(ctx context.Context, r Request, progress func(done, all int, row Row)) (*Report, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	points := r.points()
	if len(points) > maxPoints {
		return nil, fmt.Errorf("bench: %d combinations are more than %d: shorten the lists", len(points), maxPoints)
	}
	report := &Report{Schema: Schema, What: r.What, Date: time.Now().UTC().Format(time.RFC3339), Machine: version.Get(), Peak: cpu.PeakName(), Load: Load()}
	for i, p := range points {
		row, err := r.measure(ctx, p)
		if err != nil {
			return nil, err
		}
		report.Rows = append(report.Rows, row)
		progress(i+1, len(points), row)
	}
	report.Load = append(report.Load, Load()...)
	return report, nil
}

func (r Request) measure(ctx context.Context, p point) (Row, error) {
	switch r.What {
	case "kernel":
		return r.measureKernel(ctx, p)
	case "iteration":
		return r.measureIteration(ctx, p)
	}
	return r.measureWork(ctx, p)
}

// Load returns the system's load average of one minute, or nothing where the system does not tell.
func Load() []string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))[:1]
}
