package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/data"
	"curvestream/run/fault"
)

// copyCommands are the data commands that write: copies of data, parts of them, and digests.
func copyCommands(t *terminal) []*cli.Command {
	overwrite := &cli.BoolFlag{Name: "overwrite", Usage: "replace a file that exists"}
	digests := &cli.StringFlag{Name: "manifest", Usage: "verify what is read against `FILE`, written by data manifest (default: " + data.DigestsName + " beside the data, if it is there)"}
	compression := &cli.StringFlag{Name: "compression", Usage: "Parquet: zstd, snappy, gzip, none; Arrow: lz4, zstd, none (default: the first)"}
	groups := &cli.IntFlag{Name: "row-group-rows", Usage: "rows of a row group or record batch", Value: 4096}
	flags := func(keys []string, more ...cli.Flag) []cli.Flag {
		keys = append(keys, "data.s3_endpoint", "data.s3_region", "data.remote_cache", "memory")
		return append(append(configFlags(), settingFlags(underKeys(keys...))...), more...)
	}
	return []*cli.Command{
		{Name: "convert", Usage: "a copy in another format or compression, with row groups of another size, or sorted", ArgsUsage: "FILE...", Action: t.dataConvert, Flags: flags(copiedKeys(),
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.parquet, .arrow, .jsonl, or - for an Arrow stream on standard output"},
			&cli.StringFlag{Name: "format", Usage: "parquet, arrow or jsonl (default: by the name)"},
			compression, groups,
			&cli.BoolFlag{Name: "sort", Usage: "in the order of sequences (--id) and their time-steps (--time), with no more than --memory", DisableDefaultText: true},
			&cli.StringFlag{Name: "working-copy", Usage: "instead of a file: the working copy in `DIR` that train --cache DIR makes and reads, of the same data and roles"},
			&cli.StringFlag{Name: "temp", Usage: "with --sort: the `DIR` for what does not fit (default: the system's for temporary files)"},
			digests, overwrite)},
		{Name: "split", Usage: "whole sequences into parts such as train and test, by a hash of their id", ArgsUsage: "FILE...", Action: t.dataSplit, Flags: flags([]string{"data.id", "data.layout", "seed"},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "the `DIR` for the parts' files"},
			&cli.StringFlag{Name: "parts", Usage: "`NAME=SHARE,...` of the parts, the shares summing to 1", Value: "train=0.8,valid=0.1,test=0.1"},
			&cli.StringFlag{Name: "format", Usage: "parquet or arrow", Value: "parquet"},
			compression, groups, digests, overwrite)},
		{Name: "text", Usage: "rows of so many characters of text files, UTF-8, as a net learns them", ArgsUsage: "FILE...", Action: t.dataText, Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.parquet, .arrow, .jsonl, or - for an Arrow stream on standard output"},
			&cli.StringFlag{Name: "format", Usage: "parquet, arrow or jsonl (default: by the name)"},
			&cli.IntFlag{Name: "length", Usage: "characters of a row", Value: 256},
			compression, groups, overwrite}},
		{Name: "manifest", Usage: "digests of all row groups: reading the data later verifies every byte that it uses", ArgsUsage: "FILE...", Action: t.dataManifest, Flags: flags(nil,
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.json (default: " + data.DigestsName + " beside the data)"},
			overwrite)},
	}
}

// copiedKeys are the settings on which a working copy depends; sorting goes by some of them.
func copiedKeys() []string {
	keys := []string{"model.loss", "seed"}
	for _, key := range config.Keys() {
		other := underKeys("data.train", "data.valid", "data.cache", "data.cache_compression", "data.manifest", "data.s3_endpoint", "data.s3_region", "data.remote_cache", "data.prefetch")
		if underKeys("data")(key) && !other(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// copying collects what a command copies and how.
func (t *terminal) copying(c *cli.Context) (data.Access, *config.Config, data.Copy, error) {
	rows := c.Int("row-group-rows")
	to := data.Copy{Path: c.String("out"), Format: c.String("format"), Compression: c.String("compression"), RowGroupRows: rows, Overwrite: c.Bool("overwrite"),
		Digests: c.String("manifest"), Stdout: t.stdout}
	a, settings, err := t.reading(c)
	if err == nil && rows < 1 {
		err = fault.New(fault.Usage, "usage.wrong_value", "--row-group-rows %d: at least 1", rows)
	}
	return a, settings, to, err
}

// reading collects how the files that a command names are read.
func (t *terminal) reading(c *cli.Context) (data.Access, *config.Config, error) {
	if c.NArg() == 0 {
		return data.Access{}, nil, fault.New(fault.Usage, "usage.missing_argument", "%s needs a FILE, a folder, a glob, a URL, or -", strings.TrimPrefix(c.Command.HelpName, "curvestream "))
	}
	r, err := t.settings(c)
	if err != nil {
		return data.Access{}, nil, err
	}
	return data.Access{Stdin: t.stdin, Remote: data.RemoteOf(&r.Config), Memory: int64(r.Memory)}, &r.Config, nil
}

func (t *terminal) dataConvert(c *cli.Context) error {
	a, settings, to, err := t.copying(c)
	if err != nil {
		return err
	}
	if c.IsSet("working-copy") {
		return t.makeWorkingCopy(c, a, settings, to)
	}
	if to.Path == "" {
		return fault.New(fault.Usage, "usage.missing_flag", "data convert needs -o FILE, with an ending .parquet, .arrow or .jsonl, or - for standard output; or --working-copy DIR")
	}
	if err := onlyForSorting(c); err != nil {
		return err
	}
	convert := func() (data.Converted, error) { return a.Convert(c.Context, c.Args().Slice(), to) }
	if c.Bool("sort") {
		convert = func() (data.Converted, error) {
			return a.Sort(c.Context, c.Args().Slice(), settings, c.String("temp"), to)
		}
	}
	done, err := convert()
	if err != nil || to.ToStdout() {
		return err
	}
	return t.answer(done, func(w io.Writer) {
		fmt.Fprintf(w, "%s   %s rows, %d columns\n", done.Path, thousands(float64(done.Rows)), done.Columns)
	})
}

// dataText cuts text files into sequences of characters.
func (t *terminal) dataText(c *cli.Context) error {
	to := data.Copy{Path: c.String("out"), Format: c.String("format"), Compression: c.String("compression"), RowGroupRows: c.Int("row-group-rows"),
		Overwrite: c.Bool("overwrite"), Stdout: t.stdout}
	switch {
	case c.NArg() == 0:
		return fault.New(fault.Usage, "usage.missing_argument", "data text needs a FILE")
	case to.Path == "":
		return fault.New(fault.Usage, "usage.missing_flag", "data text needs -o FILE, with an ending .parquet, .arrow or .jsonl, or - for standard output")
	case c.Int("length") < 2:
		return fault.New(fault.Usage, "usage.wrong_value", "--length %d: at least 2, since each character but the last has a next one", c.Int("length"))
	case to.RowGroupRows < 1:
		return fault.New(fault.Usage, "usage.wrong_value", "--row-group-rows %d: at least 1", to.RowGroupRows)
	}
	done, err := data.Text(c.Context, c.Args().Slice(), c.Int("length"), to)
	if err != nil || to.ToStdout() {
		return err
	}
	return t.answer(done, func(w io.Writer) {
		fmt.Fprintf(w, "%s   %s rows, %s characters, %d different\n", done.Path, thousands(float64(done.Rows)), thousands(float64(done.Characters)), done.Different)
	})
}

// onlyForSorting refuses flags that say nothing of a plain copy.
func onlyForSorting(c *cli.Context) error {
	sorting := []string{"temp"}
	for _, key := range copiedKeys() {
		s, _ := config.Find(key)
		switch key {
		case "data.id", "data.time", "data.layout":
			sorting = append(sorting, s.Flag())
		default:
			if c.IsSet(s.Flag()) {
				return fault.New(fault.Usage, "usage.missing_flag", "--%s is for working copies: a file holds all rows and columns", s.Flag()).Fix("--working-copy DIR, or leave it out")
			}
		}
	}
	for _, flag := range sorting {
		if c.IsSet(flag) && !c.Bool("sort") {
			return fault.New(fault.Usage, "usage.missing_flag", "--%s is for sorting", flag).Fix("--sort")
		}
	}
	return nil
}

// makeWorkingCopy makes what train --cache DIR makes while it reads the data for the first time.
func (t *terminal) makeWorkingCopy(c *cli.Context, a data.Access, settings *config.Config, to data.Copy) error {
	for _, flag := range []string{"out", "format", "sort", "temp", "row-group-rows", "overwrite"} {
		if c.IsSet(flag) {
			return fault.New(fault.Usage, "usage.wrong_value", "--%s and --working-copy cannot be given together: a working copy has a form of its own", flag).Fix("leave --%s out", flag)
		}
	}
	switch to.Compression {
	case "", "none", "lz4":
	default:
		return fault.New(fault.Usage, "usage.wrong_value", "--compression %s: a working copy has none or lz4", to.Compression)
	}
	done, err := a.WorkingCopy(c.Context, c.Args().Slice(), settings, c.String("working-copy"), to)
	if err != nil {
		return err
	}
	return t.answer(done, func(w io.Writer) {
		made := "was there already"
		if done.Made {
			made = "made"
		}
		fmt.Fprintf(w, "%s   %s: %s sequences, %s record batches, %s MB\n", done.Path, made, thousands(float64(done.Sequences)), thousands(float64(done.Units)), thousands(float64(done.Bytes/1e6)))
		for _, note := range done.Notes {
			fmt.Fprintln(w, note)
		}
	})
}

func (t *terminal) dataSplit(c *cli.Context) error {
	a, settings, to, err := t.copying(c)
	if err != nil {
		return err
	}
	if to.Path == "" {
		return fault.New(fault.Usage, "usage.missing_flag", "data split needs -o DIR")
	}
	parts, err := data.ParseParts(c.String("parts"))
	if err != nil {
		return err
	}
	seed := uint64(1)
	if settings.Seed.Given {
		seed = settings.Seed.Value
	}
	done, err := a.Split(c.Context, c.Args().Slice(), parts, seed, settings, to)
	if err != nil {
		return err
	}
	answer := map[string]any{"schema": "curvestream.split/1", "seed": seed, "parts": done}
	return t.answer(answer, func(w io.Writer) {
		for _, p := range done {
			fmt.Fprintf(w, "%s   %s rows, %s sequences\n", p.Path, thousands(float64(p.Rows)), thousands(float64(p.Groups)))
		}
	})
}

func (t *terminal) dataManifest(c *cli.Context) error {
	a, _, err := t.reading(c)
	if err != nil {
		return err
	}
	path, files, units, err := a.Digest(c.Context, c.String("out"), c.Args().Slice(), c.Bool("overwrite"))
	if err != nil {
		return err
	}
	answer := map[string]any{"schema": "curvestream.manifest/1", "manifest": path, "files": files, "row_groups": units}
	return t.answer(answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s   digests of %s row groups in %s files\n", path, thousands(float64(units)), thousands(float64(files)))
	})
}
