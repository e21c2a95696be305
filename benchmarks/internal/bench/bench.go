// Package bench is what the commands under benchmarks/ share: they drive the built program as a user would, read what it
// wrote, and leave JSON and a Markdown table under benchmarks/results.
package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Main runs a command under a context that ends when the person at the terminal interrupts it, and exits.
func Main(name string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx)
	if ctx.Err() != nil {
		err = errors.New("interrupted; the same command goes on")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// A Program is a built curvestream.
type Program struct {
	Path string
	Root string // the module's root, where it is run
}

// Build builds cmd/curvestream into dir. It is called from the module's root.
func Build(ctx context.Context, dir string) (Program, error) {
	root, err := os.Getwd()
	if err != nil {
		return Program{}, err
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", "curvestream")); err != nil {
		return Program{}, fmt.Errorf("run this from the project's root: %w", err)
	}
	p := Program{Path: filepath.Join(dir, "curvestream"), Root: root}
	build := exec.CommandContext(ctx, "go", "build", "-o", p.Path, "./cmd/curvestream")
	if out, err := build.CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return p, nil
}

// An Outcome is what one call of the program gave.
type Outcome struct {
	Stdout, Stderr string
	Exit           int
	Seconds        float64 // wall clock
	CPUSeconds     float64 // user and system
	PeakRSS        int64   // bytes
}

// Run calls the program with args, waits for it, and passes its standard error through when echo is set. An exit code is an
// outcome, not an error.
func (p Program) Run(ctx context.Context, echo bool, args ...string) (Outcome, error) {
	cmd := exec.CommandContext(ctx, p.Path, args...)
	cmd.Dir = p.Root
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the program saves and exits
	cmd.WaitDelay = time.Minute
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if echo {
		cmd.Stderr = io.MultiWriter(os.Stderr, &stderr)
	}
	start := time.Now()
	err := cmd.Run()
	o := Outcome{Stdout: stdout.String(), Stderr: stderr.String(), Seconds: time.Since(start).Seconds()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return o, err
	}
	o.Exit = cmd.ProcessState.ExitCode()
	o.CPUSeconds = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	o.PeakRSS = peakRSS(cmd.ProcessState)
	return o, nil
}

// JSON calls the program with args and --json, demands exit code 0, and decodes the object it prints into v.
func (p Program) JSON(ctx context.Context, echo bool, v any, args ...string) (Outcome, error) {
	o, err := p.Run(ctx, echo, append(args, "--json")...)
	if err != nil {
		return o, err
	}
	return o, o.decode(v, []int{0}, args)
}

// Decode does as JSON, its progress passed through, where other exit codes are answers too.
func (p Program) Decode(ctx context.Context, v any, exits []int, args ...string) (Outcome, error) {
	o, err := p.Run(ctx, true, append(args, "--json")...)
	if err != nil {
		return o, err
	}
	return o, o.decode(v, exits, args)
}

func (o Outcome) decode(v any, exits []int, args []string) error {
	if !slices.Contains(exits, o.Exit) {
		return fmt.Errorf("curvestream %s: exit %d: %s", strings.Join(args, " "), o.Exit, o.Stderr)
	}
	if err := json.Unmarshal([]byte(o.Stdout), v); err != nil {
		return fmt.Errorf("curvestream %s: %w in %q", strings.Join(args, " "), err, o.Stdout)
	}
	return nil
}

// Metrics reads the lines of a run's metrics.jsonl that report an HF iteration.
func Metrics(run string) ([]map[string]any, error) { return Events(run, "iter") }

// Events reads the lines of a run's metrics.jsonl that report an event of the given kind: iter, eval and others.
func Events(run, kind string) ([]map[string]any, error) {
	f, err := os.Open(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []map[string]any
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row map[string]any
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if row["event"] == kind {
			rows = append(rows, row)
		}
	}
	return rows, lines.Err()
}

// Number returns a row's number of the given key, or 0.
func Number(row map[string]any, key string) float64 {
	v, _ := row[key].(float64)
	return v
}

// Machine describes where a figure was measured.
func Machine() map[string]any {
	model := ""
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return map[string]any{"cpu": model, "threads": runtime.GOMAXPROCS(0), "go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH}
}

// Write leaves the results of a benchmark as benchmarks/results/NAME.json and NAME.md. The Markdown is also printed.
func Write(name, command, table string, rows any) error {
	dir := filepath.Join("benchmarks", "results")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	object := map[string]any{"command": command, "date": time.Now().UTC().Format("2006-01-02"), "machine": Machine(), "rows": rows}
	data, err := json.MarshalIndent(object, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	m := Machine()
	text := fmt.Sprintf("# %s\n\n`%s` on %v, %v threads, %v, %s.\n\n%s", name, command, m["cpu"], m["threads"], m["go"], object["date"], table)
	fmt.Print(text)
	return os.WriteFile(filepath.Join(dir, name+".md"), []byte(text), 0o644)
}
