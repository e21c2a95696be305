package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/fault"
)

// commonFlags are those of every command. They are made anew because package cli keeps state in them.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object", DisableDefaultText: true},
		&cli.StringFlag{Name: "progress", Usage: "auto, live, lines, json or none", Value: "auto"},
		&cli.StringFlag{Name: "color", Usage: "auto, always or never", Value: "auto"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "errors only", DisableDefaultText: true},
	}
}

// configFlags are those that choose where settings come from.
func configFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "config", Aliases: []string{"c"}, Usage: "a configuration `FILE`; the last one given is the strongest"},
		&cli.StringFlag{Name: "recipe", Usage: "start from a named set of settings: " + strings.Join(config.Recipes(), ", ")},
		&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` of any setting, the value in YAML"},
	}
}

// settingFlags makes a flag of each setting whose key is wanted.
func settingFlags(wanted func(key string) bool) []cli.Flag {
	var flags []cli.Flag
	defaults := config.Resolved{Config: config.Default()}
	for _, s := range config.Table {
		if !wanted(s.Key) {
			continue
		}
		group, _, nested := strings.Cut(s.Key, ".")
		if !nested {
			group = "run"
		}
		var short []string
		if s.Key == "threads" {
			short = []string{"j"}
		}
		value := defaults.Value(s.Key)
		switch value {
		case "[]", "{}", `""`:
			value = ""
		}
		switch {
		case s.IsBool():
			flags = append(flags, &cli.BoolFlag{Name: s.Flag(), Usage: s.Doc, Category: group, DefaultText: value})
		case s.IsList():
			flags = append(flags, &cli.StringSliceFlag{Name: s.Flag(), Usage: s.Doc, Category: group, DefaultText: value})
		default:
			flags = append(flags, &cli.StringFlag{Name: s.Flag(), Aliases: short, Usage: s.Doc, Category: group, DefaultText: value})
		}
	}
	return flags
}

func everySetting(string) bool { return true }

func underKeys(prefixes ...string) func(string) bool {
	return func(key string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return key == p || strings.HasPrefix(key, p+".") })
	}
}

// assignments collects what flags and --set say.
func assignments(c *cli.Context) ([]config.Assignment, error) {
	var out []config.Assignment
	for _, s := range config.Table {
		if !c.IsSet(s.Flag()) {
			continue
		}
		a := config.Assignment{Key: s.Key, Origin: "--" + s.Flag()}
		switch {
		case s.IsBool():
			a.Value = strconv.FormatBool(c.Bool(s.Flag()))
		case s.IsList():
			a.Value = listValue(s, c.StringSlice(s.Flag()))
		default:
			a.Value = c.String(s.Flag())
		}
		out = append(out, a)
	}
	for _, text := range c.StringSlice("set") {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fault.New(fault.Usage, "usage.wrong_value", "--set %s: want key=value", text)
		}
		out = append(out, config.Assignment{Key: strings.TrimSpace(key), Value: value, Origin: "--set"})
	}
	return out, nil
}

// listValue writes the values of a flag that may be repeated as one. File names stay whole, other values split at commas.
func listValue(s config.Setting, values []string) string {
	if s.Key == "data.train" || s.Key == "data.valid" {
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = strconv.Quote(v)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return strings.Join(values, ",")
}

// settings resolves the settings of a command.
func (t *terminal) settings(c *cli.Context) (*config.Resolved, error) {
	flags, err := assignments(c)
	if err != nil {
		return nil, err
	}
	files := c.StringSlice("config")
	if from := t.env("CURVESTREAM_CONFIG"); from != "" {
		files = append([]string{from}, files...)
	}
	r, err := config.Load(config.Sources{Recipe: c.String("recipe"), Files: files, Env: t.env, Flags: flags})
	if err != nil {
		return nil, err
	}
	return r, r.Validate()
}

// noArguments refuses positional arguments.
func noArguments(c *cli.Context) error {
	if c.NArg() == 0 {
		return nil
	}
	e := fault.New(fault.Usage, "usage.extra_argument", "%s takes no argument, got %q", c.Command.HelpName, c.Args().First())
	if strings.Contains(c.Args().First(), ".") {
		e = e.Fix("data are given by --data FILE, settings by -c FILE")
	}
	return e
}

// oneArgument returns the only positional argument.
func oneArgument(c *cli.Context, what string) (string, error) {
	switch c.NArg() {
	case 1:
		return c.Args().First(), nil
	case 0:
		return "", fault.New(fault.Usage, "usage.missing_argument", "%s needs %s", c.Command.HelpName, what)
	}
	return "", fault.New(fault.Usage, "usage.extra_argument", "%s takes one argument, %s; the second one is %q", c.Command.HelpName, what, c.Args().Get(1))
}
