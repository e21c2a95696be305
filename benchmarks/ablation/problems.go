package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"curvestream/run/config"
)

// A problem is what the variants are compared on.
type problem struct {
	name, title string
	config      string // its recipe, the baseline
	args        []string
	set         []string // settings of all variants: where training ends
	products    int      // the limit of a row
	test        string
	targets     []float64 // values of f; the products to reach them are reported
	recurrent   bool
	fixed       bool // the initial weights are given
	gradient    int  // sequences of the gradient minibatch where it can be divided into one of three quarters and held-out data
}

var problems = []problem{
	{name: "autoencoder", title: "deep autoencoder, 1,000 images, fixed start", config: filepath.Join("benchmarks", "problems", "autoencoder.yaml"),
		set: []string{"run.iterations=0", "run.target_loss=78.2"}, products: 1600, targets: []float64{135.6, 78.2}, fixed: true, gradient: 1000},
	{name: "adding30", title: "addition T = 30, 1,000 sequences, fixed start", config: filepath.Join("benchmarks", "problems", "adding30.yaml"),
		set: []string{"run.iterations=0", "run.target_loss=6e-6"}, products: 1600, targets: []float64{1e-3, 6e-6}, recurrent: true, fixed: true, gradient: 1000},
	{name: "temporal-order", title: "temporal order T = 100, fresh sequences", config: filepath.Join("benchmarks", "pathological", "recipe.yaml"),
		args: []string{"--data", "gen:temporal-order?length=100&seed=1", "--valid", "gen:temporal-order?length=100&seed=71&n=2000"},
		set:  []string{"run.iterations=0"}, products: 2000, test: "gen:temporal-order?length=100&seed=91&n=10000", recurrent: true, gradient: 2000},
	{name: "jsb", title: "JSB chorales, early stopping on the valid file", config: filepath.Join("benchmarks", "music", "jsb.yaml"),
		set: []string{"run.iterations=0"}, products: 2000, test: "../shared/data/jsb_chorales_test.parquet", recurrent: true, gradient: 229},
}

func problemNames() (all []string) {
	for _, p := range problems {
		all = append(all, p.name)
	}
	return all
}

// variants returns the variants that change something of the problem's recipe, the baseline first.
func (p problem) variants() (all []variant, err error) {
	recipe, err := p.settings(nil)
	if err != nil {
		return nil, err
	}
	for _, v := range variants {
		if v.recurrent && !p.recurrent || v.initial && p.fixed || v.structural && recipe.Damping.StructuralMu == 0 {
			continue
		}
		if v.heldOut { // a quarter of the gradient minibatch becomes held-out data, the curvature minibatch is half of the rest
			rest := p.gradient * 3 / 4
			v.set = append([]string{fmt.Sprintf("batch.gradient=%d", rest), fmt.Sprintf("batch.curvature=%d", rest/2), fmt.Sprintf("batch.held_out=%d", p.gradient-rest)}, v.set...)
		}
		changed, err := p.settings(v.set)
		if err != nil {
			return nil, err
		}
		if v.name == baseline || len(config.Differences(&recipe.Config, &changed.Config)) > 0 {
			all = append(all, v)
		}
	}
	return all, nil
}

// settings returns the recipe of the problem with some settings changed.
func (p problem) settings(set []string) (*config.Resolved, error) {
	var flags []config.Assignment
	for i := 0; i+1 < len(p.args); i += 2 { // --data and --valid
		key := "data.train"
		if p.args[i] == "--valid" {
			key = "data.valid"
		}
		flags = append(flags, config.Assignment{Key: key, Value: p.args[i+1], Origin: p.args[i]})
	}
	for _, s := range slices.Concat(p.set, set) {
		key, value, _ := strings.Cut(s, "=")
		flags = append(flags, config.Assignment{Key: key, Value: value, Origin: "--set"})
	}
	r, err := config.Load(config.Sources{Files: []string{p.config}, Flags: flags})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return r, r.Validate()
}
