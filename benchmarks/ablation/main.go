// Command ablation shows what each technique buys: on four problems it trains with the recipe of the problem and with one technique at a
// time switched off or exchanged, under a limit by products, so that rows may be run on a busy machine.
//
//	go run ./benchmarks/ablation [-problems autoencoder,adding30,temporal-order,jsb] [-variants baseline,precond-none] [-seed 1]
//	                             [-limit-products N] [-limit 30m] [-dir benchmarks/local/ablation] [-render]
//
// A row that has ended is not run again, unless a recipe has changed or its limit was raised; one that was interrupted goes on. It leaves
// benchmarks/results/ablation.{json,md}; -render only does that. autoencoder, adding30 and jsb need the folder ../shared.
package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	only := flag.String("problems", strings.Join(problemNames(), ","), "the problems")
	which := flag.String("variants", "", "the variants; empty: all that a problem has")
	seed := flag.String("seed", "1", "seed of weights and data")
	products := flag.Int("limit-products", 0, "products of a row, 0: the problem's own limit")
	limit := flag.Duration("limit", 0, "time of a row, 0: no limit")
	dir := flag.String("dir", filepath.Join("benchmarks", "local", "ablation"), "where the runs lie")
	render := flag.Bool("render", false, "run nothing, write the table of what there is")
	flag.Parse()
	bench.Main("ablation", func(ctx context.Context) error {
		if *render {
			return report(bench.Desk{Dir: *dir}, *seed)
		}
		rows, err := choose(*only, *which, *seed)
		if err != nil {
			return err
		}
		d, err := bench.Open(ctx, *dir)
		if err != nil {
			return err
		}
		for i, r := range rows {
			j := r.job()
			j.Limit = bench.Limit{Products: *products, Time: *limit}
			if *products == 0 {
				j.Limit.Products = r.problem.products
			}
			start := time.Now()
			result, err := d.Do(ctx, j)
			if err != nil {
				return err
			}
			fmt.Printf("%d of %d: %s: %s, %d products, %.0f s\n", i+1, len(rows), j.Name, result.Reason, result.Products, time.Since(start).Seconds())
			if err := report(d, *seed); err != nil {
				return err
			}
		}
		return nil
	})
}

// A row is a problem with one variant of its recipe.
type row struct {
	problem problem
	variant variant
	seed    string
}

// choose returns the rows that the flags ask for.
func choose(only, which, seed string) (rows []row, err error) {
	for _, name := range bench.Words(only) {
		i := slices.IndexFunc(problems, func(p problem) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no problem %q: want some of %s", name, strings.Join(problemNames(), ", "))
		}
		wanted := bench.Words(which)
		has, err := problems[i].variants()
		if err != nil {
			return nil, err
		}
		for _, v := range has {
			if len(wanted) == 0 || slices.Contains(wanted, v.name) {
				rows = append(rows, row{problems[i], v, seed})
			}
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("none of these problems has a variant %q: want some of %s", which, strings.Join(variantNames(), ", "))
	}
	return rows, nil
}

// job returns what trains the row, without a limit: the problem's recipe, its own settings, then the variant's.
func (r row) job() bench.Job {
	j := bench.Job{Name: r.problem.name + "-" + r.variant.name + "-seed" + r.seed, Config: []string{r.problem.config}, Test: r.problem.test,
		Labels: map[string]string{"problem": r.problem.name, "variant": r.variant.name, "seed": r.seed}, Args: slices.Concat(r.problem.args, []string{"--seed", r.seed})}
	for _, setting := range slices.Concat(r.problem.set, r.variant.set) {
		j.Args = append(j.Args, "--set", setting)
	}
	return j
}
