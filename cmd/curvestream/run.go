package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"curvestream/run/data"
	"curvestream/run/fault"
)

// run is the program: args as the shell gives them, the exit status as it gets it back.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	data.UseGrowingAllocator()
	t := &terminal{argv: args, stdin: stdin, stdout: stdout, stderr: stderr, env: os.Getenv}
	app := newApp(t)
	ordered, err := arrange(app, args)
	if err == nil {
		t.json = has(ordered, "--json") || has(ordered, "--format=json")
		err = app.RunContext(ctx, ordered)
	} else {
		t.json = has(args, "--json")
	}
	return t.exit(err)
}

// A terminal is what a command talks to.
type terminal struct {
	argv           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	json           bool // --json was given
}

// exit reports an error and returns the exit status.
func (t *terminal) exit(err error) int {
	if err == nil {
		return 0
	}
	f := fault.Of(err)
	if f.Code == "io.pipe" && errors.Is(err, syscall.EPIPE) {
		return 0 // the reader has seen enough
	}
	fmt.Fprint(t.stderr, render(f))
	if t.json {
		_ = json.NewEncoder(t.stderr).Encode(map[string]any{"error": map[string]any{
			"code": f.Code, "exit": f.Exit, "message": f.Error(), "hint": f.Hint, "where": f.Where}})
	}
	return f.Exit
}

// render gives an error as a person sees it, the code at the end of the last line.
func render(f *fault.Error) string {
	text := "curvestream: " + f.Error()
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return fmt.Sprintf("%s%s[%s]\n", text, strings.Repeat(" ", max(2, 96-utf8.RuneCountInString(last))), f.Code)
}

// answer prints the result of a command: v as one JSON object with --json, else text.
func (t *terminal) answer(v any, text func(w io.Writer)) error {
	if !t.json {
		var b bytes.Buffer
		text(&b)
		return t.write(b.Bytes())
	}
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return t.write(append(line, '\n'))
}

func (t *terminal) write(text []byte) error {
	if _, err := t.stdout.Write(text); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

func has(args []string, flag string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if a == flag {
			return true
		}
	}
	return false
}

// newApp builds the tree of commands.
func newApp(t *terminal) *cli.App {
	app := &cli.App{
		Name:  "curvestream",
		Usage: "trains recurrent and feedforward nets on Parquet and Arrow sequence data by Hessian-free optimization",
		Description: "First steps:\n" +
			"  curvestream demo                                      everything, on a small problem, in a minute or two\n" +
			"  curvestream data inspect FILE                         what is in a file, and how it would be read\n" +
			"  curvestream train --data FILE --run runs/first        train; --valid-fraction 0.1 sets some sequences aside\n" +
			"  curvestream eval runs/first --data OTHER\n" +
			"  curvestream predict runs/first --data OTHER -o out.parquet\n\n" +
			"`curvestream COMMAND --help` lists flags; `curvestream config explain KEY` explains a setting.",
		Writer:                    t.stdout,
		ErrWriter:                 t.stderr,
		DisableSliceFlagSeparator: true, // --set a=[1,2]
		HideVersion:               true,
		HideHelpCommand:           true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Commands: []*cli.Command{
			trainCommand(t), resumeCommand(t), evalCommand(t), predictCommand(t), dataCommand(t), genCommand(t),
			checkCommand(t), doctorCommand(t), plotCommand(t), configCommand(t), benchCommand(t), demoCommand(t), versionCommand(t),
		},
	}
	for _, c := range app.Commands {
		addCommon(c)
	}
	return app
}

// addCommon attaches the flags that every command has.
func addCommon(c *cli.Command) {
	c.HideHelpCommand = true
	for _, sub := range c.Subcommands {
		addCommon(sub)
	}
	if c.Subcommands == nil {
		c.Flags = append(c.Flags, commonFlags()...)
	}
}
