package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/fault"
	"curvestream/run/metrics"
)

// formats are how commands print tables: as text for people, as one JSON object that holds more than the table, or row by row.
var formats = []string{"table", "json", "jsonl", "csv", "md"}

// formatFlag is the flag of commands that print a table.
func formatFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Usage: strings.Join(formats, ", ") + " (Markdown)", Value: "table"}
}

// checkFormat refuses what --format cannot be, before any work is done for it.
func (t *terminal) checkFormat(c *cli.Context) error {
	format := c.String("format")
	if !slices.Contains(formats, format) {
		return fault.New(fault.Usage, "usage.wrong_value", "--format %s: want one of %s%s", format, strings.Join(formats, ", "), config.DidYouMean(format, formats))
	}
	if t.json && c.IsSet("format") && format != "json" {
		return fault.New(fault.Usage, "usage.contradiction", "--json and --format %s ask for different formats", format).Fix("leave one of them out")
	}
	return nil
}

// present prints the result of a command in the format of --format: v as one JSON object, text for people, or the table's rows.
func (t *terminal) present(c *cli.Context, v any, text func(w io.Writer), rows []metrics.Row) error {
	var b bytes.Buffer
	var err error
	switch c.String("format") {
	case "jsonl":
		err = writeLines(&b, rows)
	case "csv":
		err = writeCSV(&b, rows)
	case "md":
		writeMarkdown(&b, rows)
	default:
		return t.answer(v, text)
	}
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return t.write(b.Bytes())
}

func writeLines(b *bytes.Buffer, rows []metrics.Row) error {
	for _, r := range rows {
		line, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	return nil
}

func writeCSV(b *bytes.Buffer, rows []metrics.Row) error {
	w := csv.NewWriter(b)
	names := headers(rows)
	if len(names) == 0 {
		return nil // no rows, no header: an empty line would be a row
	}
	if err := w.Write(names); err != nil {
		return err
	}
	for _, r := range rows {
		if err := w.Write(cells(r, names)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func writeMarkdown(b *bytes.Buffer, rows []metrics.Row) {
	names := headers(rows)
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, r := range rows {
		line := cells(r, names)
		for i, cell := range line {
			line[i] = escape.Replace(cell)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(line, " | "))
	}
}

// headers lists the names of all rows, in the order in which they come first.
func headers(rows []metrics.Row) (names []string) {
	for _, r := range rows {
		for _, f := range r {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// cells are the values of a row under the given names; what is absent or null is empty.
func cells(r metrics.Row, names []string) []string {
	out := make([]string, len(names))
	for _, f := range r {
		out[slices.Index(names, f.Name)] = cell(f.Value)
	}
	return out
}

// cell writes a value as JSON would, but texts as they are, and numbers that JSON does not have by their names.
func cell(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	switch {
	case err != nil:
		return fmt.Sprint(v)
	case string(text) == "null":
		return ""
	}
	return string(text)
}
