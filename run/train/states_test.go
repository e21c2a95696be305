package train

import (
	"bytes"
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

// A run in little memory computes states again, and ends with the same parameters, bit for bit.
func TestMemoryDoesNotChangeBits(t *testing.T) {
	for _, test := range []struct {
		arch   string
		hidden int
	}{{"rnn", 100}, {"lstm", 20}} {
		var models [][]byte
		for _, memory := range []string{"1GiB", "16MiB"} {
			text := problem(test.arch, test.hidden, memory)
			f, err := DryRun(t.Context(), Options{Config: resolved(t, text), Run: filepath.Join(t.TempDir(), "r")})
			if err != nil {
				t.Fatal(err)
			}
			if little := memory == "16MiB"; (f.HiddenStates.RecomputedStates > 0) != little || (f.HiddenStates.Method != "full") != little {
				t.Errorf("%s in %s: %+v", test.arch, memory, f.HiddenStates)
			}
			run := filepath.Join(t.TempDir(), "run")
			if _, err := Run(t.Context(), Options{Config: resolved(t, text), Run: run}); err != nil {
				t.Fatal(err)
			}
			model, err := os.ReadFile(filepath.Join(run, "model", "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, model)
		}
		if !bytes.Equal(models[0], models[1]) {
			t.Errorf("%s: other parameters in less memory", test.arch)
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
	} {
		f, err := dry(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(f.String(), test.want) {
			t.Errorf("%q is not in\n%s", test.want, f)
		}
	}
	_, err := dry(problem("rnn", 1000, "16MiB"))
	var small *fault.Error
	if !errors.As(err, &small) || small.Code != "memory.too_small" || !strings.Contains(small.Hint, "--memory") {
		t.Fatalf("err = %v, want the memory that would do", err)
	}
	enough := strings.Fields(strings.SplitAfter(small.Hint, "--memory")[1])[0]
	if _, err := dry(problem("rnn", 1000, enough)); err != nil {
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
		if got := states(settings(t, test.text)); got.Budget != test.want || got.Uniform {
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
