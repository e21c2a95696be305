package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"curvestream/run/config"
	"curvestream/run/fault"
)

// arrange puts arguments in the order that package cli understands, which takes flags after the first positional argument
// for positionals: program, command, flags, "--", positionals. It refuses what is misspelt, with the nearest name there is.
// "--no-x" becomes "--x=false". Common flags may also stand before the command.
func arrange(app *cli.App, args []string) ([]string, error) {
	a := arrangement{commands: app.Commands, flags: commonFlags(), seen: map[string]bool{}}
	rest := args[1:]
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		switch {
		case word == "--":
			a.positional = append(a.positional, rest...)
			rest = nil
		case !isFlag(word):
			if err := a.word(word); err != nil {
				return nil, err
			}
		default:
			var err error
			if rest, err = a.flag(word, rest); err != nil {
				return nil, err
			}
		}
	}
	if err := a.complete(); err != nil {
		return nil, err
	}
	out := append([]string{args[0]}, a.path...)
	out = append(out, a.options...)
	if len(a.positional) > 0 {
		out = append(append(out, "--"), a.positional...)
	}
	return out, nil
}

// An arrangement is what has been understood of a command line so far.
type arrangement struct {
	path       []string // of commands
	commands   []*cli.Command
	flags      []cli.Flag // known at this point
	options    []string
	positional []string
	seen       map[string]bool
	help       bool
	version    bool
}

// isFlag reports whether a word is a flag: "-" and negative numbers are not.
func isFlag(word string) bool {
	if !strings.HasPrefix(word, "-") || word == "-" {
		return false
	}
	_, err := strconv.ParseFloat(word, 64)
	return err != nil
}

// word takes a word that is not a flag: a command, as long as there are commands to choose from, or a positional argument.
func (a *arrangement) word(word string) error {
	if a.commands == nil {
		a.positional = append(a.positional, word)
		return nil
	}
	for _, c := range a.commands {
		if c.Name == word {
			a.path = append(a.path, word)
			a.commands, a.flags = c.Subcommands, append(a.flags, c.Flags...)
			return nil
		}
	}
	e := fault.New(fault.Usage, "usage.unknown_command", "unknown command %q%s", strings.Join(append(a.path, word), " "), config.DidYouMean(word, names(a.commands)))
	return e.Fix("`curvestream %s--help` lists the commands", strings.Join(append(slices.Clone(a.path), ""), " "))
}

func names(commands []*cli.Command) []string {
	out := make([]string, len(commands))
	for i, c := range commands {
		out[i] = c.Name
	}
	return out
}

// flag takes a flag, with its value where it has one, and returns what is left.
func (a *arrangement) flag(word string, rest []string) ([]string, error) {
	name, value, inline := strings.Cut(strings.TrimLeft(word, "-"), "=")
	switch {
	case name == "help" || name == "h":
		a.help = true
		a.options = append(a.options, "--help")
		return rest, nil
	case name == "version" && len(a.path) == 0:
		a.version = true
		return rest, nil
	}
	f := a.find(name)
	if f == nil {
		if positive, ok := strings.CutPrefix(name, "no-"); ok && !inline {
			if f := a.find(positive); f != nil && !takesValue(f) {
				return rest, a.add(f, "--"+f.Names()[0]+"=false")
			}
		}
		e := fault.New(fault.Usage, "usage.unknown_flag", "unknown flag %s%s", word, a.nearest(name))
		return nil, e.Fix("`curvestream %s--help` lists the flags", strings.Join(append(slices.Clone(a.path), ""), " "))
	}
	if !takesValue(f) {
		if inline {
			if value != "true" && value != "false" {
				return nil, fault.New(fault.Usage, "usage.wrong_value", "--%s takes true or false, got %q", f.Names()[0], value)
			}
			return rest, a.add(f, "--"+f.Names()[0]+"="+value)
		}
		return rest, a.add(f, "--"+f.Names()[0])
	}
	if !inline {
		if len(rest) == 0 || rest[0] == "--" || isFlag(rest[0]) {
			return nil, fault.New(fault.Usage, "usage.missing_value", "%s needs a value", word)
		}
		value, rest = rest[0], rest[1:]
	}
	return rest, a.add(f, "--"+f.Names()[0]+"="+value)
}

// add appends an option, unless it is a repeated one of those that may stand once. A switch may be repeated.
func (a *arrangement) add(f cli.Flag, option string) error {
	name := f.Names()[0]
	if !takesValue(f) && slices.Contains(a.options, option) {
		return nil
	}
	if _, many := f.(*cli.StringSliceFlag); a.seen[name] && !many {
		return fault.New(fault.Usage, "usage.repeated_flag", "--%s is given twice", name)
	}
	a.seen[name] = true
	a.options = append(a.options, option)
	return nil
}

func (a *arrangement) find(name string) cli.Flag {
	for _, f := range a.flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func (a *arrangement) nearest(name string) string {
	var known []string
	for _, f := range a.flags {
		known = append(known, f.Names()[0])
	}
	for _, key := range config.Keys() { // --max for cg.max
		if s, _ := config.Find(key); strings.HasSuffix(s.Flag(), "-"+name) && slices.Contains(known, s.Flag()) {
			return "; did you mean --" + s.Flag() + "?"
		}
	}
	if near := config.Nearest(name, known); near != "" {
		return "; did you mean --" + near + "?"
	}
	return ""
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// complete checks that a command was named, where one must be.
func (a *arrangement) complete() error {
	if a.version {
		a.path = []string{"version"}
		return nil
	}
	if a.commands != nil && !a.help {
		where := "curvestream"
		if len(a.path) > 0 {
			where += " " + strings.Join(a.path, " ")
		}
		return fault.New(fault.Usage, "usage.no_command", "%s needs a command: %s", where, strings.Join(names(a.commands), ", ")).
			Fix("`curvestream demo` shows everything on a small problem; `curvestream --help` tells more")
	}
	return nil
}
