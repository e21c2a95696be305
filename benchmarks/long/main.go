// Command long measures what long sequences cost when memory does not hold their hidden states (section 7.1): how many states are
// computed again, how long products take, how much memory is used, beside PyTorch and JAX; and how a problem of 1,000 time-steps is solved.
//
//	go run ./benchmarks/long [-parts counts,ratio,memory,tiers,iteration,peers,addition,addition-hf] [-again] [-python FILE]
//
// Each part that is done is kept in benchmarks/results/long.json, and not done again without -again; long.md shows all that are there.
// The figures are of products on all processors: run it on a quiet machine. The first six parts take about ten minutes, addition
// as long on one core, addition-hf longer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"curvestream/benchmarks/internal/bench"
)

// options are what the command line says.
type options struct {
	parts  string
	again  bool
	python string
}

// A part is one group of measurements. It gives rows for JSON, and a table.
type part struct {
	name    string
	measure func(ctx context.Context, o options) (any, string, error)
}

var parts = []part{{"counts", counts}, {"ratio", ratio}, {"memory", memory}, {"tiers", tiers}, {"iteration", iteration}, {"peers", peers},
	{"addition", additionGRU}, {"addition-hf", additionHF}}

func names() (all []string) {
	for _, p := range parts {
		all = append(all, p.name)
	}
	return all
}

func main() {
	var o options
	child := flag.String("child", "", "measure one problem, given as JSON, and print what comes out; used by this command itself")
	flag.StringVar(&o.parts, "parts", "", "parts to do, with commas between them; empty: all")
	flag.BoolVar(&o.again, "again", false, "do parts again that are done")
	flag.StringVar(&o.python, "python", filepath.FromSlash("benchmarks/local/peers/bin/python"), "the Python of benchmarks/peers")
	flag.Parse()
	bench.Main("long", func(ctx context.Context) error {
		if *child != "" {
			return serve(ctx, *child)
		}
		return run(ctx, o)
	})
}

// A record is a part that is done.
type record struct {
	Done    string          `json:"done"` // when
	Seconds float64         `json:"seconds"`
	Rows    json.RawMessage `json:"rows"`
	Table   string          `json:"table"`
}

// long.json.
type results struct {
	Command string            `json:"command"`
	Machine map[string]any    `json:"machine"`
	Threads int               `json:"threads"`
	Parts   map[string]record `json:"parts"`
}

var (
	jsonFile = filepath.Join("benchmarks", "results", "long.json")
	textFile = filepath.Join("benchmarks", "results", "long.md")
)

func run(ctx context.Context, o options) error {
	r, err := load()
	if err != nil {
		return err
	}
	wanted := bench.Words(o.parts)
	for _, name := range wanted {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q: use some of %s", name, strings.Join(names(), ", "))
		}
	}
	for _, p := range parts {
		if _, done := r.Parts[p.name]; len(wanted) > 0 && !slices.Contains(wanted, p.name) || done && !o.again {
			continue
		}
		fmt.Printf("%s …\n", p.name)
		start := time.Now()
		rows, table, err := p.measure(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		text, err := json.Marshal(rows)
		if err != nil {
			return err
		}
		r.Parts[p.name] = record{Done: time.Now().UTC().Format(time.RFC3339), Seconds: time.Since(start).Seconds(), Rows: text, Table: table}
		if err := r.save(); err != nil {
			return err
		}
		fmt.Println(table)
	}
	return nil
}

func load() (results, error) {
	r := results{Parts: map[string]record{}}
	text, err := os.ReadFile(jsonFile)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("reading %s: %w", jsonFile, err)
	}
	r.Command, r.Machine, r.Threads = "go run ./benchmarks/long", bench.Machine(), runtime.NumCPU()
	return r, nil
}

func (r results) save() error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(jsonFile, append(text, '\n'), 0o644); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Long sequences\n\n`%s`, %v, %d threads\n", r.Command, r.Machine["cpu"], r.Threads)
	for _, p := range parts {
		if done, ok := r.Parts[p.name]; ok {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\nDone %s, in %.0f s.\n", p.name, strings.TrimSpace(done.Table), done.Done, done.Seconds)
		}
	}
	return os.WriteFile(textFile, []byte(b.String()), 0o644)
}
