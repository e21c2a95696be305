package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/doctor"
	"curvestream/run/fault"
)

func doctorCommand(t *terminal) *cli.Command {
	return &cli.Command{Name: "doctor", Usage: "what is unusual about a run, and what helps", ArgsUsage: "RUN", Action: t.doctor}
}

func (t *terminal) doctor(c *cli.Context) error {
	if c.NArg() != 1 {
		return fault.New(fault.Usage, "usage.missing_argument", "doctor needs one RUN, the folder that `curvestream train --run DIR` made")
	}
	r, err := doctor.Look(c.Args().First())
	if err != nil {
		return err
	}
	return t.answer(r, func(w io.Writer) { fmt.Fprint(w, r) })
}
