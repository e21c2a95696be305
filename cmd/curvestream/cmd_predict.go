package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/evaluate"
	"curvestream/run/fault"
)

// onlyGenerating are the flags that mean something with --generate alone.
var onlyGenerating = []string{"temperature", "seed", "prime", "samples"}

func predictCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "predict", Usage: "write what a model predicts, with the ids of the data, or generate sequences", ArgsUsage: "RUN|MODEL",
		Flags: append(applyFlags(),
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.parquet, .arrow, .jsonl, or - for an Arrow stream on standard output; with --generate .csv and .txt too, and none for text on standard output"},
			&cli.StringSliceFlag{Name: "keep-cols", Usage: "`COLUMNS` of the data to copy to the output, with commas"},
			&cli.StringFlag{Name: "format", Usage: "parquet, arrow or jsonl, with --generate csv or txt too (default: by the name)"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a file that exists"},
			&cli.IntFlag{Name: "generate", Usage: "let a next-step model go on by itself for `N` time-steps, after the sequences of --data or after --prime", Category: "generation"},
			&cli.Float64Flag{Name: "temperature", Usage: "divides log-odds before a value is drawn: 0 takes the most likely values, 1 draws as predicted", Value: 1, Category: "generation"},
			&cli.Uint64Flag{Name: "seed", Usage: "decides what is drawn", Category: "generation"},
			&cli.StringFlag{Name: "prime", Usage: "what sequences begin with: a text for characters; else time-steps with ; between them, of a category, of active indices (60,64;62) or of numbers", Category: "generation"},
			&cli.IntFlag{Name: "samples", Usage: "sequences to generate, without --data", Value: 1, Category: "generation"}),
		Action: t.predict,
	}
}

func (t *terminal) predict(c *cli.Context) error {
	if c.IsSet("generate") {
		return t.generate(c)
	}
	for _, name := range onlyGenerating {
		if c.IsSet(name) {
			return fault.New(fault.Usage, "usage.missing_flag", "--%s is for generating sequences", name).Fix("--generate N")
		}
	}
	o, err := t.application(c, false)
	if err != nil {
		return err
	}
	out := c.String("out")
	if out == "" {
		return fault.New(fault.Usage, "usage.missing_flag", "predict needs -o FILE, with an ending .parquet, .arrow or .jsonl, or - for standard output")
	}
	for _, names := range c.StringSlice("keep-cols") {
		o.Keep = append(o.Keep, strings.Split(names, ",")...)
	}
	p, err := evaluate.Predict(c.Context, o, t.destination(c))
	if err != nil || out == "-" {
		return err
	}
	return t.answer(p, func(w io.Writer) {
		fmt.Fprintf(w, "%s   %s sequences, columns %v\n", p.Output, thousands(float64(p.Sequences)), p.Columns)
	})
}

func (t *terminal) destination(c *cli.Context) evaluate.Destination {
	return evaluate.Destination{Path: c.String("out"), Format: c.String("format"), Overwrite: c.Bool("overwrite"), Stdout: t.stdout}
}

// generate lets a model go on by itself.
func (t *terminal) generate(c *cli.Context) error {
	o, err := t.application(c, true)
	if err != nil {
		return err
	}
	if c.IsSet("keep-cols") {
		return fault.New(fault.Usage, "usage.contradiction", "--keep-cols copies columns of time-steps that there are, and --generate makes new ones").Fix("leave one of them out")
	}
	if c.IsSet("samples") && len(o.Data) > 0 {
		return fault.New(fault.Usage, "usage.contradiction", "--samples is for generating without data: of --data, each sequence is continued").Fix("leave one of them out")
	}
	g := evaluate.Generation{Steps: c.Int("generate"), Temperature: c.Float64("temperature"), Seed: c.Uint64("seed"), Prime: c.String("prime"), Samples: c.Int("samples")}
	to := t.destination(c)
	if to.Path == "" && t.json {
		return fault.New(fault.Usage, "usage.missing_flag", "--json reports on what was written to a file").Fix("-o FILE, with an ending .parquet, .arrow, .jsonl, .csv or .txt")
	}
	r, err := evaluate.Generate(c.Context, o, g, to)
	if err != nil || to.Path == "-" || to.Path == "" {
		return err
	}
	return t.answer(r, func(w io.Writer) {
		fmt.Fprintf(w, "%s   %s sequences of %s time-steps after %s, columns %v\n", r.Output, thousands(float64(r.Sequences)), thousands(float64(r.Steps)), r.Start, r.Columns)
	})
}
