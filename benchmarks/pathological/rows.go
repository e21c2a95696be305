package main

import (
	"path/filepath"
	"slices"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

// A problem is one of the long-range problems, the lengths at which the table asks for it, and what was published of it.
type problem struct {
	name      string
	lengths   []string
	published *published
}

// published is what Sutskever et al. (2013) print for a problem: the same net trained by the best of their momentum methods and by SGD without
// momentum, zero-one loss, mean of four seeds. Of the memory problems their value is the number of wrong symbols a sequence.
type published struct {
	length    string
	best, sgd float64
	unit      string
}

const (
	ofSequences = "of sequences wrong"
	ofSymbols   = "symbols wrong a sequence"
)

var problems = []problem{
	{"addition", []string{"50", "100", "200"}, &published{"80", .00025, .39, ofSequences}},
	{"multiplication", []string{"50", "100"}, &published{"80", .0013, .48, ofSequences}},
	{"xor", []string{"50"}, nil},
	{"temporal-order", []string{"50", "100", "200"}, nil},
	{"temporal-order-3bit", []string{"50", "100"}, nil},
	{"random-permutation", []string{"100"}, nil},
	{"noiseless-memory-5bit", []string{"50", "100", "200"}, &published{"200", .63, 1.27, ofSymbols}},
	{"noiseless-memory-20bit", []string{"30", "80"}, &published{"80", .00005, 5.37, ofSymbols}},
}

func names() (all []string) {
	for _, p := range problems {
		all = append(all, p.name)
	}
	return all
}

func find(name string) (problem, bool) {
	i := slices.IndexFunc(problems, func(p problem) bool { return p.name == name })
	if i < 0 {
		return problem{}, false
	}
	return problems[i], true
}

// The kinds of rows.
const (
	withStructural    = "hf"
	withoutStructural = "hf-plain"
	adam              = "adam"
	adamBatch         = 100 // sequences, as in adam.yaml
)

// A row is one problem, length, kind and seed.
type row struct{ task, length, kind, seed, set string }

// rowOf returns the row that a result is of.
func rowOf(r bench.Result) row {
	l := r.Labels
	return row{l["task"], l["length"], l["kind"], l["seed"], l["set"]}
}

// job returns what trains and evaluates the row, without a limit. Training data, validation data and test data are three streams.
func (r row) job() bench.Job {
	source := func(seed, more string) string {
		return "gen:" + r.task + "?length=" + r.length + "&seed=" + seed + more
	}
	folder := filepath.Join("benchmarks", "pathological")
	j := bench.Job{
		Name:   strings.Join([]string{r.task, "T" + r.length, r.kind, "seed" + r.seed}, "-"),
		Labels: map[string]string{"task": r.task, "length": r.length, "kind": r.kind, "seed": r.seed},
		Config: []string{filepath.Join(folder, "recipe.yaml")},
		Args:   []string{"--data", source(r.seed, ""), "--valid", source("7"+r.seed, "&n=2000"), "--seed", r.seed},
		Test:   source("9"+r.seed, "&n=10000"),
	}
	if r.task == "noiseless-memory-5bit" { // all 32 sequences form the batch
		j.Args = append(j.Args, "--set", "batch.gradient=all", "--set", "batch.curvature=all")
	}
	switch r.kind {
	case adam:
		j.Config = append(j.Config, filepath.Join(folder, "adam.yaml"))
	case withoutStructural:
		j.Args = append(j.Args, "--set", "damping.structural_mu=0")
	}
	if r.set != "" {
		j.Args, j.Labels["set"] = append(j.Args, "--set", r.set), r.set
		j.Name += "-" + bench.Slug(r.set)
	}
	return j
}
