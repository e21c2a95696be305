// Command mutations proves that the tests of every technique of the report fail where the technique is wrong: it changes one line of the
// code at a time, a sign, a factor, a term, runs the test that is to notice, and reports those that did not. The changed file lies beside
// the tree (go test -overlay), which stays as it is.
//
//	go run ./benchmarks/mutations [-only text] [-discover] [-readme]
//
// It leaves benchmarks/results/mutations.{json,md}; with -only it prints what it would. -discover runs all tests of the package and
// says which fail; -readme prints the table of hf/README.md and runs nothing. It ends with status 1 where a change went unnoticed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

// A technique is a row of the table: what the report describes, and where it is.
type technique struct {
	name, section string
	setting       string // keys of the configuration, as Markdown
	file          string
	changes       []change
}

// A change makes the technique wrong.
type change struct {
	file     string // empty means that of the technique
	from, to string // from occurs once in the file
	pkg      string // whose test notices; empty means that of the file
	test     string // that fails; a subtest's parent
}

// place returns the file that c changes.
func (t technique) place(c change) string {
	if c.file != "" {
		return c.file
	}
	return t.file
}

// techniques returns all, in the order of the report.
func techniques() []technique { return slices.Concat(curvature, damping, cg, minibatches, baselines) }

func main() {
	only := flag.String("only", "", "only techniques whose name, file or setting contains the text")
	all := flag.Bool("discover", false, "run all tests of the package")
	readme := flag.Bool("readme", false, "print the table of hf/README.md")
	flag.Parse()
	bench.Main("mutations", func(ctx context.Context) error {
		if *readme {
			fmt.Print(overview(techniques()))
			return nil
		}
		results, err := attempt(ctx, *only, *all)
		if err != nil {
			return err
		}
		unnoticed := 0
		for _, r := range results {
			if !r.Noticed {
				unnoticed++
			}
		}
		if *only != "" || *all {
			fmt.Print(table(results))
		} else if err := bench.Write("mutations", "go run ./benchmarks/mutations", table(results), results); err != nil {
			return err
		}
		if unnoticed > 0 {
			return fmt.Errorf("%d of %d changes went unnoticed", unnoticed, len(results))
		}
		return nil
	})
}

// attempt makes the changes of the techniques that are asked for, one after the other.
func attempt(ctx context.Context, only string, all bool) (results []result, err error) {
	dir, err := os.MkdirTemp("", "mutations")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, t := range techniques() {
		for _, c := range t.changes {
			if !strings.Contains(t.name+" "+t.setting+" "+t.place(c), only) {
				continue
			}
			r, err := try(ctx, dir, t, c, all)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "%v %s: %s\n", r.Noticed, r.File, strings.Join(r.Tests, " "))
			results = append(results, r)
		}
	}
	return results, nil
}
