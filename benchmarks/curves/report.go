package main

import (
	"fmt"
	"slices"

	"curvestream/benchmarks/internal/bench"
)

// A line of the published log: HF iterations, CG steps so far, squared error on the training and the test images.
type logLine struct {
	iterations, products int
	train, test          float64
}

// published are lines of the log that Martens published with his code: CURVES, seed 1234, a GTX 285.
var published = []logLine{
	{5, 63, 17.48, 17.53}, {10, 123, 16.90, 16.95}, {25, 415, 16.59, 16.63}, {40, 621, 15.11, 15.16}, {50, 1003, 12.21, 12.22},
	{60, 1784, 8.54, 8.55}, {70, 3203, 4.35, 4.42}, {75, 4043, 1.979, 2.044}, {80, 5221, 1.094, 1.164}, {90, 7721, 0.588, 0.663},
	{100, 10221, 0.383, 0.448}, {125, 16471, 0.2215, 0.2756}, {150, 22721, 0.1709, 0.2213}, {200, 35221, 0.1384, 0.1895},
	{250, 47721, 0.1293, 0.1842}, {300, 60221, 0.12531, 0.18317},
}

func report(d bench.Desk) error {
	p, err := load(d, job(d))
	if err != nil {
		return err
	}
	return bench.Write("curves", "go run ./benchmarks/curves", table(p.Points), p.Points)
}

// table prints the points beside the log, the lines of the log that were not reached too.
func table(all []point) string {
	var m bench.Markdown
	m.Say("Squared error of an image, summed over pixels. The images are a surrogate of CURVES, which is lost: compare the shape. In the log the error falls below 1 after 5,471 products and " +
		"below 0.2 after 18,471. Seconds were taken while other programs ran.")
	m.Head("products", "the log: iteration", "train", "test", "ours: iteration", "products", "train", "test", "f", "seconds", "CPU seconds")
	lines := slices.Clone(published)
	for _, p := range all {
		if !slices.ContainsFunc(lines, func(l logLine) bool { return l.products == p.Stage }) {
			lines = append(lines, logLine{products: p.Stage})
		}
	}
	slices.SortFunc(lines, func(a, b logLine) int { return a.products - b.products })
	for _, l := range lines {
		cells := []string{fmt.Sprint(l.products), "", "", ""}
		if l.iterations > 0 {
			cells = []string{fmt.Sprint(l.products), fmt.Sprint(l.iterations), fmt.Sprint(l.train), fmt.Sprint(l.test)}
		}
		i := slices.IndexFunc(all, func(p point) bool { return p.Stage == l.products })
		if i < 0 {
			m.Row(append(cells, "not run", "", "", "", "", "", "")...)
			continue
		}
		p := all[i]
		m.Row(append(cells, fmt.Sprint(p.Iterations), fmt.Sprint(p.Products), fmt.Sprintf("%.4g", p.Train), fmt.Sprintf("%.4g", p.Test), fmt.Sprintf("%.2f", p.Loss),
			fmt.Sprintf("%.0f", p.Seconds), fmt.Sprintf("%.0f", p.CPUSeconds))...)
	}
	return m.String()
}
