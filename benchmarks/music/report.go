package main

import (
	"fmt"
	"math"
	"slices"

	"curvestream/benchmarks/internal/bench"
)

// A line is a row of the table.
type line struct {
	bench.Result
	Curve [][2]float64 `json:"valid_loss_per_step_by_seconds"`
}

// report writes the tables of all rows of the folder that were made with the present settings.
func report(d bench.Desk) error {
	results, err := d.Results()
	if err != nil {
		return err
	}
	var lines []line
	for _, r := range results {
		i := slices.IndexFunc(sets, func(s set) bool { return s.name == r.Labels["set"] })
		if i < 0 {
			continue
		}
		j := row{sets[i], r.Labels["method"], r.Labels["seed"], r.Labels["more"]}.job()
		_, known, err := d.Result(j)
		if err != nil {
			return err
		}
		if !known || r.State == bench.Started {
			continue
		}
		points, err := points(d.Run(j))
		if err != nil {
			return err
		}
		lines = append(lines, line{r, points})
	}
	return bench.Write("music", "go run ./benchmarks/music", table(lines), lines)
}

// points returns the evaluations of a run.
func points(run string) (all [][2]float64, err error) {
	rows, err := bench.Events(run, "eval")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		all = append(all, [2]float64{bench.Number(row, "t"), bench.Number(row, "loss_per_step")})
	}
	return all, nil
}

// table prints the test losses, and for each set the learning curves.
func table(lines []line) string {
	var m bench.Markdown
	m.Say("Nats a time-step, lower is better. The iterate with the lowest loss on the valid file is tested. Plain recurrent nets of 60 (JSB) and 100 (Nottingham) tanh units; `benchmarks/music/*.yaml` has the settings.")
	m.Head("data", "method", "seed", "test", "target", "reached", "plain RNN by Adam or SGD (Bai et al. 2018)", "best on valid", "at iteration", "iterations", "products", "CPU seconds", "ended by")
	for _, s := range sets {
		found := false
		for _, l := range of(lines, s) {
			found = true
			m.Row(s.title, title(l), l.Labels["seed"], loss(l), fmt.Sprintf("≤ %.2f", s.target), reached(l, s), fmt.Sprintf("%.2f", s.firstOrder), fmt.Sprintf("%.3f", lowest(l.Curve, math.Inf(1))),
				fmt.Sprint(l.BestAt), fmt.Sprint(l.Iterations), fmt.Sprint(l.Products), fmt.Sprintf("%.0f", l.CPUSeconds), l.Reason)
		}
		if !found {
			m.Row(s.title, "not run", "", "", "", "", "", "", "", "", "", "", "")
		}
	}
	for _, s := range sets {
		rows := of(lines, s)
		if len(rows) == 0 {
			continue
		}
		m.Say("## %s: the lowest loss on the valid file by time", s.title)
		head := []string{"seconds"}
		for _, l := range rows {
			head = append(head, title(l)+", seed "+l.Labels["seed"])
		}
		m.Head(head...)
		for _, t := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000} {
			cells, any := []string{fmt.Sprintf("%.0f", t)}, false
			for _, l := range rows {
				cells = append(cells, upTo(l.Curve, t))
				any = any || len(l.Curve) > 0 && l.Curve[len(l.Curve)-1][0] > t/2.5
			}
			if any {
				m.Row(cells...)
			}
		}
	}
	m.Say("Seconds are those of each run's own clock, on a machine that did other work at the same time.")
	return m.String()
}

func of(lines []line, s set) (all []line) {
	for _, l := range lines {
		if l.Labels["set"] == s.name {
			all = append(all, l)
		}
	}
	return all
}

func title(l line) string {
	name := map[string]string{"hf": "HF", "adam": "Adam"}[l.Labels["method"]]
	if more := l.Labels["more"]; more != "" {
		name += " " + more
	}
	return name
}

func loss(l line) string {
	if l.Test == nil {
		return "-"
	}
	return bench.Of("%.3f", l.Test.LossPerStep)
}

func reached(l line, s set) string {
	if l.Test != nil && l.Test.LossPerStep != nil && *l.Test.LossPerStep <= s.target {
		return "yes"
	}
	return "no"
}

// lowest returns the lowest loss up to a time; infinity before the first evaluation.
func lowest(points [][2]float64, until float64) float64 {
	best := math.Inf(1)
	for _, p := range points {
		if p[0] <= until {
			best = min(best, p[1])
		}
	}
	return best
}

func upTo(points [][2]float64, t float64) string {
	if v := lowest(points, t); !math.IsInf(v, 1) {
		return fmt.Sprintf("%.3f", v)
	}
	return "-"
}
