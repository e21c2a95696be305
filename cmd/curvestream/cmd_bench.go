package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/bench"
	"curvestream/run/config"
	"curvestream/run/fault"
)

func benchCommand(t *terminal) *cli.Command {
	usages := map[string]string{
		"kernel":    "matrix products and activations",
		"gv":        "products with the Gauss-Newton matrix",
		"gradient":  "the loss with its gradient",
		"iteration": "whole Hessian-free iterations",
	}
	c := &cli.Command{Name: "bench", Usage: "measure how fast this machine computes and reads"}
	for _, what := range bench.Whats() {
		c.Subcommands = append(c.Subcommands, &cli.Command{
			Name: what, Usage: usages[what], Flags: benchFlags(what),
			Action: func(c *cli.Context) error { return t.bench(c, what) },
		})
	}
	c.Subcommands = append(c.Subcommands, benchDataCommand(t))
	return c
}

// benchFlags are those of one kind of measurement. Lists are made as bench.ParseList reads them.
func benchFlags(what string) []cli.Flag {
	length := "100"
	flags := []cli.Flag{&cli.StringFlag{Name: "net", Usage: "`LIST` of rnn, curves", Value: "rnn"}}
	switch what {
	case "kernel":
		length = "1"
		flags = []cli.Flag{&cli.StringFlag{Name: "kernel", Usage: "`LIST` of " + strings.Join(bench.KernelNames(), ", "), Value: strings.Join(bench.KernelNames(), ",")}}
	case "iteration":
		flags = append(flags, &cli.StringFlag{Name: "cg", Usage: "`N` CG iterations of an HF iteration at most", Value: "50"})
	}
	if what != "kernel" {
		flags = append(flags,
			&cli.StringFlag{Name: "in", Usage: "`N` inputs of the rnn", Value: "2"},
			&cli.StringFlag{Name: "out", Usage: "`N` outputs of the rnn", Value: "1"},
			&cli.StringFlag{Name: "form", Usage: "outputs of the rnn: each or last", Value: "last"},
			&cli.StringFlag{Name: "device", Usage: "`NAME` of what computes: cpu, cuda, cuda:N, auto or emulate", Value: "cpu"})
	}
	return append(flags,
		&cli.StringFlag{Name: "hidden", Usage: "`LIST` of hidden units, such as 50,100,200 or 100-1000*10", Value: "100"},
		&cli.StringFlag{Name: "batch", Usage: "`LIST` of sequences", Value: "1000"},
		&cli.StringFlag{Name: "length", Usage: "`LIST` of time-steps", Value: length},
		&cli.StringFlag{Name: "dtype", Usage: "`LIST` of float32, float64", Value: "float32"},
		&cli.StringFlag{Name: "threads", Aliases: []string{"j"}, Usage: "`LIST` of threads", Value: "1"},
		&cli.StringFlag{Name: "repetitions", Aliases: []string{"r"}, Usage: "`N` samples", Value: "5"},
		&cli.StringFlag{Name: "warmup", Usage: "`N` calls before, at least one", Value: "1"},
		&cli.Float64Flag{Name: "sample-seconds", Usage: "repeat short work until a sample lasts `SECONDS`", Value: 0.1},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT` on standard output: " + strings.Join(bench.Formats(), ", "), Value: "md"},
		&cli.StringFlag{Name: "output-err", Aliases: []string{"oe"}, Usage: "another `FORMAT`, on standard error"},
		&cli.StringFlag{Name: "baseline", Usage: "compare with `FILE`, written by -o json"},
		&cli.StringFlag{Name: "max-regress", Usage: "exit with 1 where a row is slower than the baseline by more than `SHARE`", Value: "5%"},
	)
}

func (t *terminal) bench(c *cli.Context, what string) error {
	if err := noArguments(c); err != nil {
		return err
	}
	request, err := benchRequest(c, what)
	if err != nil {
		return err
	}
	format, other, err := benchFormats(c)
	if err != nil {
		return err
	}
	judge, err := benchJudge(c)
	if err != nil {
		return err
	}
	progress, err := t.benchProgress(c)
	if err != nil {
		return err
	}
	report, err := bench.Run(c.Context, request, progress)
	if err != nil {
		return err
	}
	verdict := judge(report)
	if other != "" {
		if err := report.Write(t.stderr, other); err != nil {
			return err
		}
	}
	if err := report.Write(t.stdout, format); err != nil {
		return err
	}
	return verdict
}

// benchRequest reads the flags of a measurement.
func benchRequest(c *cli.Context, what string) (bench.Request, error) {
	r := bench.Request{What: what, In: 1, Out: 1, CG: 1, Form: c.String("form"), Device: c.String("device"), Seconds: c.Float64("sample-seconds"),
		Kernels: splitList(c.String("kernel")), Nets: splitList(c.String("net")), DTypes: splitList(c.String("dtype"))}
	var errs []error
	for _, l := range []struct {
		flag string
		to   *[]int
	}{{"hidden", &r.Hidden}, {"batch", &r.Batch}, {"length", &r.Length}, {"threads", &r.Threads}} {
		list, err := bench.ParseList(c.String(l.flag))
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", l.flag, err))
		}
		*l.to = list
	}
	for _, n := range []struct {
		flag string
		to   *int
	}{{"in", &r.In}, {"out", &r.Out}, {"cg", &r.CG}, {"repetitions", &r.Repetitions}, {"warmup", &r.Warmup}} {
		if !slices.Contains(c.FlagNames(), n.flag) && c.String(n.flag) == "" {
			continue // not a flag of this measurement
		}
		if n.flag == "warmup" && c.String(n.flag) == "0" {
			continue
		}
		list, err := bench.ParseList(c.String(n.flag))
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("--%s: %w", n.flag, err))
		case len(list) != 1:
			errs = append(errs, fmt.Errorf("--%s %s: give one number", n.flag, c.String(n.flag)))
		default:
			*n.to = list[0]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return r, fault.New(fault.Usage, "usage.wrong_value", "%v", err)
	}
	if err := r.Validate(); err != nil {
		return r, fault.New(fault.Usage, "usage.wrong_value", "%v", err)
	}
	return r, nil
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// benchFormats returns the formats of standard output and standard error, the latter "" for nothing.
func benchFormats(c *cli.Context) (out, other string, err error) {
	out, other = c.String("output"), c.String("output-err")
	if c.Bool("json") {
		if c.IsSet("output") && out != "json" {
			return "", "", fault.New(fault.Usage, "usage.wrong_value", "--json and -o %s contradict each other: give one of them", out)
		}
		out = "json"
	}
	for _, f := range []string{out, other} {
		if f != "" && !slices.Contains(bench.Formats(), f) {
			return "", "", fault.New(fault.Usage, "usage.wrong_value", "format %q: want one of %s%s", f, strings.Join(bench.Formats(), ", "),
				config.DidYouMean(f, bench.Formats()))
		}
	}
	return out, other, nil
}

// benchJudge returns what compares a report with the baseline, which is read before anything is measured. Its error says that
// rows are slower than allowed.
func benchJudge(c *cli.Context) (func(*bench.Report) error, error) {
	path := c.String("baseline")
	if path == "" {
		return func(*bench.Report) error { return nil }, nil
	}
	limit, err := bench.ParseShare(c.String("max-regress"))
	if err != nil {
		return nil, fault.New(fault.Usage, "usage.wrong_value", "--max-regress: %v", err)
	}
	old, err := bench.LoadReport(path)
	if err != nil {
		exit := fault.Data
		if errors.Is(err, os.ErrNotExist) {
			exit = fault.NoInput
		}
		return nil, fault.New(exit, "bench.baseline", "%v", err)
	}
	return func(r *bench.Report) error {
		r.Baseline = path
		compared, slower := r.Compare(old, limit)
		switch {
		case compared == 0:
			return fault.New(fault.Data, "bench.baseline", "%s has none of the rows that were measured", path).
				Fix("measure the baseline with the same flags")
		case slower > 0:
			return fault.New(fault.No, "bench.regressed", "%d of %d rows are slower than in %s by more than %s", slower, compared, path, c.String("max-regress"))
		}
		return nil
	}, nil
}

// benchProgress returns what prints a line on standard error for each row.
func (t *terminal) benchProgress(c *cli.Context) (func(done, all int, row bench.Row), error) {
	kinds := []string{"auto", "live", "lines", "json", "none"}
	kind := c.String("progress")
	if !slices.Contains(kinds, kind) {
		return nil, fault.New(fault.Usage, "usage.wrong_value", "--progress %s: want one of %s%s", kind, strings.Join(kinds, ", "), config.DidYouMean(kind, kinds))
	}
	if kind == "none" || c.Bool("quiet") {
		return func(int, int, bench.Row) {}, nil
	}
	if kind == "json" {
		encoder := json.NewEncoder(t.stderr)
		return func(_, _ int, row bench.Row) { _ = encoder.Encode(row) }, nil
	}
	return func(done, all int, row bench.Row) {
		rate := fmt.Sprintf("%.1f GFLOP/s of %.1f", row.GFLOPS, row.PeakGFLOPS)
		if row.NanosecondsPerElement > 0 {
			rate = fmt.Sprintf("%.3f ns an element", row.NanosecondsPerElement)
		}
		fmt.Fprintf(t.stderr, "%d/%d %s hidden %d batch %d length %d %s threads %d: %.4g s, %s\n",
			done, all, row.Name, row.Hidden, row.Batch, row.Length, row.DType, row.Threads, row.Seconds, rate)
	}, nil
}
