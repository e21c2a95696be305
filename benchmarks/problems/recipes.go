package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

// A recipe is a set of settings that a problem's file is run with, besides its own.
type recipe struct {
	name string
	sets []string // key=value
}

// recipes are compared on the problems that have goals. Their minibatches are all data, as the peers' are.
var recipes = []recipe{
	{"as in the file", nil},
	{"CG up to 35", []string{"cg.max=35"}},
	{"CG up to 100", []string{"cg.max=100"}},
	{"no preconditioner", []string{"precond.kind=none"}},
	{"no structural damping", []string{"damping.structural_mu=0"}},
	{"rho by the damped model", []string{"lm.model=damped"}},
	{"CG watched by f, the next from its worst late iterate (13, second recipe)", []string{"cg.watch=10", "cg.start=highest", "cg.backtrack_every=10"}},
	{"short CG that adds up, no line search (13, third recipe)", []string{"cg.decay=0.95", "cg.decay_final=0.995", "cg.decay_iterations=50", "cg.max=35", "line_search.enabled=false"}},
	{"CG ended by sampling error (Byrd et al. 2012)", []string{"cg.stop=byrd", "cg.start=zero"}},
	{"trust region, Steihaug", []string{"damping.kind=trust_region", "damping.structural_mu=0", "cg.max=100"}},
	{"trust region, GLTR", []string{"damping.kind=trust_region", "damping.trust_solver=gltr", "damping.structural_mu=0", "cg.max=100"}},
	{"Krylov subspace descent", []string{"method.kind=ksd", "damping.kind=none", "damping.structural_mu=0"}},
	{"L-BFGS", []string{"method.kind=lbfgs", "damping.structural_mu=0"}},
}

// limits end a run that does not get to its last goal: products, and iterations for methods without them.
const (
	mostProducts   = 2000
	mostIterations = 1500
)

// A cost is what a recipe had spent at the end of the first iteration at or below a goal.
type cost struct {
	Goal      float64 `json:"goal"`
	Reached   bool    `json:"reached"`
	Step      int     `json:"step"`
	Products  int     `json:"products"`
	Gradients int     `json:"gradients"` // with f
	Losses    int     `json:"losses"`    // f alone
}

// A contest is what a recipe gave.
type contest struct {
	Recipe  string   `json:"recipe"`
	Set     []string `json:"set"`
	Costs   []cost   `json:"costs"`
	F       float64  `json:"f"` // at the end
	Seconds float64  `json:"seconds"`
}

// compete runs all recipes on a problem until its last goal.
func compete(ctx context.Context, program bench.Program, p problem, dir string) ([]contest, error) {
	var all []contest
	for i, r := range recipes {
		run := filepath.Join(dir, fmt.Sprintf("%s-%d", p.name, i))
		args := []string{"train", "-c", filepath.Join("benchmarks", "problems", p.name+".yaml"), "--run", run, "--quiet",
			"--set", fmt.Sprintf("run.products=%d", mostProducts), "--set", fmt.Sprintf("run.iterations=%d", mostIterations),
			"--set", fmt.Sprintf("run.target_loss=%g", p.goals[len(p.goals)-1])}
		for _, set := range r.sets {
			args = append(args, "--set", set)
		}
		o, err := program.Run(ctx, true, args...)
		if err != nil {
			return nil, err
		}
		rows, err := bench.Metrics(run) // a run that stalls or diverges has its place in the table, too
		if err != nil {
			return nil, fmt.Errorf("%s: exit %d: %s: %w", r.name, o.Exit, o.Stderr, err)
		}
		c := contest{Recipe: r.name, Set: r.sets, Costs: costs(rows, p.goals), Seconds: o.Seconds}
		if n := len(rows); n > 0 {
			c.F = bench.Number(rows[n-1], "f")
		}
		all = append(all, c)
	}
	return all, nil
}

// costs returns what had been spent when f first was at or below each goal.
func costs(rows []map[string]any, goals []float64) []cost {
	found := make([]cost, len(goals))
	for i, goal := range goals {
		c := &found[i]
		c.Goal = goal
		for step, row := range rows {
			c.Products += int(bench.Number(row, "gv_products"))
			c.Gradients += int(bench.Number(row, "grad_evals"))
			c.Losses += int(bench.Number(row, "f_evals"))
			if f, ok := row["f"].(float64); ok && f <= goal {
				c.Step, c.Reached = step+1, true
				break
			}
		}
	}
	return found
}

// contestTable prints the recipes' costs and the peers'.
func contestTable(p problem, all []contest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Products with B until an iteration ends at or below a goal, by recipe; + gradients (each about a product's work). At most %d products.\n\n| recipe |", mostProducts)
	for _, goal := range p.goals {
		fmt.Fprintf(&b, " %g |", goal)
	}
	b.WriteString(" f at the end |\n|---|" + strings.Repeat("---|", len(p.goals)+1) + "\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| %s |", c.Recipe)
		for _, cost := range c.Costs {
			if !cost.Reached {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %d + %d |", cost.Products, cost.Gradients)
		}
		fmt.Fprintf(&b, " %.4g |\n", c.F)
	}
	for _, peer := range p.peers {
		if peer.products == nil {
			continue
		}
		fmt.Fprintf(&b, "| %s |", peer.name)
		for _, goal := range p.goals {
			if n, ok := peer.products[goal]; ok {
				fmt.Fprintf(&b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n")
	return b.String()
}
