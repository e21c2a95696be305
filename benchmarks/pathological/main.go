// Command pathological trains a tanh recurrent net of 100 units on the long-range problems of Martens and Sutskever (2011), with
// one recipe and fresh data at every HF iteration, and reports which seeds solve them: less than 1 % of 10,000 test sequences wrong.
//
//	go run ./benchmarks/pathological [-tasks addition,temporal-order] [-lengths 50,100] [-seeds 1,2,3,4] [-method hf,adam]
//	                                 [-structural yes,no] [-limit-products 20000] [-limit 30m] [-limit-sequences 2000000]
//	                                 [-set key=value] [-dir benchmarks/local/pathological] [-render]
//
// Without -lengths each problem has the lengths of the table. A row that has ended is not run again, unless its limit was raised or
// recipe.yaml has changed; one that was interrupted goes on from its checkpoint. It leaves benchmarks/results/pathological.{json,md} with
// all rows that lie in the folder and were made with the present recipe; -render only does that.
package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	var o options
	tasks := flag.String("tasks", strings.Join(names(), ","), "the problems")
	lengths := flag.String("lengths", "", "lengths T; empty: those of the table")
	seeds := flag.String("seeds", "1,2,3,4", "seeds of weights and data")
	method := flag.String("method", "hf", "hf, adam or both, with a comma")
	structural := flag.String("structural", "yes", "hf with structural damping (yes), without (no), or both, with a comma")
	flag.IntVar(&o.hf.Products, "limit-products", 20000, "products that an HF row may use, 0: no limit")
	limit := flag.Duration("limit", 0, "time that a row may take, 0: no limit")
	sequences := flag.Int("limit-sequences", 2_000_000, "training sequences that an Adam row may use")
	set := flag.String("set", "", "one more setting of training, as key=value; such rows are listed apart")
	dir := flag.String("dir", filepath.Join("benchmarks", "local", "pathological"), "where the runs lie")
	render := flag.Bool("render", false, "run nothing, write the table of what there is")
	flag.Parse()
	o.hf.Time, o.adam.Time, o.adam.Iterations = *limit, *limit, *sequences/adamBatch
	bench.Main("pathological", func(ctx context.Context) error {
		if *render {
			return report(bench.Desk{Dir: *dir})
		}
		rows, err := choose(*tasks, *lengths, *seeds, *method, *structural, *set)
		if err != nil {
			return err
		}
		d, err := bench.Open(ctx, *dir)
		if err != nil {
			return err
		}
		return all(ctx, d, o, rows)
	})
}

// options are the limits of a row.
type options struct{ hf, adam bench.Limit }

// choose returns the rows that the flags ask for, problem by problem, the seeds of a length together.
func choose(tasks, lengths, seeds, methods, structural, set string) (rows []row, err error) {
	for _, task := range bench.Words(tasks) {
		p, ok := find(task)
		if !ok {
			return nil, fmt.Errorf("no problem %q: want some of %s", task, strings.Join(names(), ", "))
		}
		ts := p.lengths
		if lengths != "" {
			ts = bench.Words(lengths)
		}
		for _, t := range ts {
			for _, m := range bench.Words(methods) {
				kinds, err := kinds(m, structural)
				if err != nil {
					return nil, err
				}
				for _, kind := range kinds {
					for _, seed := range bench.Words(seeds) {
						rows = append(rows, row{task, t, kind, seed, set})
					}
				}
			}
		}
	}
	return rows, nil
}

// kinds returns the kinds of rows of a method.
func kinds(method, structural string) (all []string, err error) {
	if method == adam {
		return []string{adam}, nil
	}
	if method != "hf" {
		return nil, fmt.Errorf("no method %q: want hf or adam", method)
	}
	for _, s := range bench.Words(structural) {
		switch s {
		case "yes":
			all = append(all, withStructural)
		case "no":
			all = append(all, withoutStructural)
		default:
			return nil, fmt.Errorf("-structural %q: want yes, no or both", s)
		}
	}
	return all, nil
}

// all does the rows one after another, and writes the table after each: an interrupted table is a table.
func all(ctx context.Context, d bench.Desk, o options, rows []row) error {
	for i, r := range rows {
		j := r.job()
		if j.Limit = o.hf; r.kind == adam {
			j.Limit = o.adam
		}
		start := time.Now()
		result, err := d.Do(ctx, j)
		if err != nil {
			return err
		}
		fmt.Printf("%d of %d: %s: solved %v, %s, %d iterations, %d products, %.0f s\n", i+1, len(rows), j.Name, result.Solved(), result.Reason, result.Iterations, result.Products, time.Since(start).Seconds())
		if err := report(d); err != nil {
			return err
		}
	}
	return nil
}
