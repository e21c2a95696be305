// Command music trains a plain recurrent net on two sets of polyphonic music, JSB chorales and Nottingham, by Hessian-free optimization
// and by Adam, with early stopping on the valid files, and reports the negative log-likelihood of a time-step on the test files and the
// learning curves by time.
//
//	go run ./benchmarks/music [-data jsb,nottingham] [-method hf,adam] [-seeds 1] [-limit 20m] [-set key=value]
//	                          [-dir benchmarks/local/music] [-render]
//
// A row that has ended is not run again, unless its YAML file has changed or its limit was raised; one that was interrupted goes on. It
// leaves benchmarks/results/music.{json,md}; -render only does that. The data are those of ../shared/data.
package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	data := flag.String("data", "jsb,nottingham", "the sets")
	method := flag.String("method", "hf,adam", "the methods")
	seeds := flag.String("seeds", "1", "seeds of initial weights and of the order of data")
	set := flag.String("set", "", "one more setting of training, as key=value; such rows are listed apart")
	limit := flag.Duration("limit", 20*time.Minute, "training time of a row, 0: no limit")
	products := flag.Int("limit-products", 0, "products of a row, 0: no limit")
	dir := flag.String("dir", filepath.Join("benchmarks", "local", "music"), "where the runs lie")
	render := flag.Bool("render", false, "run nothing, write the table of what there is")
	flag.Parse()
	bench.Main("music", func(ctx context.Context) error {
		if *render {
			return report(bench.Desk{Dir: *dir})
		}
		rows, err := choose(*data, *method, *seeds, *set)
		if err != nil {
			return err
		}
		d, err := bench.Open(ctx, *dir)
		if err != nil {
			return err
		}
		for _, r := range rows {
			j := r.job()
			j.Limit = bench.Limit{Time: *limit, Products: *products}
			result, err := d.Do(ctx, j)
			if err != nil {
				return err
			}
			fmt.Printf("%s: %s, %d iterations, %.0f s\n", j.Name, result.Reason, result.Iterations, result.Seconds)
			if err := report(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// A set is one of the two, with what others reached, nats a time-step on the test file.
type set struct {
	name, file, title  string
	target, firstOrder float64
}

var sets = []set{
	{"jsb", "jsb_chorales", "JSB chorales", 8.58, 8.91},
	{"nottingham", "nottingham", "Nottingham", 3.89, 4.05},
}

var methods = []string{"hf", "adam"}

// A row is one set, method and seed.
type row struct {
	set          set
	method, seed string
	more         string // a further setting
}

// choose returns the rows that the flags ask for.
func choose(data, method, seeds, more string) (rows []row, err error) {
	for _, name := range bench.Words(data) {
		i := slices.IndexFunc(sets, func(s set) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no data %q: want jsb or nottingham", name)
		}
		for _, m := range bench.Words(method) {
			if !slices.Contains(methods, m) {
				return nil, fmt.Errorf("no method %q: want hf or adam", m)
			}
			for _, seed := range bench.Words(seeds) {
				rows = append(rows, row{sets[i], m, seed, more})
			}
		}
	}
	return rows, nil
}

// job returns what trains the row, without a limit.
func (r row) job() bench.Job {
	folder := filepath.Join("benchmarks", "music")
	j := bench.Job{Name: r.set.name + "-" + r.method + "-seed" + r.seed, Labels: map[string]string{"set": r.set.name, "method": r.method, "seed": r.seed},
		Config: []string{filepath.Join(folder, r.set.name+".yaml")}, Args: []string{"--seed", r.seed},
		Test: "../shared/data/" + r.set.file + "_test.parquet"}
	if r.method == "adam" {
		j.Config = append(j.Config, filepath.Join(folder, "adam.yaml"))
	}
	if r.more != "" {
		j.Args, j.Labels["more"] = append(j.Args, "--set", r.more), r.more
		j.Name += "-" + bench.Slug(r.more)
	}
	return j
}
