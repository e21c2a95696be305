package plot

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"

	"curvestream/run/fault"
	"curvestream/run/metrics"
	"curvestream/run/rundir"
)

// mostSearches is how many CG runs one picture shows where none is asked for.
const mostSearches = 9

// A search is a CG run in cg.jsonl. f is known at the iterates that CG-backtracking looked at.
type search struct {
	Iter   int        `json:"iter"`
	Steps  []float64  `json:"steps"`
	M      []*float64 `json:"M"`
	F      []*float64 `json:"f"`
	Chosen float64    `json:"chosen"`
	Stop   string     `json:"stop"`
}

// searches draws CG runs as figure 4 of the report: f (red) and M (blue) by CG step, both as changes from where CG begins to count,
// with a mark at the chosen iterate.
func searches(dir *rundir.Dir, iter int) (panels []*plot.Plot, err error) {
	all, err := metrics.Read[search](dir.Path("cg.jsonl"), nil)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.New(fault.NoInput, "plot.empty", "%s has recorded no CG run", dir.Path()).Fix("train with --set trace.cg=10, which records every tenth (method.kind hf)")
	}
	chosen := spread(all)
	if iter > 0 {
		chosen = slices.DeleteFunc(slices.Clone(all), func(s search) bool { return s.Iter != iter })
	}
	if len(chosen) == 0 {
		return nil, fault.New(fault.NoInput, "plot.empty", "no CG run of iteration %d was recorded; the first is of iteration %d, the last of %d", iter, all[0].Iter, all[len(all)-1].Iter).
			Fix("choose one of them, or train with a smaller trace.cg")
	}
	for _, s := range chosen {
		same := func(v *float64) *float64 { return v }
		m := curve{name: "M", x: s.Steps, y: column(s.M, same), color: blue}
		f := looked(s)
		p, err := panel(fmt.Sprintf("iteration %d, CG ended by %s", s.Iter, s.Stop), "CG step", "change", false,
			mark("chosen", s.Chosen, green, m.y, f.y), m, f)
		if err != nil {
			return nil, err
		}
		panels = append(panels, p)
	}
	return panels, nil
}

// looked returns f at the iterates where it is known, joined by a line.
func looked(s search) curve {
	c := curve{name: "f", color: red, dots: true}
	for i, f := range s.F {
		if f != nil {
			c.x, c.y = append(c.x, s.Steps[i]), append(c.y, *f)
		}
	}
	return c
}

// spread returns at most mostSearches of the CG runs, the first and the last among them.
func spread(all []search) []search {
	if len(all) <= mostSearches {
		return all
	}
	some := make([]search, mostSearches)
	for i := range some {
		some[i] = all[i*(len(all)-1)/(mostSearches-1)]
	}
	return some
}
