package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"curvestream/run/demo"
	"curvestream/run/fault"
	"curvestream/run/train"
	"curvestream/run/version"
)

func demoCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "generate a small long-range problem, train on it, and say what to do next",
		Flags:  append(watchFlags(), &cli.StringFlag{Name: "run", Usage: "the folder to make: `DIR` must not exist"}),
		Action: t.demo,
	}
}

func (t *terminal) demo(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return t.watched(c, func(display train.Observer) error { return t.demoWith(c, display) })
}

// demoWith runs the demo under the eyes of a display, which may be nil.
func (t *terminal) demoWith(c *cli.Context, display train.Observer) error {
	dir := c.String("run")
	if dir == "" {
		dir = filepath.Join("runs", "demo"+time.Now().Format("-0102-150405"))
	}
	ctx, signals := watchSignals(c.Context, t.stderr)
	defer signals.stop()
	if display != nil {
		fmt.Fprintln(t.stderr, "Each sequence has about 30 pairs (value, marker). Two are marked, and the mean of their values is to be said at the end.")
	}
	r, err := demo.Run(ctx, train.Options{Run: dir, Argv: t.argv, Version: version.String(), Observer: display, Log: logDisplay, Save: signals.save})
	if err != nil {
		return err
	}
	if err := t.answer(r, func(w io.Writer) {
		fmt.Fprint(w, summary(r.Train))
		fmt.Fprintf(w, "test: %.2f%% of %s sequences wrong (error above 0.04); always saying the mean gets 84.6%% wrong\n", 100*deref(r.Test.ErrorRate), thousands(float64(r.Test.Sequences)))
		run, data := r.Train.Run, filepath.Join(dir, "data")
		fmt.Fprintf(w, "\nnext:\n  curvestream data inspect %s        what was read, and how\n", filepath.Join(data, "train.parquet"))
		fmt.Fprintf(w, "  curvestream predict %s --data %s -o predictions.parquet\n", run, filepath.Join(data, "test.parquet"))
		fmt.Fprintf(w, "  curvestream gen --list             other problems\n")
		fmt.Fprintf(w, "  curvestream train --data YOUR.parquet --valid YOURS.parquet --run runs/mine\n")
	}); err != nil {
		return err
	}
	if !r.Solved {
		return fault.New(fault.No, "demo.unsolved", "the problem was not solved within the demo's time").Fix("`curvestream resume %s --time-limit 10m` goes on", r.Train.Run)
	}
	return nil
}

func deref(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}
