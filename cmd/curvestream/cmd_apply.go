package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/evaluate"
	"curvestream/run/fault"
	"curvestream/run/metrics"
)

// applyFlags are those of commands that apply a model to data.
func applyFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "data", Usage: "what to apply the model to: files, folders, globs, - for an Arrow stream on standard input, or 'gen:TASK?length=T&seed=S&n=N'", Category: "data"},
		&cli.StringFlag{Name: "checkpoint", Usage: "of a run: best, latest or a name such as iter-000120 (default: the run's model)"},
		&cli.StringFlag{Name: "part", Usage: "with --split-col: the part to take, " + strings.Join(data.Parts, ", "), Value: "test", Category: "data"},
	}, settingFlags(underKeys("data.layout", "data.id", "data.time", "data.split_col", "data.s3_endpoint", "data.s3_region", "data.remote_cache", "memory", "threads", "device"))...)
}

// application collects what a model is applied to. There must be data, unless they are optional.
func (t *terminal) application(c *cli.Context, optional bool) (evaluate.Options, error) {
	path, err := oneArgument(c, "a RUN directory or a model")
	if err != nil {
		return evaluate.Options{}, err
	}
	flags, err := assignments(c)
	if err != nil {
		return evaluate.Options{}, err
	}
	r, err := config.Load(config.Sources{Env: t.env, Flags: flags})
	if err != nil {
		return evaluate.Options{}, err
	}
	if len(r.Data.Train) == 0 && !optional {
		return evaluate.Options{}, fault.New(fault.Usage, "usage.no_data", "no data").Fix("--data FILE")
	}
	part := c.String("part")
	if !slices.Contains(data.Parts, part) {
		return evaluate.Options{}, fault.New(fault.Usage, "usage.wrong_value", "--part %s: want one of %s%s", part, strings.Join(data.Parts, ", "), config.DidYouMean(part, data.Parts))
	}
	if c.IsSet("part") && r.Data.SplitCol == "" {
		return evaluate.Options{}, fault.New(fault.Usage, "usage.missing_flag", "--part %s: which column says what part a sequence belongs to?", part).Fix("--split-col COLUMN")
	}
	o := evaluate.Options{Division: data.DivisionOf(&r.Config), Part: part, Model: path, Checkpoint: c.String("checkpoint"), Data: r.Data.Train, Remote: data.RemoteOf(&r.Config), Naming: data.NamingOf(&r.Config), Stdin: t.stdin, Memory: int64(r.Memory), Threads: r.Threads, Device: r.Device}
	if !c.Bool("quiet") {
		o.Warn = func(message string) { fmt.Fprintln(t.stderr, "warning:", message) }
		o.Notify = func(data string, lines []string) {
			fmt.Fprintf(t.stderr, "%s is laid out otherwise than the training data:\n  %s\n", data, strings.Join(lines, "\n  "))
		}
	}
	return o, nil
}

func evalCommand(t *terminal) *cli.Command {
	return &cli.Command{Name: "eval", Usage: "say how good a model is on data", ArgsUsage: "RUN|MODEL", Flags: append(applyFlags(), formatFlag()), Action: t.eval}
}

func (t *terminal) eval(c *cli.Context) error {
	if err := t.checkFormat(c); err != nil {
		return err
	}
	o, err := t.application(c, false)
	if err != nil {
		return err
	}
	r, err := evaluate.Evaluate(c.Context, o)
	if err != nil {
		return err
	}
	return t.present(c, r, func(w io.Writer) {
		tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(tab, "loss\t%.6g\t%s, mean over sequences\n", r.Loss, r.LossName)
		fmt.Fprintf(tab, "loss_per_step\t%.6g\t\n", r.LossPerStep)
		if r.Accuracy != nil {
			fmt.Fprintf(tab, "accuracy\t%.4f\t\n", *r.Accuracy)
		}
		if r.ErrorRate != nil {
			fmt.Fprintf(tab, "error_rate\t%.4f\tof sequences, by the task's criterion\n", *r.ErrorRate)
		}
		fmt.Fprintf(tab, "sequences\t%s\t\nsteps\t%s\t\n", thousands(float64(r.Sequences)), thousands(float64(r.Steps)))
		tab.Flush()
	}, []metrics.Row{metrics.RowOf(r)})
}
