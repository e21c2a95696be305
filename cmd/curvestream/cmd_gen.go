package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/fault"
	"curvestream/run/generate"
)

func genCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "gen", Usage: "write the data of a synthetic problem: train, valid and test", ArgsUsage: "TASK",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "list", Usage: "list the tasks"},
			&cli.IntFlag{Name: "length", Usage: "T of the task", Value: 0, DefaultText: "100"},
			&cli.IntFlag{Name: "train", Usage: "sequences for training", Value: 10000},
			&cli.IntFlag{Name: "valid", Usage: "sequences for validation", Value: 1000},
			&cli.IntFlag{Name: "test", Usage: "sequences for testing", Value: 10000},
			&cli.Uint64Flag{Name: "seed", Usage: "of the random numbers", Value: 1},
			&cli.StringFlag{Name: "format", Usage: "parquet or arrow", Value: "parquet"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "the `DIR` to write to"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace files that exist"},
		},
		Action: t.gen,
	}
}

func (t *terminal) gen(c *cli.Context) error {
	if c.Bool("list") {
		tasks := generate.Tasks()
		return t.answer(map[string]any{"tasks": tasks}, func(w io.Writer) {
			for _, task := range tasks {
				fmt.Fprintf(w, "%-24s %s\n", task.Name, task.Doc)
			}
		})
	}
	task, err := oneArgument(c, "a TASK (`curvestream gen --list` lists them)")
	if err != nil {
		return err
	}
	if c.String("out") == "" {
		return fault.New(fault.Usage, "usage.missing_flag", "gen needs -o DIR, the folder to write to")
	}
	r, err := generate.Run(c.Context, generate.Options{Task: task, Length: c.Int("length"), Train: c.Int("train"), Valid: c.Int("valid"), Test: c.Int("test"),
		Seed: c.Uint64("seed"), Format: c.String("format"), Dir: c.String("out"), Overwrite: c.Bool("overwrite")})
	if err != nil {
		return err
	}
	return t.answer(r, func(w io.Writer) {
		for _, f := range r.Files {
			fmt.Fprintf(w, "%s   %s sequences\n", f.Path, thousands(float64(f.Sequences)))
		}
		if r.Note != "" {
			fmt.Fprintln(w, r.Note)
		}
	})
}
