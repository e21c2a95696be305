package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/run/config"
)

// techniques are arguments that switch something on, on the small addition problem, by the recipe or the technique that they show.
var techniques = map[string]string{
	"recipe rnn2011":      "--recipe rnn2011 --batch-gradient 200 --batch-curvature 50",
	"recipe long-range":   "--recipe long-range --batch-gradient 200 --batch-curvature 50",
	"recipe holdout":      "--recipe holdout --batch-gradient 200 --batch-curvature 60 --batch-held-out 40 --cg-watch 2 --cg-backtrack-every 2",
	"recipe momentum":     "--recipe momentum --batch-gradient 60 --batch-gradient-schedule 1:60,4:150 --cg-max-schedule 1:6,4:3",
	"recipe ksd":          "--recipe ksd --ksd-size 4 --batch-gradient 200 --batch-curvature 60 --batch-held-out 40",
	"recipe trust-region": "--recipe trust-region",

	"diagonal damping":    "--damping-kind diagonal --damping-kappa-of-mean 0.1",
	"curvature damping":   "--damping-kind curvature",
	"scales":              "--damping-scale {W_xh:4,W_hh:2}",
	"unbiased diagonal":   "--precond-kind unbiased --precond-draws 2 --damping-structural-mu 0.1",
	"normal v":            "--precond-kind unbiased_normal --batch-gradient 100",
	"exact diagonal":      "--precond-kind exact",
	"Hessian":             "--curvature-kind hessian",
	"empirical Fisher":    "--curvature-kind fisher",
	"M on held-out data":  "--batch-gradient 200 --batch-held-out 40 --cg-backtrack-by model --cg-backtrack-batch held_out",
	"modest reduction":    "--batch-gradient 200 --batch-held-out 40 --lm-batch held_out --lm-modest",
	"growth by variance":  "--batch-gradient 30 --batch-growth-theta 0.3",
	"SGD":                 "--method-kind sgd --first-order-rate 1:0.02,5:0.01",
	"SGD, momentum given": "--method-kind sgd --first-order-momentum 1:0.9 --first-order-clip 1",
	"Adam":                "--method-kind adam --batch-gradient 100",
	"L-BFGS":              "--method-kind lbfgs --first-order-pairs 2",
	"decay switched off":  "--decay-schedule 1:0.01,4:0",
	"a floor of lambda":   "--damping-floor 1:0,4:3",
	"an annealed rate":    "--line-search-enabled=false --line-search-rate-schedule 1:1,5:0.5",
	"reduced max of CG":   "--cg-max-schedule 1:6,4:2",
	"logistic within L":   "--loss logistic_squared_error",
	"tanh within L":       "--loss tanh_squared_error --loss-curvature shift",
	"tanh within F":       "--output-activation tanh",
	"residual":            "--cg-residual 0.5 --cg-stop max",
	"bounds of lambda":    "--lm-min 0.9",
	"sampling error":      "--cg-stop byrd --cg-start zero --batch-curvature 50",
	"rejected at once":    "--curvature-kind hessian --cg-negative reject",
	"GLTR without P":      "--damping-kind trust_region --damping-trust-solver gltr --precond-kind none",
}

// Each technique trains, changes what comes out, and goes on after a resume with the bits of an uninterrupted run.
func TestTechniquesTrainAndResume(t *testing.T) {
	base := func(run, iterations string) []string {
		return []string{"train", "--data", filepath.Join(small(), "train.parquet"), "--run", run, "--seed", "5", "--hidden", "6", "--cg-max", "6",
			"--iterations", iterations, "-q"}
	}
	model := func(run string) []byte {
		text, err := os.ReadFile(filepath.Join(run, "model", "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	plain := filepath.Join(t.TempDir(), "plain")
	must(t, base(plain, "5")...)
	for name, args := range techniques {
		t.Run(name, func(t *testing.T) {
			whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
			must(t, append(base(whole, "5"), strings.Fields(args)...)...)
			must(t, append(base(parts, "3"), strings.Fields(args)...)...)
			must(t, "resume", parts, "--iterations", "5", "-q")
			if !slices.Equal(model(whole), model(parts)) {
				t.Error("the resumed run has other bits")
			}
			if slices.Equal(model(whole), model(plain)) {
				t.Error("the result is that of the defaults")
			}
			if _, f := iterations(t, whole); len(f) != 5 || f[4] > f[0] {
				t.Errorf("f is %v", f)
			}
		})
	}
}

// Every recipe is among those that are trained with, but that for flat data.
func TestEveryRecipeIsTried(t *testing.T) {
	for _, name := range config.Recipes() {
		if techniques["recipe "+name] == "" && name != "martens2010" {
			t.Errorf("%s is not", name)
		}
	}
}
