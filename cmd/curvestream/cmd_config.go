package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/metrics"
)

func configCommand(t *terminal) *cli.Command {
	return &cli.Command{Name: "config", Usage: "show, check and explain settings", Subcommands: []*cli.Command{
		{
			Name: "show", Usage: "all settings with their values, as a file that -c reads",
			Flags: append(append(configFlags(), settingFlags(everySetting)...),
				formatFlag(), &cli.BoolFlag{Name: "origin", Usage: "say where each value came from"}),
			Action: t.configShow,
		},
		{
			Name: "validate", Usage: "check configuration files", ArgsUsage: "[FILE]...",
			Flags:  append(configFlags(), settingFlags(everySetting)...),
			Action: t.configValidate,
		},
		{Name: "schema", Usage: "the JSON Schema of a configuration file", Action: t.configSchema},
		{Name: "explain", Usage: "type, default, meaning and place in the report of a setting", ArgsUsage: "KEY", Action: t.configExplain},
	}}
}

func (t *terminal) configShow(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if err := t.checkFormat(c); err != nil {
		return err
	}
	r, err := t.settings(c)
	if err != nil {
		return err
	}
	values := map[string]any{}
	var rows []metrics.Row
	for _, key := range config.Keys() {
		values[key] = map[string]string{"value": r.Value(key), "origin": r.Origin(key)}
		rows = append(rows, metrics.Row{{Name: "key", Value: key}, {Name: "value", Value: r.Value(key)}, {Name: "origin", Value: r.Origin(key)}})
	}
	return t.present(c, map[string]any{"schema": "curvestream.config/1", "settings": values}, func(w io.Writer) {
		fmt.Fprint(w, r.YAML(c.Bool("origin")))
	}, rows)
}

func (t *terminal) configValidate(c *cli.Context) error {
	for _, file := range c.Args().Slice() {
		if err := c.Set("config", file); err != nil {
			return err
		}
	}
	if _, err := t.settings(c); err != nil {
		return err
	}
	return t.answer(map[string]any{"ok": true}, func(w io.Writer) { fmt.Fprintln(w, "valid") })
}

func (t *terminal) configSchema(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	text, err := config.Schema()
	if err != nil {
		return err
	}
	return t.answer(json.RawMessage(text), func(w io.Writer) { fmt.Fprintf(w, "%s\n", text) })
}

func (t *terminal) configExplain(c *cli.Context) error {
	key, err := oneArgument(c, "a KEY such as cg.max")
	if err != nil {
		return err
	}
	explanations, err := config.Explain(key)
	if err != nil {
		return err
	}
	return t.answer(map[string]any{"settings": explanations}, func(w io.Writer) {
		for i, e := range explanations {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprint(w, e)
		}
	})
}
