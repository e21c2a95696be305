package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/data"
	"curvestream/run/fault"
)

// copyCommands are the data commands that write: copies of data, and digests.
func copyCommands(t *terminal) []*cli.Command {
	overwrite := &cli.BoolFlag{Name: "overwrite", Usage: "replace a file that exists"}
	digests := &cli.StringFlag{Name: "manifest", Usage: "verify what is read against `FILE`, written by data manifest (default: " + data.DigestsName + " beside the data, if it is there)"}
	return []*cli.Command{
		{Name: "convert", Usage: "a copy in another format or compression, or with row groups of another size", ArgsUsage: "FILE...", Action: t.dataConvert, Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.parquet, .arrow, .jsonl, or - for an Arrow stream on standard output"},
			&cli.StringFlag{Name: "format", Usage: "parquet, arrow or jsonl (default: by the name)"},
			&cli.StringFlag{Name: "compression", Usage: "Parquet: zstd, snappy, gzip, none; Arrow: lz4, zstd, none (default: the first)"},
			&cli.IntFlag{Name: "row-group-rows", Usage: "rows of a row group or record batch", Value: 4096},
			digests, overwrite}},
		{Name: "manifest", Usage: "digests of all row groups: reading the data later verifies every byte that it uses", ArgsUsage: "FILE...", Action: t.dataManifest, Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FILE`.json (default: " + data.DigestsName + " beside the data)"},
			overwrite}},
	}
}

func (t *terminal) dataConvert(c *cli.Context) error {
	out, rows := c.String("out"), c.Int("row-group-rows")
	switch {
	case c.NArg() == 0:
		return fault.New(fault.Usage, "usage.missing_argument", "data convert needs a FILE, a folder, a glob, or -")
	case out == "":
		return fault.New(fault.Usage, "usage.missing_flag", "data convert needs -o FILE, with an ending .parquet, .arrow or .jsonl, or - for standard output")
	case rows < 1:
		return fault.New(fault.Usage, "usage.wrong_value", "--row-group-rows %d: at least 1", rows)
	}
	to := data.Copy{Path: out, Format: c.String("format"), Compression: c.String("compression"), RowGroupRows: rows, Overwrite: c.Bool("overwrite"),
		Digests: c.String("manifest"), Stdin: t.stdin, Stdout: t.stdout}
	done, err := data.Convert(c.Context, c.Args().Slice(), to)
	if err != nil || to.ToStdout() {
		return err
	}
	return t.answer(done, func(w io.Writer) {
		fmt.Fprintf(w, "%s   %s rows, %d columns\n", done.Path, thousands(float64(done.Rows)), done.Columns)
	})
}

func (t *terminal) dataManifest(c *cli.Context) error {
	if c.NArg() == 0 {
		return fault.New(fault.Usage, "usage.missing_argument", "data manifest needs a FILE, a folder or a glob")
	}
	path, files, units, err := data.Digest(c.Context, c.String("out"), c.Args().Slice(), c.Bool("overwrite"))
	if err != nil {
		return err
	}
	answer := map[string]any{"schema": "curvestream.manifest/1", "manifest": path, "files": files, "row_groups": units}
	return t.answer(answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s   digests of %s row groups in %s files\n", path, thousands(float64(units)), thousands(float64(files)))
	})
}
