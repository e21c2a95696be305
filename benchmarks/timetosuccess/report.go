package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"curvestream/benchmarks/internal/bench"
)

// report writes the table of all results in the folder.
func report(d bench.Desk, command string) error {
	results, err := d.Results()
	if err != nil {
		return err
	}
	return bench.Write("timetosuccess", command, table(results), results)
}

// table lists, for each length, seed and number of threads, all contenders.
func table(results []bench.Result) string {
	var m bench.Markdown
	m.Say("Addition: success is less than 1 %% of 10,000 test sequences off by more than 0.04. All nets have 100 units, all train on the same files of sequences (minibatches of 100 " +
		"for first-order methods) and stop when at most 0.5 %% of 2,000 validation sequences are wrong. Seconds are of training and validation, on the wall clock; the contenders " +
		"worked alternately.")
	for _, round := range rounds(results) {
		m.Say("## T = %d, seed %d, %d threads", round[0], round[1], round[2])
		m.Head("contender", "success", "seconds", "training sequences", "updates", "products", "test sequences wrong", "CPU seconds")
		for _, c := range contenders {
			m.Row(c.cells(results, round)...)
		}
	}
	m.Say("Measured elsewhere (two cores of the same kind; T = 50, one seed): Sutskever's HF code of 2011, 2,831 CG steps and 514 s; GRU by Adam on PyTorch 1.13, one thread, 32 s.")
	return m.String()
}

// rounds returns the lengths, seeds and threads that there are results of, in order.
func rounds(results []bench.Result) (all [][3]int) {
	for _, r := range results {
		all = append(all, roundOf(r))
	}
	slices.SortFunc(all, func(a, b [3]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1], a[2]-b[2]) })
	return slices.Compact(all)
}

func roundOf(r bench.Result) (round [3]int) {
	for i, key := range []string{"length", "seed", "threads"} {
		round[i], _ = strconv.Atoi(r.Labels[key]) // written by job from a number
	}
	return round
}

// cells are the cells of a contender's row in a round.
func (c contender) cells(results []bench.Result, round [3]int) []string {
	i := slices.IndexFunc(results, func(r bench.Result) bool { return r.Labels["contender"] == c.name && roundOf(r) == round })
	if i < 0 {
		return []string{c.title, "not run", "", "", "", "", "", ""}
	}
	r := results[i]
	success, wrong := "no, "+r.State, "-"
	if r.Solved() {
		success = "yes"
	}
	if r.Test != nil {
		wrong = bench.Of("%.4f", r.Test.ErrorRate)
	}
	products := "-"
	if r.Products > 0 {
		products = strconv.Itoa(r.Products)
	}
	return []string{c.title, success, fmt.Sprintf("%.1f", r.Seconds), bench.Thousands(float64(r.Sequences)), strconv.Itoa(r.Iterations), products, wrong, fmt.Sprintf("%.0f", r.CPUSeconds)}
}
