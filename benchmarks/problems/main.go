// Command problems trains the fixed problems and the real files of the folders beside the checkout with the YAML files in
// this folder, and prints the traces beside those of other implementations (../shared/problems/README.md).
//
//	go run ./benchmarks/problems [-only autoencoder,adding30,japanese_vowels,japanese_vowels_long,jsb_chorales] [-recipes=false]
//
// On the first two it also runs all recipes until their last goal, and prints what each cost in products and gradients.
//
// It leaves benchmarks/results/problems.{json,md}.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"curvestream/benchmarks/internal/bench"
)

func main() {
	only := flag.String("only", strings.Join(names(), ","), "the problems to run")
	recipes := flag.Bool("recipes", true, "compare all recipes on the problems that have goals")
	flag.Parse()
	if err := run(context.Background(), strings.Split(*only, ","), *recipes); err != nil {
		fmt.Fprintln(os.Stderr, "problems:", err)
		os.Exit(1)
	}
}

// A problem is a YAML file in this folder, what is asked of it, and what others reached.
type problem struct {
	name   string
	test   string // evaluated after training, where not empty
	target string
	goals  []float64 // f that all recipes are compared by, falling; none where one recipe is run only
	peers  []peer
}

// A peer is a published trace: f after the given steps, and the products it took.
type peer struct {
	name  string
	f     map[int]float64
	total string
	// products it took until f was at or below a goal of the problem
	products map[float64]int
}

var problems = []problem{
	{name: "autoencoder", target: "f ≤ 135.6 within 12 steps and 461 products", goals: []float64{135.6, 127.6, 88.4, 78.21}, peers: []peer{
		{"Martens' code, empirical Fisher", map[int]float64{1: 397.72, 5: 198.28, 10: 155.62, 12: 135.60}, "461 products", map[float64]int{135.6: 461, 88.4: 1250, 78.21: 1550}},
		{"Martens' code, no preconditioner", map[int]float64{1: 402.55, 5: 198.08, 10: 169.87, 12: 145.29}, "487 products", nil},
		{"PyTorchHessianFree", map[int]float64{1: 403.13, 5: 203.43, 10: 176.84, 12: 158.93}, "479 products", nil},
		{"SciPy trust-krylov", nil, "127.6 after 394 products", map[float64]int{127.6: 394}},
	}},
	{name: "adding30", target: "f ≤ 6e-6 within 1,000 products", goals: []float64{1e-3, 1e-4, 3.1e-5, 6e-6}, peers: []peer{
		{"Sutskever's code", map[int]float64{4: 0.0236, 6: 8.5e-4, 10: 1.02e-4, 15: 3.1e-5, 25: 6e-6}, "1,382 products", map[float64]int{6e-6: 1382}},
		{"drasmuss/hessianfree, structural damping 0", map[int]float64{8: 0.01085}, "401 products", nil},
		{"PyTorchHessianFree over torch.nn.RNN", map[int]float64{8: 0.01254}, "116 products", nil},
	}},
	{name: "japanese_vowels", test: "../shared/data/japanese_vowels_test.parquet", target: "test accuracy ≥ 0.95"},
	{name: "japanese_vowels_long", test: "../shared/data/japanese_vowels_test.parquet", target: "test accuracy ≥ 0.95"},
	{name: "jsb_chorales", test: "../shared/data/jsb_chorales_test.parquet", target: "test negative log-likelihood a step ≤ 8.91", peers: []peer{
		{"plain RNN by Adam or SGD (Bai et al. 2018)", nil, "8.91 a step", nil},
	}},
}

func names() (all []string) {
	for _, p := range problems {
		all = append(all, p.name)
	}
	return all
}

// A result is what a problem gave.
type result struct {
	Problem    string           `json:"problem"`
	Target     string           `json:"target"`
	Iterations int              `json:"iterations"`
	Products   int              `json:"products"`
	F          float64          `json:"f"`
	Seconds    float64          `json:"seconds"`
	CPUSeconds float64          `json:"cpu_seconds"`
	PeakRSS    int64            `json:"peak_rss_bytes"`
	Test       map[string]any   `json:"test,omitempty"`
	Recipes    []contest        `json:"recipes,omitempty"`
	Trace      []map[string]any `json:"trace"`
}

func run(ctx context.Context, only []string, compare bool) error {
	dir, err := os.MkdirTemp("", "curvestream-problems")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := bench.Build(ctx, dir)
	if err != nil {
		return err
	}
	var results []result
	var text strings.Builder
	for _, name := range only {
		p, ok := find(name)
		if !ok {
			return fmt.Errorf("no problem %q; there are %s", name, strings.Join(names(), ", "))
		}
		r, err := solve(ctx, program, p, filepath.Join(dir, p.name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		text.WriteString(table(p, r))
		if compare && p.goals != nil {
			if r.Recipes, err = compete(ctx, program, p, dir); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			text.WriteString(contestTable(p, r.Recipes))
		}
		results = append(results, r)
	}
	return bench.Write("problems", "go run ./benchmarks/problems -only "+strings.Join(only, ","), text.String(), results)
}

func find(name string) (problem, bool) {
	for _, p := range problems {
		if p.name == name {
			return p, true
		}
	}
	return problem{}, false
}

// solve trains on a problem and evaluates the model.
func solve(ctx context.Context, program bench.Program, p problem, dir string) (result, error) {
	var end struct {
		Iterations, Products int
		Loss                 float64
	}
	o, err := program.JSON(ctx, true, &end, "train", "-c", filepath.Join("benchmarks", "problems", p.name+".yaml"), "--run", dir)
	if err != nil {
		return result{}, err
	}
	r := result{Problem: p.name, Target: p.target, Iterations: end.Iterations, Products: end.Products, F: end.Loss,
		Seconds: o.Seconds, CPUSeconds: o.CPUSeconds, PeakRSS: o.PeakRSS}
	if r.Trace, err = trace(dir); err != nil {
		return r, err
	}
	if p.test == "" {
		return r, nil
	}
	_, err = program.JSON(ctx, false, &r.Test, "eval", dir, "--data", p.test)
	delete(r.Test, "model") // places of this machine, gone at the end
	delete(r.Test, "parameters")
	return r, err
}

// trace returns f and the products up to each iteration.
func trace(run string) ([]map[string]any, error) {
	rows, err := bench.Metrics(run)
	if err != nil {
		return nil, err
	}
	var steps []map[string]any
	products := 0.0
	for _, row := range rows {
		products += bench.Number(row, "gv_products")
		steps = append(steps, map[string]any{"step": row["iter"], "f": row["f"], "products": products, "damping": row["damping"], "rho": row["rho"], "seconds": row["t"]})
	}
	return steps, nil
}

// table prints a problem's trace, ours and the peers'.
func table(p problem, r result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\nAsked: %s. Reached: f = %.6g after %d steps and %d products, %.1f s (%.1f CPU s), %.0f MB.",
		p.name, p.target, r.F, r.Iterations, r.Products, r.Seconds, r.CPUSeconds, float64(r.PeakRSS)/1e6)
	for _, key := range []string{"accuracy", "loss_per_step"} {
		if v, ok := r.Test[key].(float64); ok {
			fmt.Fprintf(&b, " Test %s %.4f.", strings.ReplaceAll(key, "_", " "), v)
		}
	}
	b.WriteString("\n\n| step | f | products |")
	for _, peer := range p.peers {
		fmt.Fprintf(&b, " %s (%s) |", peer.name, peer.total)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(p.peers)) + "\n")
	for i, row := range r.Trace {
		step := i + 1
		if step > 1 && step%5 != 0 && step != len(r.Trace) && !reported(p, step) {
			continue
		}
		fmt.Fprintf(&b, "| %d | %.6g | %.0f |", step, row["f"], row["products"])
		for _, peer := range p.peers {
			if f, ok := peer.f[step]; ok {
				fmt.Fprintf(&b, " %.6g |", f)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return b.String()
}

func reported(p problem, step int) bool {
	for _, peer := range p.peers {
		if _, ok := peer.f[step]; ok {
			return true
		}
	}
	return false
}
