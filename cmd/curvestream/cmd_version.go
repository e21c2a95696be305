package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/version"
)

func versionCommand(t *terminal) *cli.Command {
	return &cli.Command{Name: "version", Usage: "what this program is and what it runs on", Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		info := version.Get()
		return t.answer(info, func(w io.Writer) { fmt.Fprint(w, info) })
	}}
}
