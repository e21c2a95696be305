package main

import (
	"fmt"
	"strings"
)

// results is what the command leaves as JSON.
type results struct {
	Device  string    `json:"device"`
	Quick   bool      `json:"quick"`
	Targets []verdict `json:"targets"`
	Steps   []outcome `json:"steps"`
}

// value returns a figure of a step.
func (r results) value(step, what string) (float64, bool) {
	for _, s := range r.Steps {
		for _, row := range s.Rows {
			if s.Step == step && row.What == what {
				return row.Value, true
			}
		}
	}
	return 0, false
}

// failed returns the steps that failed. Those that lack something have not.
func (r results) failed() (names []string) {
	for _, s := range r.Steps {
		if s.Error != "" {
			names = append(names, s.Step)
		}
	}
	return names
}

// markdown tells the results to a person.
func (r results) markdown() string {
	var b strings.Builder
	if r.Quick {
		b.WriteString("**Tiny sizes: the figures say nothing about a GPU.**\n\n")
	}
	b.WriteString("| target (H200, float32) | measured | |\n|---|---|---|\n")
	for _, t := range r.Targets {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", t.Target, t.Measured, t.Verdict)
	}
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "\n## %s\n\n%s; %.1f s.", s.Step, s.Title, s.Seconds)
		switch {
		case s.Error != "":
			fmt.Fprintf(&b, " **Failed**: %s", s.Error)
		case s.Skipped != "":
			fmt.Fprintf(&b, " Not done: %s", s.Skipped)
		}
		b.WriteString("\n\n")
		if len(s.Rows) > 0 {
			b.WriteString("| | | |\n|---|---|---|\n")
		}
		for _, row := range s.Rows {
			fmt.Fprintf(&b, "| %s | %.4g %s | %s |\n", row.What, row.Value, row.Unit, row.Note)
		}
	}
	return b.String()
}

// A verdict is a target with what was measured.
type verdict struct {
	Target   string `json:"target"`
	Measured string `json:"measured"`
	Verdict  string `json:"verdict"` // met, missed, or not measured
}

// targets compares the results with what was set out to be reached.
func targets(r results) []verdict {
	all := []verdict{
		r.atMost("Gv h=100 B=100 T=10,000: ≤ 12 ms", "gv", gvName("long"), 12, "ms"),
		r.ratio("the same, ≥ 50 times the fastest of PyTorch", "torch", "PyTorch's time to ours, long", 50),
		r.atMost("Gv h=100 B=1000 T=100: ≤ 0.6 ms", "gv", gvName("pathological"), 0.6, "ms"),
		r.ratio("Gv h=1024 B=1024 T=1,000: ≥ 0.75 of the SGEMM peak", "gv", shareName("wide"), 0.75),
		r.ratio("Gv of CURVES on 5,000 cases: ≥ 0.6 of the SGEMM peak", "gv", shareName("curves"), 0.6),
		r.atMost("h=1024, half of the states in pinned memory: ≤ 1.1 times all on the device", "pinned", pinnedRatio, 1.1, ""),
		r.atMost("HF iteration, time outside gradients, products and losses: ≤ 5 %", "iteration", outsideShare, 5, "%"),
		r.ratio("addition T=200 by the settings of 2011: solved", "addition", solvedName, 1),
	}
	return all
}

func (r results) atMost(target, step, what string, most float64, unit string) verdict {
	return r.judge(target, step, what, unit, func(x float64) bool { return x <= most })
}

func (r results) ratio(target, step, what string, least float64) verdict {
	return r.judge(target, step, what, "", func(x float64) bool { return x >= least })
}

func (r results) judge(target, step, what, unit string, met func(float64) bool) verdict {
	x, measured := r.value(step, what)
	v := verdict{Target: target, Measured: strings.TrimSpace(fmt.Sprintf("%.3g %s", x, unit)), Verdict: "missed"}
	switch {
	case !measured:
		v.Measured, v.Verdict = "", "not measured"
	case r.Quick:
		v.Verdict = "not judged: tiny sizes"
	case met(x):
		v.Verdict = "met"
	}
	return v
}
