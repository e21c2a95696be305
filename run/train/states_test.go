package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"curvestream/rnn"
	"curvestream/run/config"
	"curvestream/run/fault"
)

func resolved(t *testing.T, text string) *config.Resolved {
	t.Helper()
	r, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// problem returns the settings of a long problem of which memory holds the states of a product or not.
func problem(arch string, hidden int, memory string) string {
	return fmt.Sprintf(`
seed: 3
memory: %s
data: {train: ["gen:addition?length=200&seed=1"]}
model: {arch: %s, hidden: [%d]}
batch: {gradient: 100}
cg: {max: 2}
run: {iterations: 1}
`, memory, arch, hidden)
}

// A run in little memory computes states again or stores them, in one chunk or in several, and ends with the same parameters, bit for
// bit. Its directory says how.
func TestMemoryDoesNotChangeBits(t *testing.T) {
	for _, test := range []struct {
		arch   string
		hidden int
		batch  string
	}{{"rnn", 100, ""}, {"lstm", 20, ""}, {"rnn", 100, "batch: {gradient: 100, chunk_sequences: 34}\n"}} {
		var models [][]byte
		for _, v := range []struct {
			memory, store string
			again, copied bool
		}{
			{"1GiB", "", false, false},
			{"16MiB", "", true, false},
			{"16MiB", "store: {spill: 64MiB}\n", false, true},
		} {
			text := problem(test.arch, test.hidden, v.memory) + v.store
			if test.batch != "" {
				text = strings.Replace(text, "batch: {gradient: 100}\n", test.batch, 1)
			}
			run := filepath.Join(t.TempDir(), "run")
			if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
				t.Fatal(err)
			}
			plan, err := os.ReadFile(filepath.Join(run, "plan.json"))
			if err != nil {
				t.Fatal(err)
			}
			var f StateForecast
			if err := json.Unmarshal(plan, &f); err != nil {
				t.Fatal(err)
			}
			// Which of both is faster depends on the machine, and is not looked at.
			if moved := f.RecomputedStates+f.CopiedStates > 0; moved != (v.again || v.copied) || f.CopiedStates > 0 && !v.copied || f.Chunks > 1 != (test.batch != "") {
				t.Errorf("%s in %s, %s: %s", test.arch, v.memory, v.store, plan)
			}
			model, err := os.ReadFile(filepath.Join(run, "model", "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, model)
		}
		for i := range models {
			if !bytes.Equal(models[0], models[i]) {
				t.Errorf("%s, %s: other parameters in less memory (%d)", test.arch, test.batch, i)
			}
		}
	}
}

// A dry run says how states are kept, and refuses what cannot fit with the memory that would do.
func TestDryRunShowsTheSchedule(t *testing.T) {
	dry := func(text string) (*Forecast, error) {
		return DryRun(t.Context(), Options{Config: resolved(t, text), Run: filepath.Join(t.TempDir(), "r")})
	}
	for _, test := range []struct{ text, want string }{
		{problem("rnn", 10, "1GiB"), "all kept"},
		{problem("rnn", 100, "16MiB"), "schedule triangular"},
		{problem("lstm", 50, "16MiB"), "schedule revolve"},
		{problem("rnn", 10, "1GiB") + "states: uniform\n", "schedule uniform"},
		{problem("rnn", 100, "16MiB"), "a product"},
		{problem("rnn", 100, "64MiB") + "store: {device: 3MiB}\n", "blocks in memory, 0 in a file"},
		{problem("rnn", 100, "16MiB") + "store: {spill: 64MiB}\n", "GB/s to the file"},
	} {
		f, err := dry(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(f.String(), test.want) {
			t.Errorf("%q is not in\n%s", test.want, f)
		}
	}
	// There are no rows that are no time-step, and windows are said to be what they are, in sequences of different lengths.
	windows := strings.Replace(problem("rnn", 10, "1GiB"), "hidden: [10]", "hidden: [10], window: 50", 1)
	f, err := dry(windows)
	if err != nil {
		t.Fatal(err)
	}
	if f.Window != 50 || f.PaddedSteps != 0 || f.CurvSteps <= 100*200 || f.CurvSteps >= 100*220 {
		t.Errorf("windows of %d, %d of %d time-steps are padding", f.Window, f.PaddedSteps, f.CurvSteps)
	}
	for _, want := range []string{"windows           of 50 time-steps", "an approximation", fmt.Sprintf("padding           0 of the %d time-steps", f.CurvSteps)} {
		if !strings.Contains(f.String(), want) {
			t.Errorf("%q is not in\n%s", want, f)
		}
	}
	_, err = dry(problem("rnn", 100, "64MiB") + "store: {device: 100KiB}\n")
	if e := fault.Of(err); e.Code != "memory.too_small" || !strings.Contains(e.Hint, "store.device=") {
		t.Errorf("err = %v, want the store.device that would do", err)
	}
	_, err = dry(problem("rnn", 100, "16MiB") + "store: {spill: 1000TiB}\n")
	if e := fault.Of(err); e.Code != "memory.spill" || !strings.Contains(e.Message, "1099511627780096") {
		t.Errorf("err = %v, want that the disk is too small", err)
	}
	_, err = dry(problem("rnn", 500, "16MiB"))
	var small *fault.Error
	if !errors.As(err, &small) || small.Code != "memory.too_small" || !strings.Contains(small.Hint, "--memory") {
		t.Fatalf("err = %v, want the memory that would do", err)
	}
	enough := strings.Fields(strings.SplitAfter(small.Hint, "--memory")[1])[0]
	if _, err := dry(problem("rnn", 500, enough)); err != nil {
		t.Errorf("with --memory %s: %v", enough, err)
	}
}

// R{h} takes its part of the memory.
func TestStatesLeaveRoom(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
	}{
		{"memory: 800MiB\n", 300 << 20},
		{"memory: 800MiB\ndamping: {structural_mu: 0.1}\n", 150 << 20},
		{"memory: 800MiB\ncurvature: {kind: hessian}\n", 100 << 20},
		{"memory: 800MiB\ncg: {backtrack_by: model}\n", 150 << 20},
	} {
		if got := states(settings(t, test.text), nil); got.Budget != test.want || got.Uniform {
			t.Errorf("%q: %+v, want %d bytes", test.text, got, test.want)
		}
	}
}

func TestExplainStates(t *testing.T) {
	c := settings(t, "memory: 100MiB\n")
	e := fault.Of(explain(fmt.Errorf("objective: %w", &rnn.BudgetError{Have: 10, Need: 25, What: "a chunk", Fix: "make chunks smaller"}), c))
	if e.Code != "memory.too_small" || !strings.Contains(e.Hint, "--memory 251MiB") || !strings.Contains(e.Message, "100MiB") {
		t.Errorf("%+v", e)
	}
	if other := errors.New("other"); explain(other, c) != other || explain(nil, c) != nil {
		t.Error("another error is not left as it is")
	}
}
