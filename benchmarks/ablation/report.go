package main

import (
	"fmt"

	"curvestream/benchmarks/internal/bench"
)

// A line is a row of a table, with the products after which f had reached each of the problem's targets; -1 where it did not.
type line struct {
	bench.Result
	Reached []int `json:"products_to_targets"`
}

// report writes the tables of all rows of a seed that were made with the present recipes.
func report(d bench.Desk, seed string) error {
	tables := map[string][]line{}
	var all []line
	variants := map[string][]variant{}
	for _, p := range problems {
		has, err := p.variants()
		if err != nil {
			return err
		}
		variants[p.name] = has
		for _, v := range has {
			j := row{p, v, seed}.job()
			r, known, err := d.Result(j)
			if err != nil {
				return err
			}
			l := line{Result: r}
			if !known || r.State == bench.Started {
				l.Result = bench.Result{Name: j.Name, State: bench.Started}
			} else if rows, err := bench.Metrics(d.Run(j)); err != nil {
				return err
			} else {
				for _, f := range p.targets {
					l.Reached = append(l.Reached, productsTo(rows, f))
				}
				all = append(all, l)
			}
			tables[p.name] = append(tables[p.name], l)
		}
	}
	var m bench.Markdown
	m.Say("One technique at a time is switched off or exchanged; the keys are in `benchmarks/ablation/variants.go`. Products are with the curvature matrix; evaluations of f and of the gradient are " +
		"counted beside them, for they cost about a third and as much as a product on as many sequences. Seconds are CPU seconds, the program's start and evaluation included. " +
		"f of the variant with held-out data is that of the three quarters which it trains on.")
	for _, p := range problems {
		m.Say("## %s: %s", p.name, p.title)
		p.table(&m, variants[p.name], tables[p.name])
	}
	return bench.Write("ablation", "go run ./benchmarks/ablation -seed "+seed, m.String(), all)
}

// productsTo returns the products up to the first iteration that ends with f at or below target; -1 where none does.
func productsTo(rows []map[string]any, target float64) int {
	for _, row := range rows {
		if f, ok := row["f"].(float64); ok && f <= target {
			return int(bench.Number(row, "products"))
		}
	}
	return -1
}

// table writes a problem's table.
func (p problem) table(m *bench.Markdown, variants []variant, lines []line) {
	head := []string{"variant", "section"}
	for _, f := range p.targets {
		head = append(head, fmt.Sprintf("products to f ≤ %.4g", f))
	}
	switch p.name {
	case "jsb":
		head = append(head, "nats a step, test", "valid loss at best")
	case "temporal-order":
		head = append(head, "test sequences wrong")
	}
	m.Head(append(head, "f at the end", "iterations", "products", "gradients", "evaluations of f", "CPU seconds", "ended by")...)
	for i, v := range variants {
		m.Row(p.cells(v, lines[i])...)
	}
}

// cells are the cells of a variant's row.
func (p problem) cells(v variant, l line) []string {
	cells := []string{v.title, v.section}
	if l.State == bench.Started {
		return append(cells, "not run")
	}
	for _, n := range l.Reached {
		if n < 0 {
			cells = append(cells, "not reached")
		} else {
			cells = append(cells, fmt.Sprint(n))
		}
	}
	score := bench.Score{}
	if l.Test != nil {
		score = *l.Test
	}
	switch p.name {
	case "jsb":
		cells = append(cells, bench.Of("%.3f", score.LossPerStep), bench.Of("%.1f", l.BestLoss))
	case "temporal-order":
		cells = append(cells, bench.Of("%.4f", score.ErrorRate))
	}
	return append(cells, bench.Of("%.5g", l.Loss), fmt.Sprint(l.Iterations), fmt.Sprint(l.Products), fmt.Sprint(l.Gradients), fmt.Sprint(l.Losses), fmt.Sprintf("%.0f", l.CPUSeconds), l.Reason)
}
