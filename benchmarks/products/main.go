// Command products measures products with the Gauss-Newton matrix, and gradients, beside peers (benchmarks/peers): ours and each
// peer compute the identical problem alternately, and what they compute is checked to agree. It does the same for matrix products
// and tanh, beside the OpenBLAS and the tanh in NumPy.
//
//	go run ./benchmarks/products                          # one thread, processor time: all problems, all peers
//	go run ./benchmarks/products -peers none              # ours only; needs no Python
//	go run ./benchmarks/products -threads 2 -what gv      # the clock, in quiet moments; ours on one thread besides
//	go run ./benchmarks/products -only curves -what gv,gradient -peers numpy,torch:r_op -rounds 9
//
// It leaves benchmarks/results/NAME.{json,md}, NAME being that of -name.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
	measure "curvestream/run/bench"
)

var all = []string{"gv", "gradient", "kernels"}

func main() {
	var o options
	var serving, servingKernel string
	flag.StringVar(&o.only, "only", strings.Join(problemNames(), ","), "the problems")
	flag.StringVar(&o.what, "what", strings.Join(all, ","), "what to measure")
	flag.StringVar(&o.peers, "peers", "numpy,jax,torch", "the peers, a method of one as in torch:r_op, or none")
	flag.StringVar(&o.python, "python", filepath.Join("benchmarks", "local", "peers", "bin", "python"), "the Python that has the peers' libraries")
	flag.IntVar(&o.threads, "threads", 1, "threads of ours and of each peer; with more than one the clock counts")
	flag.StringVar(&o.dtype, "dtype", "float32", "float32 or float64, of products and gradients")
	flag.IntVar(&o.plan.rounds, "rounds", 7, "samples of each")
	flag.Float64Var(&o.plan.seconds, "seconds", 0.1, "that a sample of ours takes at least")
	flag.DurationVar(&o.plan.patience, "patience", 3*time.Minute, "to wait for a quiet machine, a problem; with more than one thread")
	flag.StringVar(&o.name, "name", "products", "of the result files")
	flag.StringVar(&serving, "serve", "", "compute this `PROBLEM` by the peers' protocol")
	flag.StringVar(&servingKernel, "serve-kernel", "", "compute this `KERNEL` by the peers' protocol")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: everything is given by flags; see -help", flag.Arg(0))
	case serving != "":
		err = serve(ctx, serving, os.Stdin, os.Stdout)
	case servingKernel != "":
		err = serveKernel(ctx, servingKernel, os.Stdin, os.Stdout)
	default:
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "products:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	only, what, peers, python, dtype, name string
	threads                                int
	plan                                   plan
}

// results is what the command leaves as JSON.
type results struct {
	Load     []string    `json:"load"` // of the system, before and after: what more than the threads is others'
	Missing  []string    `json:"missing_peers,omitempty"`
	Products []productOf `json:"products,omitempty"`
	Kernels  []kernelOf  `json:"kernels,omitempty"`
	// Incomplete tells what ended the measurement early; the rows before are whole.
	Incomplete string `json:"incomplete,omitempty"`
}

func run(ctx context.Context, o options) error {
	if _, err := os.Stat(filepath.Join("benchmarks", "products")); err != nil {
		return fmt.Errorf("run this from the project's root: %w", err)
	}
	names, unknown := choose(o.only, problemNames())
	if unknown != "" {
		return fmt.Errorf("no problem %q; there are %s", unknown, strings.Join(problemNames(), ", "))
	}
	whats, unknown := choose(o.what, all)
	switch {
	case unknown != "":
		return fmt.Errorf("cannot measure %q; there are %s", unknown, strings.Join(all, ", "))
	case o.threads < 1 || o.plan.rounds < 1:
		return errors.New("-threads and -rounds must be 1 or more")
	}
	o.plan.quiet = o.threads > 1
	r := results{Load: measure.Load()}
	peers, missing, err := available(ctx, o)
	if err != nil {
		return err
	}
	r.Missing = missing
	for _, m := range missing {
		fmt.Fprintln(os.Stderr, "products:", m)
	}
	for _, what := range whats {
		if err = o.measure(ctx, what, names, peers, &r); err != nil {
			break
		}
	}
	if err != nil && len(r.Products)+len(r.Kernels) == 0 {
		return err
	}
	if err != nil { // what has been measured is worth keeping
		r.Incomplete = err.Error()
	}
	r.Load = append(r.Load, measure.Load()...)
	return errors.Join(err, o.write(r))
}

func (o options) write(r results) error {
	return bench.Write(o.name, "go run ./benchmarks/products "+strings.Join(os.Args[1:], " "), r.markdown(o), r)
}

// measure adds what is measured to the results.
func (o options) measure(ctx context.Context, what string, names, peers []string, r *results) error {
	if what == "kernels" {
		rows, err := o.kernels(ctx, peers)
		r.Kernels = rows
		return err
	}
	for _, p := range problems {
		for _, name := range names {
			if p.name != name {
				continue
			}
			row, err := o.product(ctx, p, what, peers)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", what, p.name, err)
			}
			r.Products = append(r.Products, row)
		}
	}
	return nil
}

// knownPeers are the scripts gv_*.py of benchmarks/peers.
var knownPeers = []string{"numpy", "jax", "torch"}

// available returns the peers that are asked for and can be imported, and of the others what to do about them.
func available(ctx context.Context, o options) (peers, missing []string, err error) {
	if o.peers == "none" {
		return nil, nil, nil
	}
	for _, spec := range strings.Split(o.peers, ",") {
		library, _, _ := strings.Cut(spec, ":")
		if _, unknown := choose(library, knownPeers); unknown != "" {
			return nil, nil, fmt.Errorf("no peer %q; there are %s, and none", spec, strings.Join(knownPeers, ", "))
		}
		probe := exec.CommandContext(ctx, o.python, "-c", "import numpy, "+library)
		if out, err := probe.CombinedOutput(); err != nil {
			missing = append(missing, fmt.Sprintf("peer %s is not here (%v %s): install the peers by benchmarks/peers/install, or name the Python that has them by -python",
				library, err, lastWords(string(out))))
			continue
		}
		peers = append(peers, spec)
	}
	return peers, missing, nil
}
