package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/check"
	"curvestream/run/fault"
)

func checkCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "compare derivatives with finite differences, or with reference values",
		Flags: append(append(configFlags(), settingFlags(underKeys("model", "damping", "data.form", "seed", "threads", "device"))...),
			&cli.StringFlag{Name: "golden", Usage: "a folder `DIR` of reference cases in JSON"}),
		Action: t.check,
	}
}

func (t *terminal) check(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	settings, err := t.settings(c)
	if err != nil {
		return err
	}
	var r *check.Report
	if dir := c.String("golden"); dir != "" {
		r, err = check.Golden(c.Context, dir, settings.Device, settings.Threads)
	} else {
		r, err = check.Net(c.Context, &settings.Config)
	}
	if err != nil {
		return err
	}
	if err := t.answer(r, func(w io.Writer) { fmt.Fprint(w, r) }); err != nil {
		return err
	}
	if !r.OK {
		return fault.New(fault.No, "check.failed", "derivatives are wrong; the cases are on standard output")
	}
	return nil
}
