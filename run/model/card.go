package model

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"curvestream/ingest"
)

// A Card is what a model's README.md tells: front matter in YAML, as model hubs read it, and the same for people.
type Card struct {
	Name       string // of the run
	Version    string // of the program
	Spec       Spec
	Parameters int
	Iteration  int
	Train      []string // names of the data, of which the card shows the last element
	Valid      []string // none without validation data
	Sequences  int      // of the training data; -1 where they have no end
	Loss       *float64 // mean over the sequences of Valid, or without it f on the training data; nil before the first iteration
	Seed       uint64
}

// Markdown returns the content of README.md.
func (c Card) Markdown() []byte {
	var b strings.Builder
	set, where := c.Train, "training data"
	if len(c.Valid) > 0 {
		set, where = c.Valid, "validation data"
	}
	fmt.Fprintf(&b, "---\nlibrary_name: curvestream\ntags:\n- hessian-free-optimization\n- %s\ndatasets:\n", c.Spec.Arch)
	for _, d := range Bases(c.Train) {
		fmt.Fprintf(&b, "- %s\n", strconv.Quote(d))
	}
	fmt.Fprintf(&b, "metrics:\n- %s\n", c.Spec.Loss)
	if c.Loss != nil {
		data := strconv.Quote(strings.Join(Bases(set), ", "))
		fmt.Fprintf(&b, "model-index:\n- name: %s\n  results:\n  - task:\n      type: %s\n    dataset:\n      name: %s\n      type: %s\n    metrics:\n    - type: %s\n      value: %g\n",
			strconv.Quote(c.Name), task(c.Spec), data, data, c.Spec.Loss, *c.Loss)
	}
	fmt.Fprintf(&b, "---\n\n# %s\n\n%s, trained by Hessian-free optimization with curvestream %s.\n\n| | |\n|---|---|\n", c.Name, describe(c.Spec), c.Version)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, fmt.Sprintf(format, args...))
	}
	row("parameters", "%d, %s", c.Parameters, c.Spec.DType)
	row("inputs", "%s", encodings(c.Spec.Encoding.Inputs, c.Spec.Encoding.Static))
	if targets := c.Spec.Encoding.Targets; len(targets) > 0 {
		row("targets", "%s (%s)", encodings(targets), c.Spec.Encoding.Form)
	} else {
		row("targets", "the inputs of the next step")
	}
	row("training data", "%s, %s sequences", strings.Join(Bases(c.Train), ", "), count(c.Sequences))
	row("iteration", "%d", c.Iteration)
	if c.Loss != nil {
		row(c.Spec.Loss+" on the "+where, "%.6g", *c.Loss)
	}
	row("seed", "%d", c.Seed)
	b.WriteString("\n`model.safetensors` has the parameters by name, `model.json` the net and how columns become inputs and targets.\n\n" +
		"    curvestream eval . --data FILE\n    curvestream predict . --data FILE -o predictions.parquet\n")
	return []byte(b.String())
}

// Bases are names without folders: a card holds no path of the machine that it was made on.
func Bases(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n
		if !strings.HasPrefix(n, "gen:") {
			out[i] = filepath.Base(n)
		}
	}
	return out
}

func task(s Spec) string {
	if s.Loss == "softmax_cross_entropy" && s.Encoding.Form != "next" {
		return "sequence-classification"
	}
	if s.Encoding.Form == "next" {
		return "next-step-prediction"
	}
	return "sequence-regression"
}

func describe(s Spec) string {
	hidden := strings.ReplaceAll(strings.Trim(fmt.Sprint(s.Hidden), "[]"), " ", " and ")
	kind := fmt.Sprintf("A recurrent net with %s hidden %s units", hidden, s.Activation[0])
	if s.Arch != "rnn" {
		kind = fmt.Sprintf("A recurrent net (%s) with %s hidden units", s.Arch, hidden)
	}
	if s.Arch == "mlp" {
		kind = fmt.Sprintf("A feedforward net with hidden layers of %s units (%s)", hidden, strings.Join(s.Activation, ", "))
	}
	for _, part := range []struct {
		name  string
		units []int
	}{{"before", s.InputLayers}, {"after", s.OutputLayers}} {
		if len(part.units) > 0 {
			kind += fmt.Sprintf(", %s it feedforward layers of %s units (%s)", part.name, strings.ReplaceAll(strings.Trim(fmt.Sprint(part.units), "[]"), " ", " and "), s.LayerActivation)
		}
	}
	return fmt.Sprintf("%s, %d inputs and %d outputs", kind, s.In, s.Out)
}

func count(n int) string {
	if n < 0 {
		return "endless"
	}
	return strconv.Itoa(n)
}

func encodings(groups ...[]ingest.ColumnEncoding) string {
	var parts []string
	for _, group := range groups {
		for _, c := range group {
			parts = append(parts, fmt.Sprintf("`%s` (%s, %d wide)", c.Column, c.Kind, c.Width))
		}
	}
	return strings.Join(parts, ", ")
}
