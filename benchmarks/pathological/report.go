package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"curvestream/benchmarks/internal/bench"
)

// A group is the seeds of a problem, length and kind.
type group struct {
	task, length, kind, set string
	results                 []bench.Result
}

// report writes the table of all rows of the folder that were made with the present recipe, and of those that are still to be run.
func report(d bench.Desk) error {
	results, err := d.Results()
	if err != nil {
		return err
	}
	var current []bench.Result
	stale := 0
	for _, r := range results {
		if _, known, err := d.Result(rowOf(r).job()); err != nil {
			return err
		} else if known {
			current = append(current, r)
		} else {
			stale++
		}
	}
	return bench.Write("pathological", "go run ./benchmarks/pathological", table(groups(current), stale), current)
}

// groups returns the groups of the table in its order, those without results too, and then those that only the results have.
func groups(results []bench.Result) (all []group) {
	for _, p := range problems {
		for _, length := range p.lengths {
			for _, kind := range []string{withStructural, withoutStructural, adam} {
				all = append(all, group{p.name, length, kind, "", nil})
			}
		}
	}
	for _, r := range results {
		w := rowOf(r)
		i := slices.IndexFunc(all, func(g group) bool {
			return g.task == w.task && g.length == w.length && g.kind == w.kind && g.set == w.set
		})
		if i < 0 {
			all, i = append(all, group{w.task, w.length, w.kind, w.set, nil}), len(all)
		}
		all[i].results = append(all[i].results, r)
	}
	slices.SortStableFunc(all, func(a, b group) int {
		order := func(g group) int {
			return slices.IndexFunc(problems, func(p problem) bool { return p.name == g.task })
		}
		return cmp.Or(cmp.Compare(a.set, b.set), order(a)-order(b), number(a.length)-number(b.length))
	})
	return all
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // a length that is none was refused by the program
	return n
}

var titles = map[string]string{withStructural: "HF, structural damping", withoutStructural: "HF without it", adam: "Adam, lr 1e-3"}

func table(all []group, stale int) string {
	var m bench.Markdown
	m.Say("A seed solves a problem when less than 1 %% of 10,000 test sequences are wrong. The net has 100 tanh units; one recipe (`benchmarks/pathological/recipe.yaml`) " +
		"for all problems. Iterations, products, sequences (of gradient minibatches) and CPU seconds (evaluation included) are medians of the seeds that solved; \"used\" is what the " +
		"other seeds had used when they ended. Seconds were taken while other programs ran.")
	m.Head("problem", "T", "method", "seeds solved", "iterations", "products", "sequences", "CPU seconds", "test sequences wrong, by seed", "seeds that did not: used, and why they ended")
	for _, g := range all {
		m.Row(g.cells()...)
	}
	if stale > 0 {
		m.Say("%d rows of other recipes lie in the folder; they are not shown, and are run again when they are asked for.", stale)
	}
	m.Say("Beside it, Sutskever, Martens, Dahl and Hinton (2013), their table of recurrent nets: the same net, 50,000 updates of 100 sequences, zero-one loss, the mean of four seeds.")
	m.Head("problem", "T", "best momentum", "no momentum", "what", "ours, HF: mean of test sequences wrong")
	for _, p := range problems {
		if p.published == nil {
			continue
		}
		m.Row(p.name, p.published.length, fmt.Sprint(p.published.best), fmt.Sprint(p.published.sgd), p.published.unit, ours(all, p))
	}
	return m.String()
}

// ours is the mean share of test sequences that the seeds of a problem got wrong at the published length.
func ours(all []group, p problem) string {
	i := slices.IndexFunc(all, func(g group) bool {
		return g.task == p.name && g.length == p.published.length && g.kind == withStructural && g.set == ""
	})
	if i < 0 {
		return "not run"
	}
	sum, n := 0.0, 0
	for _, r := range all[i].results {
		if r.Test != nil && r.Test.ErrorRate != nil {
			sum += *r.Test.ErrorRate
			n++
		}
	}
	if n == 0 {
		return "not run"
	}
	return fmt.Sprintf("%.5f (%d seeds)", sum/float64(n), n)
}

// cells are the cells of the group's row.
func (g group) cells() []string {
	name := g.task
	if g.set != "" {
		name += " " + g.set
	}
	head := []string{name, g.length, titles[g.kind]}
	if len(g.results) == 0 {
		return append(head, "not run", "", "", "", "", "", "")
	}
	var iterations, products, sequences, seconds []float64
	wrong, used := "", ""
	for _, r := range g.results {
		if r.Test != nil {
			wrong += ", " + bench.Of("%.4f", r.Test.ErrorRate)
		} else {
			wrong += ", -"
		}
		if r.Solved() {
			iterations, products = append(iterations, float64(r.Iterations)), append(products, float64(r.Products))
			sequences, seconds = append(sequences, float64(r.Sequences)), append(seconds, r.CPUSeconds)
			continue
		}
		used += ", " + unsolved(r)
	}
	cells := append(head, fmt.Sprintf("%d of %d", len(iterations), len(g.results)))
	for _, values := range [][]float64{iterations, products, sequences, seconds} {
		if len(values) == 0 {
			cells = append(cells, "-")
		} else {
			cells = append(cells, bench.Thousands(bench.Median(values)))
		}
	}
	return append(cells, wrong[2:], cut(used))
}

func cut(list string) string {
	if list == "" {
		return ""
	}
	return list[2:]
}

// unsolved says what a seed used that did not solve the problem, and why it ended.
func unsolved(r bench.Result) string {
	what := fmt.Sprintf("%s products", bench.Thousands(float64(r.Products)))
	if r.Products == 0 {
		what = fmt.Sprintf("%s sequences", bench.Thousands(float64(r.Sequences)))
	}
	if r.State == bench.Started {
		return "interrupted"
	}
	return what + " (" + r.Reason + ")"
}
