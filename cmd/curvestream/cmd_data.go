package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/fault"
	"curvestream/run/metrics"
)

func dataCommand(t *terminal) *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		roles := settingFlags(func(key string) bool {
			return key != "data.train" && key != "data.valid" && !underKeys("data.cache", "data.cache_compression", "data.manifest", "data.workers", "data.prefetch")(key) && underKeys("data", "model.loss", "memory")(key)
		})
		return append(append(configFlags(), roles...), more...)
	}
	return &cli.Command{Name: "data", Usage: "look at data, copy it", Subcommands: append([]*cli.Command{
		{Name: "inspect", Usage: "schema, row groups, what the columns are taken for and why, lengths, flaws, memory", ArgsUsage: "FILE...", Flags: flags(
			&cli.BoolFlag{Name: "full", Usage: "look at every row, not at a sample where the data are large", DisableDefaultText: true}, formatFlag()), Action: t.dataInspect},
		{Name: "head", Usage: "the first sequences", ArgsUsage: "FILE...", Flags: flags(
			formatFlag(),
			&cli.IntFlag{Name: "n", Usage: "how many", Value: 5},
			&cli.StringFlag{Name: "sequence", Usage: "the sequence with this `ID` instead"}), Action: t.dataHead},
		{Name: "stats", Usage: "count, nulls, mean, deviation and distinct values of each column; lengths", ArgsUsage: "FILE...", Flags: flags(formatFlag()), Action: t.dataStats},
		{Name: "validate", Usage: "look at every row as training would", ArgsUsage: "FILE...", Flags: flags(
			formatFlag(),
			&cli.IntFlag{Name: "max-errors", Usage: "list at most so many flaws", Value: 20}), Action: t.dataValidate},
	}, copyCommands(t)...)}
}

// lookAt collects what a data command looks at.
func (t *terminal) lookAt(c *cli.Context) (data.Access, []string, *config.Config, error) {
	if c.NArg() == 0 {
		return data.Access{}, nil, nil, fault.New(fault.Usage, "usage.missing_argument", "%s needs a FILE, a folder, a glob, - or gen:TASK?length=50&seed=1", c.Command.HelpName)
	}
	if err := t.checkFormat(c); err != nil {
		return data.Access{}, nil, nil, err
	}
	r, err := t.settings(c)
	if err != nil {
		return data.Access{}, nil, nil, err
	}
	return data.Access{Stdin: t.stdin, Remote: data.RemoteOf(&r.Config), Memory: int64(r.Memory)}, c.Args().Slice(), &r.Config, nil
}

func (t *terminal) dataInspect(c *cli.Context) error {
	a, files, settings, err := t.lookAt(c)
	if err != nil {
		return err
	}
	report, err := data.Inspect(c.Context, a, files, settings, c.Bool("full"))
	if err != nil {
		return err
	}
	var rows []metrics.Row
	for _, column := range report.Columns {
		rows = append(rows, metrics.RowOf(column))
	}
	return t.present(c, report, func(w io.Writer) { fmt.Fprint(w, report.Text()) }, rows)
}

func (t *terminal) dataHead(c *cli.Context) error {
	a, files, settings, err := t.lookAt(c)
	if err != nil {
		return err
	}
	sequences, err := data.Head(c.Context, a, files, settings, c.Int("n"), c.String("sequence"))
	if err != nil {
		return err
	}
	var rows []metrics.Row
	for _, s := range sequences {
		for _, column := range s.Columns {
			rows = append(rows, append(metrics.Row{{Name: "id", Value: s.ID}, {Name: "file", Value: s.File}, {Name: "row", Value: s.Row}, {Name: "steps", Value: s.Steps}}, metrics.RowOf(column)...))
		}
	}
	return t.present(c, map[string]any{"schema": "curvestream.head/1", "sequences": sequences}, func(w io.Writer) { fmt.Fprint(w, data.HeadText(sequences)) }, rows)
}

func (t *terminal) dataStats(c *cli.Context) error {
	a, files, settings, err := t.lookAt(c)
	if err != nil {
		return err
	}
	report, err := data.Stats(c.Context, a, files, settings)
	if err != nil {
		return err
	}
	var rows []metrics.Row
	for _, column := range report.Columns {
		rows = append(rows, metrics.RowOf(column))
	}
	return t.present(c, report, func(w io.Writer) { fmt.Fprint(w, report.Text()) }, rows)
}

// dataValidate exits with 65 if the data are unusable, the report being on standard output.
func (t *terminal) dataValidate(c *cli.Context) error {
	a, files, settings, err := t.lookAt(c)
	if err != nil {
		return err
	}
	report, err := data.Validate(c.Context, a, files, settings, c.Int("max-errors"))
	if err != nil {
		return err
	}
	var rows []metrics.Row
	for _, p := range report.Problems {
		for _, example := range p.Examples {
			rows = append(rows, append(metrics.Row{{Name: "code", Value: p.Code}, {Name: "count", Value: p.Count}}, metrics.RowOf(example)...))
		}
	}
	if err := t.present(c, report, func(w io.Writer) { fmt.Fprint(w, report.Text()) }, rows); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return fault.New(fault.Data, "data.invalid", "%d kinds of flaws in the data; they are listed on standard output", len(report.Problems))
	}
	return nil
}
