// Command gpu proves on a machine with an NVIDIA GPU what tests prove without one, and measures what only a GPU can tell: the
// conformance list, reference values, derivatives, a training run beside the processor's, leaks; then rates of the device, products Gv
// beside PyTorch's, states in pinned memory, and whole HF iterations. It prints the targets, met or missed.
//
//	go run ./benchmarks/gpu                        # under ten minutes
//	go run ./benchmarks/gpu -device cuda:1 -only facts,gv
//	go run ./benchmarks/gpu -device emulate -quick # tiny sizes, without a GPU
//
// For a machine without Go: go build -o gpu ./benchmarks/gpu, and run it there, in any folder, with -program for a built curvestream; what it lacks,
// such as Python with PyTorch, it says, and goes on.
// Each step is a process of its own and survives the failure of another. It leaves benchmarks/results/gpu/NAME.{json,md}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
)

// options are what the flags say.
type options struct {
	device, golden, python, program, only, name string
	quick                                       bool
	limit                                       time.Duration
	step                                        string // this process is to run one step
}

func main() {
	var o options
	flag.StringVar(&o.device, "device", "cuda", "cuda, cuda:1 and so on, or emulate")
	flag.BoolVar(&o.quick, "quick", false, "tiny sizes: shows that the command works, and measures nothing")
	flag.StringVar(&o.golden, "golden", filepath.Join("..", "shared", "golden"), "a folder of reference values")
	flag.StringVar(&o.python, "python", "python3", "a Python that has PyTorch with CUDA")
	flag.StringVar(&o.program, "program", "", "a built curvestream; without it, it is built here")
	flag.StringVar(&o.only, "only", strings.Join(stepNames(), ","), "the steps")
	flag.DurationVar(&o.limit, "limit", 9*time.Minute+30*time.Second, "for all steps together: those that are left then are not run")
	flag.StringVar(&o.name, "name", "gpu", "of the result files")
	flag.StringVar(&o.step, "step", "", "run this step in this process, and print what it found as JSON")
	flag.Parse()
	if o.step != "" {
		if err := printStep(context.Background(), o); err != nil {
			fmt.Fprintln(os.Stderr, "gpu:", err)
			os.Exit(1)
		}
		return
	}
	bench.Main("gpu", func(ctx context.Context) error { return run(ctx, o, apart) })
}

// printStep runs a step and prints its outcome.
func printStep(ctx context.Context, o options) error {
	s, ok := stepNamed(o.step)
	if !ok {
		return fmt.Errorf("no step %q; there are %s", o.step, strings.Join(stepNames(), ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	return json.NewEncoder(os.Stdout).Encode(s.carryOut(ctx, o))
}

// run runs the chosen steps, each by one, and leaves the results.
func run(ctx context.Context, o options, one func(ctx context.Context, o options, s step) outcome) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: everything is given by flags; see -help", flag.Arg(0))
	}
	chosen := strings.Split(o.only, ",")
	for _, name := range chosen {
		if _, ok := stepNamed(name); !ok {
			return fmt.Errorf("no step %q; there are %s", name, strings.Join(stepNames(), ", "))
		}
	}
	if err := os.MkdirAll(filepath.Join("benchmarks", "results", "gpu"), 0o755); err != nil { // before the work, not after
		return err
	}
	r := results{Device: o.device, Quick: o.quick}
	end := time.Now().Add(o.limit)
	for _, s := range steps {
		if !slices.Contains(chosen, s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, s.title)
		left := time.Until(end)
		if left <= 0 || ctx.Err() != nil {
			r.Steps = append(r.Steps, outcome{Step: s.name, Title: s.title, Error: "not reached: the time was over (-limit)"})
			continue
		}
		limited, cancel := context.WithTimeout(ctx, min(left, s.limit))
		r.Steps = append(r.Steps, one(limited, o, s))
		cancel()
	}
	r.Targets = targets(r)
	command := "go run ./benchmarks/gpu " + strings.Join(os.Args[1:], " ")
	if err := bench.Write(filepath.Join("gpu", o.name), command, r.markdown(), r); err != nil {
		return err
	}
	if failed := r.failed(); len(failed) > 0 {
		return fmt.Errorf("steps that failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// errOverTime says that a step was ended.
var errOverTime = errors.New("ended: it took longer than it may")
