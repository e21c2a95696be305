package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/train"
	"curvestream/run/version"
)

func resumeCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "go on with a run", ArgsUsage: "RUN",
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "iterations", Usage: "`N`: end after iteration N; +N: make N more"},
			&cli.StringFlag{Name: "from", Usage: "the checkpoint: latest, best, or a name such as iter-000120", Value: "latest"},
			&cli.StringFlag{Name: "fork", Usage: "go on in a new run directory `NEWRUN`; the old one stays as it is"},
			&cli.BoolFlag{Name: "if-exists", Usage: "do nothing, successfully, if there is no such run"},
			&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` of a setting that may change"},
		}, watchFlags()...), settingFlags(func(key string) bool { return key != "run.iterations" })...),
		Action: t.resume,
	}
}

func (t *terminal) resume(c *cli.Context) error {
	run, err := oneArgument(c, "a RUN directory")
	if err != nil {
		return err
	}
	o := train.ResumeOptions{From: c.String("from"), Fork: c.String("fork"), More: -1,
		Options: train.Options{Run: run, Argv: t.argv, Version: version.String(), Stdin: t.stdin, Log: logDisplay}}
	if o.Changes, err = resumeChanges(c); err != nil {
		return err
	}
	if c.IsSet("iterations") {
		if o.More, o.Absolute, err = train.ParseIterations(c.String("iterations")); err != nil {
			return err
		}
	}
	return t.watched(c, func(display train.Observer) error {
		o.Observer = display
		ctx, signals := watchSignals(c.Context, t.stderr)
		defer signals.stop()
		o.Save = signals.save
		result, err := train.Resume(ctx, o)
		if absent, ok := errors.AsType[*fault.Error](err); ok && absent.Code == "run.missing" && c.Bool("if-exists") {
			return nil
		}
		return t.trained(result, err)
	})
}

// resumeChanges collects the settings that flags change. --iterations is not among them: it has a meaning of its own here.
func resumeChanges(c *cli.Context) ([]config.Assignment, error) {
	all, err := assignments(c)
	if err != nil {
		return nil, err
	}
	var changes []config.Assignment
	for _, a := range all {
		if a.Key != "run.iterations" || a.Origin == "--set" {
			changes = append(changes, a)
		}
	}
	return changes, nil
}
