// Command timetosuccess measures how long the addition problem takes until less than 1 % of 10,000 test sequences are off by more than
// 0.04 (Martens and Sutskever 2011): this program's Hessian-free optimization of a tanh recurrent net, its first-order methods, and what
// people would use instead, a GRU, an LSTM and a tanh RNN of PyTorch trained by Adam, all on the same sequences.
//
//	go run ./benchmarks/timetosuccess [-lengths 50] [-seeds 1] [-limit 450s] [-slice 60s] [-threads 2] [-only hf,torch-gru]
//	                                  [-dir benchmarks/local/timetosuccess] [-render]
//
// The contenders work alternately, a slice of time each, until they are done or have used the limit; one that is interrupted goes on from
// its last checkpoint. It leaves benchmarks/results/timetosuccess.{json,md}. The peers need benchmarks/peers/install; without it they
// are listed as not run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	var o options
	lengths := flag.String("lengths", "50", "lengths T of the problem")
	seeds := flag.String("seeds", "1", "seeds of initial weights and of the order of data")
	only := flag.String("only", strings.Join(names(), ","), "the contenders")
	flag.DurationVar(&o.limit, "limit", 450*time.Second, "training time of a contender")
	flag.DurationVar(&o.slice, "slice", time.Minute, "training time of a contender before the next one has its turn")
	flag.IntVar(&o.threads, "threads", 2, "threads of each")
	flag.IntVar(&o.train, "train", 100_000, "training sequences in the file")
	flag.StringVar(&o.python, "python", filepath.Join("benchmarks", "local", "peers", "bin", "python"), "the peers' Python")
	dir := flag.String("dir", filepath.Join("benchmarks", "local", "timetosuccess"), "where data and runs lie")
	render := flag.Bool("render", false, "run nothing, write the table of what there is")
	flag.Parse()
	bench.Main("timetosuccess", func(ctx context.Context) error {
		if *render {
			return report(bench.Desk{Dir: *dir}, "go run ./benchmarks/timetosuccess")
		}
		d, err := bench.Open(ctx, *dir)
		if err != nil {
			return err
		}
		for _, length := range bench.Words(*lengths) {
			for _, seed := range bench.Words(*seeds) {
				if err := race(ctx, d, o, length, seed, bench.Words(*only)); err != nil {
					return err
				}
			}
		}
		return report(d, fmt.Sprintf("go run ./benchmarks/timetosuccess -lengths %s -seeds %s -limit %s -threads %d", *lengths, *seeds, o.limit, o.threads))
	})
}

type options struct {
	limit, slice   time.Duration
	threads, train int
	python         string
}

// race gives all contenders turns until each has ended or used the limit.
func race(ctx context.Context, d bench.Desk, o options, length, seed string, only []string) error {
	data, err := prepare(ctx, d, o.train, length)
	if err != nil {
		return err
	}
	for used := time.Duration(0); used < o.limit; {
		used = min(used+o.slice, o.limit)
		for _, name := range only {
			c, ok := find(name)
			if !ok {
				return fmt.Errorf("no contender %q: want some of %s", name, strings.Join(names(), ", "))
			}
			j := c.job(data, length, seed, o.threads)
			j.Limit = bench.Limit{Time: used}
			train := bench.Trainer(nil)
			if c.cell != "" {
				if _, err := os.Stat(o.python); err != nil {
					continue // listed as not run
				}
				train = peer(o.python, c)
			}
			if err := turn(ctx, d, j, train); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn lets a contender work up to its job's limit.
func turn(ctx context.Context, d bench.Desk, j bench.Job, train bench.Trainer) error {
	do := func() (bench.Result, error) { return d.Do(ctx, j) }
	if train != nil {
		do = func() (bench.Result, error) { return d.DoBy(ctx, j, train) }
	}
	r, err := do()
	if err != nil {
		return err
	}
	wrong := "not tested"
	if r.Test != nil {
		wrong = bench.Of("%.4f of the test sequences wrong", r.Test.ErrorRate)
	}
	fmt.Printf("%s: %s after %.1f s, %d sequences: %s\n", j.Name, r.State, r.Seconds, r.Sequences, wrong)
	return nil
}
