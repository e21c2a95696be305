package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/train"
	"curvestream/run/version"
)

func trainCommand(t *terminal) *cli.Command {
	flags := append(configFlags(),
		&cli.StringFlag{Name: "run", Usage: "the run directory to make: `DIR` must not exist"},
		&cli.StringFlag{Name: "runs-dir", Usage: "where run directories are made if --run is not given", Value: "runs", EnvVars: []string{"CURVESTREAM_RUNS_DIR"}},
		&cli.StringFlag{Name: "name", Usage: "the name of the run directory in --runs-dir"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "all but training: read the data, build the net, say what it will cost"})
	return &cli.Command{
		Name: "train", Usage: "train a model in a new run directory",
		Flags:  append(append(flags, watchFlags()...), settingFlags(everySetting)...),
		Action: t.train,
	}
}

func (t *terminal) train(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	settings, err := t.settings(c)
	if err != nil {
		return err
	}
	if len(settings.Data.Train) == 0 {
		return fault.New(fault.Usage, "usage.no_data", "no training data").
			Fix("--data FILE (or a folder, a glob, gen:TASK?length=50&seed=1), or data.train in a configuration file; `curvestream demo` shows an example")
	}
	return t.watched(c, func(display train.Observer) error { return t.trainWith(c, settings, display) })
}

// trainWith trains, or with --dry-run only says what that would be.
func (t *terminal) trainWith(c *cli.Context, settings *config.Resolved, display train.Observer) error {
	ctx, signals := watchSignals(c.Context, t.stderr)
	defer signals.stop()
	o := train.Options{Config: settings, Run: runDir(c, settings.Data.Train[0]), Argv: t.argv, Version: version.String(),
		Stdin: t.stdin, Observer: display, Log: logDisplay, Save: signals.save}
	if c.Bool("dry-run") {
		forecast, err := train.DryRun(ctx, o)
		if err != nil {
			return err
		}
		return t.answer(forecast, func(w io.Writer) { fmt.Fprint(w, forecast) })
	}
	result, err := train.Run(ctx, o)
	return t.trained(result, err)
}

// runDir returns the run directory that flags ask for, or one named after the data and the time.
func runDir(c *cli.Context, data string) string {
	if dir := c.String("run"); dir != "" {
		return dir
	}
	name := c.String("name")
	if name == "" {
		base := strings.TrimSuffix(filepath.Base(data), filepath.Ext(data))
		if rest, ok := strings.CutPrefix(data, "gen:"); ok {
			base, _, _ = strings.Cut(rest, "?")
		}
		name = strings.Map(func(r rune) rune {
			if strings.ContainsRune(`*?[]: /\`, r) {
				return '-'
			}
			return r
		}, base) + time.Now().Format("-0102-150405")
	}
	return filepath.Join(c.String("runs-dir"), name)
}

// trained prints what a run came to. A run that was stopped has a result too.
func (t *terminal) trained(r train.Result, err error) error {
	if r.Run == "" {
		return err
	}
	if e := t.answer(r, func(w io.Writer) { fmt.Fprint(w, summary(r)) }); e != nil && err == nil {
		return e
	}
	return err
}

func summary(r train.Result) string {
	why := map[string]string{"iterations": "the last iteration was done", "time": "the time limit was reached", "products": "the products were used up", "target": "the target loss was reached",
		"target_error": "the target error rate was reached",
		"patience":     "the validation loss stopped getting better", "stalled": "no step lowers f any more", "stationary": "the gradient is zero",
		"diverged": "the run diverged", "signal": "it was interrupted", "error": "it failed"}[r.Reason]
	var b strings.Builder
	stall := 0.0
	if r.Seconds > 0 {
		stall = r.SecondsWaiting / r.Seconds
	}
	fmt.Fprintf(&b, "stopped: %s at iteration %d (%s, %s products, %s passes, stall %.1f%%)\n", why, r.Iterations,
		span(r.Seconds), thousands(float64(r.Products)), thousands(r.Passes), 100*stall)
	switch {
	case r.ValidLoss != nil && r.BestLoss != nil:
		fmt.Fprintf(&b, "best: iter %d valid %.6g   model: %s\n", r.BestIteration, *r.BestLoss, r.Model)
	case r.Loss != nil:
		fmt.Fprintf(&b, "loss: %.6g   model: %s\n", *r.Loss, r.Model)
	}
	fmt.Fprintf(&b, "next: curvestream eval %s --data FILE | predict %s --data FILE -o out.parquet | resume %s --iterations +10\n", r.Run, r.Run, r.Run)
	return b.String()
}
