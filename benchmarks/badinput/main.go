// Command badinput shows what a person sees who hands curvestream bad input: every malformed file beside the checkout, and a
// table of mistakes. For each: the exit code and the error. It exits with 1 if any case ends with code 0, with a crash, or
// without saying what to do.
//
//	go run ./benchmarks/badinput
//
// It leaves benchmarks/results/badinput.{json,md}.
package main

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"curvestream/benchmarks/internal/bench"
	"curvestream/ingest"
)

func main() {
	ingest.UseGrowingAllocator()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "badinput:", err)
		os.Exit(1)
	}
}

// A row is one mistake.
type row struct {
	Case  string `json:"case"`
	Args  string `json:"command"`
	Exit  int    `json:"exit"`
	Error string `json:"error"`
}

// A mistake is a call that must fail with the given exit code.
type mistake struct {
	name string
	args []string
	exit int
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "curvestream-badinput")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := bench.Build(ctx, dir)
	if err != nil {
		return err
	}
	if err := writeFiles(dir); err != nil {
		return err
	}
	var rows []row
	var wrong []string
	for _, m := range mistakes(dir) {
		r, complaint, err := try(ctx, p, m, dir)
		if err != nil {
			return err
		}
		rows = append(rows, r)
		if complaint != "" {
			wrong = append(wrong, m.name+": "+complaint)
		}
	}
	malformed, complaints, err := sweep(ctx, p, dir)
	if err != nil {
		return err
	}
	rows = append(rows, malformed...)
	wrong = append(wrong, complaints...)
	if err := bench.Write("badinput", "go run ./benchmarks/badinput", table(rows), rows); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d cases are not as they should be:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	return nil
}

func mistakes(dir string) []mistake {
	file := func(name string) string { return filepath.Join(dir, name) }
	train := func(more ...string) []string {
		return append([]string{"train", "--iterations", "1", "--run", file("run")}, more...)
	}
	return []mistake{
		{"unknown column", train("--data", file("good.parquet"), "--targets", "targt"), 65},
		{"ragged target", train("--data", file("ragged.parquet"), "--form", "each"), 65},
		{"NaN in the data", train("--data", file("nan.parquet")), 65},
		{"target outside the loss's range", train("--data", file("range.parquet"), "--loss", "logistic_cross_entropy"), 65},
		{"empty file", train("--data", file("empty.parquet")), 65},
		{"missing file", train("--data", file("missing.parquet")), 66},
		{"a file that is neither Parquet nor Arrow", train("--data", file("text.parquet")), 65},
		{"misspelt key", train("--data", file("good.parquet"), "-c", file("misspelt.yaml")), 78},
		{"misspelt flag", train("--data", file("good.parquet"), "--hiden", "5"), 64},
		{"misspelt command", []string{"trian", "--data", file("good.parquet")}, 64},
		{"misspelt task", []string{"gen", "additon", "-o", file("gen")}, 64},
		{"misspelt value", train("--data", file("good.parquet"), "--form", "lsat"), 64},
	}
}

// try runs one mistake and returns a complaint if it is not answered as it should be.
func try(ctx context.Context, p bench.Program, m mistake, dir string) (row, string, error) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	o, err := p.Run(limited, false, m.args...)
	if err != nil {
		return row{}, "", err
	}
	hide := strings.NewReplacer(dir+string(filepath.Separator), "")
	r := row{Case: m.name, Args: "curvestream " + hide.Replace(strings.Join(m.args, " ")), Exit: o.Exit, Error: hide.Replace(o.Stderr)}
	switch {
	case o.Exit != m.exit:
		return r, fmt.Sprintf("exit %d, want %d: %s", o.Exit, m.exit, o.Stderr), nil
	case strings.Contains(o.Stderr, "goroutine "):
		return r, "a stack trace", nil
	case o.Stdout != "":
		return r, "something on standard output", nil
	case !strings.Contains(o.Stderr, "fix: ") && !strings.Contains(o.Stderr, "did you mean"):
		return r, "no word of what to do", nil
	}
	return r, "", nil
}

// sweep validates every malformed file. A damaged file may still hold intact rows before the damage; it must be refused all
// the same.
func sweep(ctx context.Context, p bench.Program, dir string) (rows []row, wrong []string, err error) {
	root := filepath.Join("..", "shared", "data", "malformed")
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) == ".md" {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		o, err := p.Run(limited, false, "data", "validate", path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		r := row{Case: "malformed/" + filepath.ToSlash(name), Args: "curvestream data validate " + filepath.Base(path), Exit: o.Exit, Error: o.Stderr + o.Stdout}
		rows = append(rows, r)
		if (o.Exit != 65 && o.Exit != 66) || strings.Contains(o.Stderr, "goroutine ") {
			wrong = append(wrong, fmt.Sprintf("%s: exit %d: %s", r.Case, o.Exit, o.Stderr))
		}
		return nil
	})
	return rows, wrong, err
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| case | exit | what is said |\n|---|---|---|\n")
	for _, r := range rows {
		said := strings.TrimSpace(r.Error)
		if lines := strings.Split(said, "\n"); strings.HasPrefix(r.Case, "malformed/") && len(lines) > 2 {
			said = strings.Join(lines[:2], "\n")
		}
		said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "?")), " ")
		said = strings.ReplaceAll(said, "|", "\\|")
		if runes := []rune(said); len(runes) > 300 {
			said = string(runes[:300]) + " …"
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", r.Case, r.Exit, said)
	}
	return b.String()
}

// writeFiles makes the files of the mistakes: ten sequences of five steps each.
func writeFiles(dir string) error {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)},
		{Name: "target", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)},
	}, nil)
	for name, spoil := range map[string]func(i, t int, v float32) float32{
		"good.parquet":   nil,
		"ragged.parquet": nil,
		"nan.parquet":    func(i, t int, v float32) float32 { return pick(i == 7 && t == 2, float32(math.NaN()), v) },
		"range.parquet":  func(i, t int, v float32) float32 { return v },
	} {
		b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
		ids, x, target := b.Field(0).(*array.Int64Builder), b.Field(1).(*array.ListBuilder), b.Field(2).(*array.ListBuilder)
		for i := range 10 {
			ids.Append(int64(i))
			x.Append(true)
			target.Append(true)
			for t := range 5 {
				v := float32(t)
				if spoil != nil {
					v = spoil(i, t, v)
				}
				x.ValueBuilder().(*array.Float32Builder).Append(v)
				if name == "ragged.parquet" && i == 4 && t == 4 {
					continue
				}
				target.ValueBuilder().(*array.Float32Builder).Append(pick(name == "range.parquet" && i == 3, 1.5, 0.5))
			}
		}
		w, err := ingest.NewWriter(filepath.Join(dir, name), ingest.WriteOptions{Format: ingest.WriteParquet, Schema: schema})
		if err != nil {
			return err
		}
		if err := w.Write(b.NewRecord()); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{"empty.parquet": "", "text.parquet": "a,b\n1,2\n", "misspelt.yaml": "cg:\n  tol: 1e-4\n  maxx: 100\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func pick(yes bool, a, b float32) float32 {
	if yes {
		return a
	}
	return b
}
