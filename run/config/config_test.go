package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"curvestream/run/fault"
)

func TestKeysAndFlagsAreUnique(t *testing.T) {
	keys, flags := map[string]bool{}, map[string]string{}
	for _, s := range Table {
		if keys[s.Key] {
			t.Errorf("key %s is there twice", s.Key)
		}
		keys[s.Key] = true
		if other, taken := flags[s.Flag()]; taken {
			t.Errorf("--%s means both %s and %s", s.Flag(), s.Key, other)
		}
		flags[s.Flag()] = s.Key
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: its documentation is not a sentence", s.Key)
		}
	}
}

func TestEveryFieldHasASetting(t *testing.T) {
	var c Config
	covered := map[any]bool{}
	for _, s := range Table {
		covered[s.at(&c)] = true
	}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if covered[v.Addr().Interface()] {
			return
		}
		if v.Kind() != reflect.Struct {
			t.Errorf("Config%s has no setting", path)
			return
		}
		for i := range v.NumField() {
			walk(v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	}
	walk(reflect.ValueOf(&c).Elem(), "")
}

func TestYAMLReadsBack(t *testing.T) {
	r, err := Load(Sources{Recipe: "rnn2011", Flags: []Assignment{
		{"data.train", "a, b/**/*.parquet", "--data"}, {"data.id", "no,true", "--id"}, {"model.hidden", "7", "--hidden"},
		{"data.encode", `{"p q": {kind: numeric, scale: [255]}, c: {kind: onehot, vocabulary: ["1", "x: y"]}}`, "--set"},
		{"seed", "18446744073709551615", "--seed"}, {"run.target_loss", "1e-3", "--target-loss"}, {"run.time_limit", "90m", "--time-limit"},
		{"memory", "1.5GiB", "--memory"}, {"checkpoint.every", "5it", "--checkpoint-every"}, {"model.init_from", "x y.safetensors", "--init-from"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, origins := range []bool{false, true} {
		again, err := Parse("config.yaml", []byte(r.YAML(origins)))
		if err != nil {
			t.Fatalf("%v\n%s", err, r.YAML(origins))
		}
		if d := Differences(&r.Config, &again.Config); d != nil {
			t.Errorf("not read back: %v\n%s", d, r.YAML(origins))
		}
	}
	if r.Seed.Value != 1<<64-1 || r.Data.Train[0] != "a, b/**/*.parquet" || len(r.Data.ID) != 2 || r.Data.Encode["c"].Vocabulary[1] != "x: y" {
		t.Errorf("values: %+v", r.Config)
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yaml")
	write(t, one, "threads: 1\ncg: {max: 10, tol: 1e-3}\ndamping:\n  init: 5\nlm:\n  adapt: false\n")
	write(t, two, "threads: 2\ncg:\n  max: 20\n")
	r, err := Load(Sources{Recipe: "martens2010", Files: []string{one, two}, Env: func(k string) string {
		return map[string]string{"CURVESTREAM_THREADS": "3"}[k]
	}, Flags: []Assignment{{"cg.max", "30", "--cg-max"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Infer("lm.adapt", true, "never"); err != nil || r.LM.Adapt {
		t.Errorf("inference overrode a file: %v", err)
	}
	if err := r.Infer("model.loss", "squared_error", "the target is a float"); err != nil {
		t.Error(err)
	}
	for key, want := range map[string][2]string{
		"cg.max": {"30", "--cg-max"}, "threads": {"3", "CURVESTREAM_THREADS"}, "cg.tol": {"0.001", one + ":2"},
		"damping.init": {"5", one + ":4"}, "precond.exponent": {"0.75", "recipe martens2010:18"}, "cg.refresh": {"0", "default"},
		"model.loss": {"squared_error", "inferred: the target is a float"},
	} {
		if r.Value(key) != want[0] || r.Origin(key) != want[1] {
			t.Errorf("%s = %s from %s, want %v", key, r.Value(key), r.Origin(key), want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestErrorsPointAtThePlace(t *testing.T) {
	cases := []struct {
		name, text, code string
		want             []string
	}{
		{"unknown key", "seed: 1\ncg:\n  tol: 1e-4\n  maxx: 100\n", "config.unknown_key", []string{`c.yaml:4:3: unknown key "cg.maxx"; did you mean "cg.max"?`, ">   4 |   maxx: 100", "^"}},
		{"unknown group", "cgg:\n  max: 1\n", "config.unknown_key", []string{`c.yaml:1:1: unknown key "cgg"`}},
		{"duplicate", "cg:\n  max: 1\n  max: 2\n", "config.", []string{"c.yaml:3:"}},
		{"group twice", "cg:\n  max: 1\nseed: 3\ncg:\n  max: 2\n", "config.", []string{"c.yaml:4:"}},
		{"tab", "cg:\n\tmax: 1\n", "config.syntax", []string{"c.yaml:2:"}},
		{"no for a bool", "model:\n  biases: no\n", "config.wrong_value", []string{"c.yaml:2:", "model.biases", "want true or false", `"no"`}},
		{"text for a number", "cg:\n  max: many\n", "config.wrong_value", []string{"want a whole number", `"many"`}},
		{"fraction for a whole number", "cg:\n  max: 1.5\n", "config.wrong_value", []string{"want a whole number", "1.5"}},
		{"word", "model:\n  activation: [tanh, rellu]\n", "config.wrong_value", []string{`"rellu" is not one of`, `did you mean "relu"`}},
		{"not finite", "damping:\n  init: .inf\n", "config.", []string{"c.yaml:2:"}},
		{"scalar for a group", "cg: 5\n", "config.wrong_type", []string{"c.yaml:1:5", "under cg"}},
		{"a list at the top", "- a\n", "config.wrong_type", []string{"c.yaml:1:1"}},
		{"anchor", "threads: &x 1\nseed: *x\n", "config.syntax", []string{"c.yaml:1:"}},
		{"memory", "memory: lots\n", "config.wrong_value", []string{"want an amount of memory"}},
		{"encode", "data:\n  encode:\n    x: {kind: numerc}\n", "config.wrong_value", []string{"data.encode", "want one of numeric"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(c.text))
			var f *fault.Error
			if !errors.As(err, &f) {
				t.Fatalf("got %v", err)
			}
			if !strings.HasPrefix(f.Code, c.code) || f.Exit != fault.Config {
				t.Errorf("code %s, exit %d", f.Code, f.Exit)
			}
			for _, want := range c.want {
				if !strings.Contains(f.Error(), want) {
					t.Errorf("%q is not in\n%s", want, f.Error())
				}
			}
		})
	}
}

func TestFlagErrors(t *testing.T) {
	for _, c := range []struct {
		flags []Assignment
		exit  int
		want  string
	}{
		{[]Assignment{{"cg.maks", "1", "--set"}}, fault.Config, `did you mean "cg.max"`},
		{[]Assignment{{"cg.max", "x", "--cg-max"}}, fault.Usage, "--cg-max: cg.max: want a whole number"},
		{[]Assignment{{"cg.max", "1", "--cg-max"}, {"cg.max", "2", "--set"}}, fault.Usage, "given twice"},
		{[]Assignment{{"data.id", "[a", "--set"}}, fault.Usage, "cannot be read"},
	} {
		_, err := Load(Sources{Flags: c.flags})
		var f *fault.Error
		if !errors.As(err, &f) || f.Exit != c.exit || !strings.Contains(f.Error(), c.want) {
			t.Errorf("%v: %v", c.flags, err)
		}
	}
	if _, err := Load(Sources{Flags: []Assignment{{"cg.max", "1e2", "--cg-max"}}}); err != nil {
		t.Error(err)
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	r, err := Parse("c.yaml", []byte("cg: {max: 0}\nlm: {drop: 2}\nrun: {patience: 3}\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = r.Validate()
	for _, key := range []string{"cg.max", "lm.drop", "run.patience", "c.yaml:2"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not in %v", key, err)
		}
	}
}

// What a cell does not have cannot be set.
func TestValidateKnowsTheCells(t *testing.T) {
	for _, test := range []struct{ model, want string }{
		{"{arch: lstm}", ""},
		{"{arch: gru, structural_distance: squared_error}", ""},
		{"{arch: mrnn, factors: 7, structural_distance: cross_entropy}", ""},
		{"{arch: lstm, activation: relu}", "model.activation"},
		{"{arch: mrnn, activation: logistic}", "model.activation"},
		{"{arch: gru, hidden: [3, 4], input_layers: 5, output_layers: [6, 7], window: 10}", ""},
		{"{arch: gru, hidden: [3, 0]}", "model.hidden"},
		{"{arch: rnn, hidden: [3, 4], activation: [tanh, relu]}", "model.activation"},
		{"{arch: rnn, input_layers: [0]}", "model.input_layers"},
		{"{arch: mlp, output_layers: [3]}", "model.output_layers"},
		{"{arch: mlp, window: 3}", "model.window"},
		{"{arch: rnn, window: -3}", "model.window"},
		{"{arch: rnn, factors: 7}", "model.factors"},
		{"{arch: mrnn, factors: -1}", "model.factors"},
		{"{arch: lstm, structural_distance: cross_entropy}", "model.structural_distance"},
		{"{arch: gru}\nstates: uniform\nprecond: {kind: exact}", ""},
		{"{arch: gru}\nstates: uniform", ""},
	} {
		r, err := Parse("c.yaml", []byte("model: "+test.model+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		err = r.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: err = %v, want one about %q", test.model, err, test.want)
		}
	}
}

func TestDefaultsAndRecipesAreValid(t *testing.T) {
	for _, name := range append(Recipes(), "") {
		r, err := Load(Sources{Recipe: name})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Recipe("rnn2001"); err == nil || !strings.Contains(err.Error(), `"rnn2011"`) {
		t.Errorf("got %v", err)
	}
}

func TestSchemaCoversTheTable(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, key := range Keys() {
		group, name, nested := strings.Cut(key, ".")
		if g, ok := schema.Properties[group]; !ok || nested && g.Properties[name] == nil {
			t.Errorf("%s is not in the schema", key)
		}
	}
}

func TestExplain(t *testing.T) {
	e, err := Explain("cg.max")
	if err != nil || len(e) != 1 || e[0].Default != "50" || !strings.Contains(e[0].String(), "--cg-max") {
		t.Errorf("%v %v", e, err)
	}
	if _, err := Explain("cg.maximum"); err == nil {
		t.Error("an unknown key was explained")
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"trian": "train", "evl": "eval", "xyzzy": "", "predictt": "predict", "": ""} {
		if got := Nearest(word, []string{"train", "eval", "predict", "resume"}); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
