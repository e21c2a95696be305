package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/metrics"
	"curvestream/run/train"
)

// progress returns the display that --progress asks for, on standard error.
func (t *terminal) progress(c *cli.Context) (train.Observer, error) {
	kind := c.String("progress")
	if from := t.env("CURVESTREAM_PROGRESS"); from != "" && !c.IsSet("progress") {
		kind = from
	}
	if c.Bool("quiet") {
		kind = "none"
	}
	if kind == "auto" {
		kind = "lines"
		if t.live() {
			kind = "live"
		}
	}
	kinds := []string{"auto", "live", "lines", "json", "none"}
	switch kind {
	case "none":
		return nil, nil
	case "json":
		return jsonDisplay{t.stderr}, nil
	case "lines", "live":
		below := footer{}
		if kind == "live" && t.live() { // --progress live does not make a terminal of a file
			below.width = t.width()
		}
		return &lineDisplay{w: t.stderr, live: kind == "live", verbose: c.Bool("verbose"), color: kind == "live" && t.color(c), ascii: !utf8Locale(t.env), wide: t.width() >= wideWidth, footer: below}, nil
	}
	return nil, fault.New(fault.Usage, "usage.wrong_value", "--progress %s: want one of %s%s", kind, strings.Join(kinds, ", "), config.DidYouMean(kind, kinds))
}

// live reports whether standard error is a terminal that can move its cursor.
func (t *terminal) live() bool {
	f, ok := t.stderr.(*os.File)
	return ok && isTerminal(f) && t.env("TERM") != "dumb"
}

// color reports whether to colour, by --color and the usual variables.
func (t *terminal) color(c *cli.Context) bool {
	when := c.String("color")
	if from := t.env("CURVESTREAM_COLOR"); from != "" && !c.IsSet("color") {
		when = from
	}
	switch {
	case when == "always" || when == "auto" && (t.env("CLICOLOR_FORCE") != "" || t.env("FORCE_COLOR") != ""):
		return true
	case when == "never" || t.env("NO_COLOR") != "":
		return false
	}
	return t.live()
}

func utf8Locale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

const wideWidth = 116

// width returns the columns of the terminal; where it is unknown, 80 on a terminal and without limit elsewhere.
func (t *terminal) width() int {
	var n int
	if _, err := fmt.Sscan(t.env("COLUMNS"), &n); err == nil && n > 0 {
		return n
	}
	if f, ok := t.stderr.(*os.File); ok && t.live() {
		if n := columns(f); n > 0 {
			return n
		}
		return 80
	}
	return 1 << 20
}

// A jsonDisplay writes every event as a line of JSON.
type jsonDisplay struct{ w io.Writer }

// Observe implements train.Observer.
func (d jsonDisplay) Observe(event any) {
	if _, ok := event.(train.Solving); ok {
		return // it is for eyes, and comes often
	}
	if line, err := json.Marshal(metrics.RowOf(event)); err == nil {
		fmt.Fprintf(d.w, "%s\n", line)
	}
}

// A lineDisplay writes one line an iteration. The line waits for the evaluation that may follow its iteration.
type lineDisplay struct {
	w                        io.Writer
	live, color, ascii, wide bool
	verbose                  bool
	log                      bool // for a file: say how the run ended, which others print
	start                    train.Start
	began                    time.Time
	last                     *train.Iteration // not written yet
	lines                    int
	seconds                  float64 // of the session's iterations
	count                    int     // of them
	footer                   footer
}

// Observe implements train.Observer.
func (d *lineDisplay) Observe(event any) {
	if e, ok := event.(train.Solving); ok {
		d.solving(e)
		return
	}
	d.clearFooter()
	switch e := event.(type) {
	case train.Setup:
		fmt.Fprintln(d.w, strings.Join(e.Lines, "\n"))
	case train.Start:
		d.start, d.began = e, time.Now()
	case train.Iteration:
		d.flush(nil)
		d.last = &e
		d.count++
		d.seconds += e.Sec
	case train.Evaluation:
		if d.last == nil {
			fmt.Fprintf(d.w, "before iteration %d: %s %.6g\n", e.Iter+1, e.Dataset, e.Loss)
			return
		}
		d.flush(&e)
	case train.Warning:
		d.flush(nil)
		fmt.Fprintln(d.w, "warning:", e.Message)
	case train.Checkpoint:
		d.flush(nil)
		if d.verbose {
			fmt.Fprintf(d.w, "      %s, %s\n", e.Path, span(e.Sec))
		}
	case train.End:
		d.flush(nil)
		if d.log {
			fmt.Fprintf(d.w, "%s  ended at iteration %d: %s (%s), exit %d\n", e.UTC, e.Iter, e.Status, e.Reason, e.Exit)
		}
	}
}

// flush writes the line of the last iteration.
func (d *lineDisplay) flush(eval *train.Evaluation) {
	if d.last == nil {
		return
	}
	r := d.last
	d.last = nil
	if d.lines == 0 || d.live && d.lines%40 == 0 {
		fmt.Fprintln(d.w, d.header())
	}
	d.lines++
	fmt.Fprintln(d.w, d.line(r, eval))
	if d.verbose {
		fmt.Fprintln(d.w, details(r))
	}
}

func (d *lineDisplay) header() string {
	rho, lambda, mu, step := "ρ", "λ", "μ", "|δ|"
	alpha := "α"
	delta := "Δ%"
	if d.ascii {
		rho, lambda, mu, step, alpha, delta = "rho", "lambda", "mu", "|d|", "alpha", "d%"
	}
	if !d.wide {
		return fmt.Sprintf("%5s %12s %10s %6s %9s %9s %8s", "iter", "objective", "valid", rho, lambda, "cg", "step")
	}
	return fmt.Sprintf("%5s %13s %7s %11s %6s %9s %8s %9s %5s %8s %8s %9s %6s %6s", "iter", "objective", delta, "valid", rho, lambda, mu, "cg", alpha, step, "step", "seq/s", "stall", "ETA")
}

func (d *lineDisplay) line(r *train.Iteration, eval *train.Evaluation) string {
	minibatch := " "
	if d.start.Sequences < 0 || r.GradSeqs < d.start.Sequences {
		minibatch = "~"
	}
	valid := ""
	if eval != nil {
		valid = fmt.Sprintf("%.4g", eval.Loss)
		if eval.Best {
			valid += "*"
		}
	}
	cg := fmt.Sprintf("%d:%d", r.CGSteps, r.CGUsed)
	switch r.CGStop {
	case "max":
		cg += "m"
	case "negative_curvature":
		cg += "n"
	}
	rho := d.paint(r.Rho < 0.25, fmt.Sprintf("%6.2f", r.Rho))
	mu := ""
	if r.Mu != 0 {
		mu = fmt.Sprintf("%.3g", r.Mu)
	}
	objective := minibatch + fmt.Sprintf("%.6g", r.F)
	tail := ""
	if r.Outcome != "accepted" {
		tail = "  " + d.paint(true, r.Outcome)
	}
	if !d.wide {
		return fmt.Sprintf("%5d %12s %10s %s %9.3g %9s %8s%s", r.Iter, objective, valid, rho, r.Damping, cg, span(r.Sec), tail)
	}
	change := "-"
	if r.F0 != 0 && r.Iter > 1 {
		change = fmt.Sprintf("%.2f", 100*(r.F-r.F0)/abs(r.F0))
	}
	stall := 0.0
	if r.Sec > 0 {
		stall = 100 * r.SecWait / r.Sec
	}
	mark := "%"
	if stall > 5 {
		mark = "%!"
	}
	return strings.TrimRight(fmt.Sprintf("%5d %13s %7s %11s %s %9.3g %8s %9s %5.2f %8.1e %8s %9s %6s %6s%s", r.Iter, objective, change, valid, rho, r.Damping, mu,
		cg, r.Alpha, r.StepNorm, span(r.Sec), thousands(r.SeqPerSec), fmt.Sprintf("%.1f%s", stall, mark), d.eta(r), tail), " ")
}

// details are what --verbose adds to an iteration.
func details(r *train.Iteration) string {
	return fmt.Sprintf("      gradient norm %.3g, step norm %.3g, M %.3g, CG stopped by %s, %d products (%s in all), %d evaluations of f; gradient %s, CG %s, f %s, waiting %s; %.0f MiB",
		r.GradNorm, r.StepNorm, r.ModelDecrease, r.CGStop, r.GvProducts, thousands(float64(r.Products)), r.FEvals, span(r.SecGrad), span(r.SecCG), span(r.SecF), span(r.SecWait), float64(r.RSS)/(1<<20))
}

// eta guesses coarsely how long the run still takes, not before its third iteration.
func (d *lineDisplay) eta(r *train.Iteration) string {
	left := 0.0
	if d.start.Iterations > 0 && d.count >= 3 {
		left = float64(d.start.Iterations-r.Iter) * d.seconds / float64(d.count)
	}
	if limit := d.start.TimeLimit - r.T; d.start.TimeLimit > 0 && (left == 0 || limit < left) {
		left = limit
	}
	switch {
	case left <= 0:
		return ""
	case left < 90:
		return fmt.Sprintf("~%.0fs", left)
	case left < 5400:
		return fmt.Sprintf("~%.0fm", left/60)
	}
	return fmt.Sprintf("~%.0fh", left/3600)
}

func (d *lineDisplay) paint(alarm bool, text string) string {
	if !d.color || !alarm {
		return text
	}
	return "\x1b[31m" + text + "\x1b[0m"
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

// span writes seconds for a person: 0.12s, 4.1s, 12m 08s.
func span(seconds float64) string {
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.2fs", seconds)
	case seconds < 60:
		return fmt.Sprintf("%.1fs", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm %02ds", int(seconds)/60, int(seconds)%60)
	}
	return fmt.Sprintf("%dh %02dm", int(seconds)/3600, int(seconds)%3600/60)
}

// thousands writes 12345 as 12,345.
func thousands(x float64) string {
	digits := fmt.Sprintf("%.0f", x)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
