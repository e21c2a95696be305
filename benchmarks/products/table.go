package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown tells the results to a person.
func (r results) markdown(o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Load of the system before and after: %s.", strings.Join(r.Load, ", "))
	b.WriteString(" One sample of each in turn; ratios are of medians, in brackets the quartiles of the ratios of single rounds. GFLOP/s count matrix products only.")
	if o.threads > 1 {
		fmt.Fprintf(&b, " %d threads each: seconds are those of the clock, in moments when others left the processors alone; where there were none in %v, rounds are disturbed, as counted.", o.threads, o.plan.patience)
	} else {
		b.WriteString(" One thread each: seconds are processor time.")
	}
	b.WriteString("\n\n")
	for _, m := range r.Missing {
		b.WriteString("- " + m + "\n")
	}
	if r.Incomplete != "" {
		b.WriteString("**Incomplete**: " + r.Incomplete + "\n\n")
	}
	for _, what := range all {
		r.products(&b, what)
	}
	r.kernels(&b)
	return b.String()
}

func (r results) products(b *strings.Builder, what string) {
	if !slices.ContainsFunc(r.Products, func(p productOf) bool { return p.What == what }) {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", map[string]string{"gv": "Products Gv", "gradient": "Gradients"}[what])
	b.WriteString("| problem | program, method | seconds, median (range) | products a second | GFLOP/s | of peak | its time to ours | memory MiB | differs | disturbed |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, p := range r.Products {
		if p.What != what {
			continue
		}
		for i, run := range p.Runners {
			title, rest := "", "| |"
			if i == 0 {
				title = fmt.Sprintf("%s: %s, %s", p.Problem, p.Title, p.DType)
			}
			if run.Threads == 1 {
				rest = fmt.Sprintf("| %.2f |", p.GFLOP/run.Median/p.Peak[1])
			}
			fmt.Fprintf(b, "| %s | %s, %s | %.4g (%.4g – %.4g) | %.1f | %.1f %s %s | %.0f | %.1g | %s |\n", title, run.Name, run.Method, run.Median, run.Low, run.High,
				1/run.Median, p.GFLOP/run.Median, rest, run.Ratio, float64(run.PeakRSS)/(1<<20), run.Differs, disturbed(run))
		}
	}
	b.WriteString("\nPeak of a core while ours ran, GFLOP/s (least, median, largest):")
	for _, p := range r.Products {
		if p.What == what {
			fmt.Fprintf(b, " %s %.0f, %.0f, %.0f;", p.Problem, p.Peak[0], p.Peak[1], p.Peak[2])
		}
	}
	b.WriteString("\n\n")
}

func disturbed(r runnerOf) string {
	if r.Noisy == 0 {
		return ""
	}
	return fmt.Sprintf("%d rounds", r.Noisy)
}

// String gives a ratio as tables have it.
func (r *ratio) String() string {
	if r == nil {
		return "1"
	}
	return fmt.Sprintf("%.2f (%.2f – %.2f)", r.OfMedians, r.Low, r.High)
}

func (r results) kernels(b *strings.Builder) {
	if len(r.Kernels) == 0 {
		return
	}
	b.WriteString("## Kernels\n\nOne thread, processor time. Matrix products beside OpenBLAS as NumPy brings it (gemm_prepared, whose right-hand side is packed before, beside gemm_nn); tanh beside NumPy's, both with the copy of their inputs.\n\n")
	b.WriteString("| kernel | m × n × k | dtype | ours | of peak | theirs | their time to ours |\n|---|---|---|---|---|---|---|\n")
	for _, k := range r.Kernels {
		size := fmt.Sprintf("%d × %d × %d", k.M, k.N, k.K)
		mine, share, theirs := fmt.Sprintf("%.1f GFLOP/s", k.GFLOPS), fmt.Sprintf("%.2f", k.GFLOPS/k.Peak[1]), ""
		if k.PerElem > 0 {
			size, mine, share = fmt.Sprintf("%d × %d", k.M, k.N), fmt.Sprintf("%.3f ns an element", k.PerElem), ""
		}
		var to *ratio
		if len(k.Runners) > 1 {
			to = k.Runners[1].Ratio
			faster := k.Runners[0].Median / k.Runners[1].Median
			theirs = fmt.Sprintf("%.1f GFLOP/s", k.GFLOPS*faster)
			if k.PerElem > 0 {
				theirs = fmt.Sprintf("%.3f ns an element", k.PerElem/faster)
			}
		}
		against := ""
		if to != nil {
			against = to.String()
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", k.Name, size, k.DType, mine, share, theirs, against)
	}
	b.WriteString("\n")
}
