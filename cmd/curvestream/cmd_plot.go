package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/fault"
	"curvestream/run/plot"
)

func plotCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "plot", Usage: "a run as a picture: f, damping, rho, CG by iteration; or CG runs, M and f by step (figure 4 of the report)", ArgsUsage: "RUN", Action: t.plot,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.svg, .png or .pdf"},
			&cli.StringFlag{Name: "what", Usage: "run (by iteration) or cg (by CG step, of the runs that trace.cg recorded)", Value: "run"},
			&cli.IntFlag{Name: "iter", Usage: "with --what cg: the iteration to show (default: up to nine, spread over all)"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a file that exists"},
		},
	}
}

func (t *terminal) plot(c *cli.Context) error {
	out := c.String("out")
	switch {
	case c.NArg() != 1:
		return fault.New(fault.Usage, "usage.missing_argument", "plot needs one RUN, the folder that `curvestream train --run DIR` made")
	case out == "":
		return fault.New(fault.Usage, "usage.missing_flag", "plot needs -o FILE, with an ending .svg, .png or .pdf")
	}
	done, err := plot.Draw(c.Args().First(), plot.Options{Path: out, What: c.String("what"), Iter: c.Int("iter"), Overwrite: c.Bool("overwrite")})
	if err != nil {
		return err
	}
	return t.answer(done, func(w io.Writer) { fmt.Fprintf(w, "%s   %d panels\n", done.Path, done.Panels) })
}
