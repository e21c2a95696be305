package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"curvestream/internal/shared"
)

func TestMain(m *testing.M) {
	os.Setenv("LANG", "C.UTF-8")
	var err error
	if scratch, err = os.MkdirTemp("", "curvestream-cli"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreTopFunction("os/signal.signal_recv"), goleak.IgnoreTopFunction("os/signal.loop")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var scratch string // for what tests share

// An outcome is what one call of the program gave.
type outcome struct {
	exit           int
	stdout, stderr string
}

// call runs the program in this process.
func call(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	exit := run(context.Background(), append([]string{"curvestream"}, args...), strings.NewReader(""), &stdout, &stderr)
	return outcome{exit, stdout.String(), stderr.String()}
}

// must is call, and the program has to succeed.
func must(t *testing.T, args ...string) outcome {
	t.Helper()
	o := call(args...)
	if o.exit != 0 {
		t.Fatalf("curvestream %s: exit %d\n%s%s", strings.Join(args, " "), o.exit, o.stdout, o.stderr)
	}
	return o
}

// object is must with --json, and returns the object that was printed.
func object(t *testing.T, args ...string) map[string]any {
	t.Helper()
	o := must(t, append(args, "--json", "-q")...)
	var v map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &v); err != nil {
		t.Fatalf("curvestream %s: %v in %q", strings.Join(args, " "), err, o.stdout)
	}
	return v
}

// small makes a small addition problem once, and returns its folder.
var small = sync.OnceValue(func() string {
	dir := filepath.Join(scratch, "data")
	if o := call("gen", "addition", "--length", "10", "--train", "300", "--valid", "60", "--test", "60", "--seed", "3", "-o", dir); o.exit != 0 {
		panic(o.stderr)
	}
	return dir
})

// training returns the arguments of a short run into dir, and more.
func training(dir string, more ...string) []string {
	return append([]string{"train", "--data", filepath.Join(small(), "train.parquet"), "--valid", filepath.Join(small(), "valid.parquet"), "--run", dir,
		"--seed", "5", "--hidden", "8", "--batch-gradient", "200", "--batch-curvature", "50", "--cg-max", "8", "-q"}, more...)
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	misspelt := filepath.Join(dir, "misspelt.yaml")
	if err := os.WriteFile(misspelt, []byte("cg:\n  tol: 1e-4\n  maxx: 100\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.parquet")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(small(), "train.parquet")
	absent := filepath.Join(dir, "absent")
	cases := []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"no command", nil, 64, []string{"needs a command", "demo"}},
		{"command", []string{"trian"}, 64, []string{`unknown command "trian"; did you mean "train"?`}},
		{"sub-command", []string{"data", "inspekt"}, 64, []string{`did you mean "inspect"?`}},
		{"group alone", []string{"config"}, 64, []string{"needs a command: show"}},
		{"flag", []string{"train", "--hiden", "7"}, 64, []string{"unknown flag --hiden; did you mean --hidden?"}},
		{"flag of a group of settings", []string{"train", "--max", "7"}, 64, []string{"did you mean --cg-max?"}},
		{"flag without value", []string{"train", "--hidden"}, 64, []string{"--hidden needs a value"}},
		{"flag twice", []string{"train", "--hidden", "7", "--hidden", "8", "--dtype", "float32", "--dtype", "float64"}, 64, []string{"--dtype is given twice"}},
		{"flag against --set", []string{"train", "--cg-max", "7", "--set", "cg.max=8"}, 64, []string{"cg.max is given twice"}},
		{"wrong value", []string{"train", "--cg-max", "many"}, 64, []string{"--cg-max", "want a whole number"}},
		{"wrong word", []string{"train", "--activation", "tahn"}, 64, []string{`did you mean "tanh"?`}},
		{"wrong --progress", []string{"train", "--data", data, "--progress", "line", "--run", absent}, 64, []string{`did you mean "lines"?`}},
		{"key", []string{"train", "-c", misspelt, "--run", absent}, 78, []string{misspelt + `:3:3: unknown key "cg.maxx"; did you mean "cg.max"?`, ">   3 |   maxx: 100"}},
		{"key of --set", []string{"train", "--set", "cg.maxx=1"}, 78, []string{`did you mean "cg.max"?`}},
		{"recipe", []string{"train", "--recipe", "rnn2001"}, 78, []string{`did you mean "rnn2011"?`}},
		{"task", []string{"gen", "additon", "-o", absent}, 64, []string{`did you mean "addition"?`}},
		{"task of a generator", []string{"train", "--data", "gen:additon?length=10", "--run", absent}, 64, []string{`did you mean "addition"?`}},
		{"key to explain", []string{"config", "explain", "cg.maxx"}, 64, []string{`did you mean "cg.max"?`}},
		{"column", []string{"train", "--data", data, "--targets", "targt", "--run", absent}, 65, []string{"targt"}},
		{"extra argument", []string{"train", data}, 64, []string{"takes no argument", "--data FILE"}},
		{"no data", []string{"train", "--run", absent}, 64, []string{"no training data"}},
		{"missing file", []string{"train", "--data", absent, "--run", absent}, 66, []string{absent}},
		{"empty file", []string{"train", "--data", empty, "--run", absent}, 65, []string{empty}},
		{"no run", []string{"eval", absent, "--data", data}, 66, []string{"there is no run or model"}},
		{"resume of no run", []string{"resume", absent}, 66, []string{"there is no run directory"}},
		{"missing configuration", []string{"train", "-c", absent}, 66, []string{absent}},
		{"endless validation", []string{"train", "--data", data, "--valid", "gen:addition?length=10&seed=1", "--run", absent}, 64, []string{"no end", "&n=1000"}},
		{"too little memory", []string{"train", "--data", data, "--memory", "1MiB", "--run", absent}, 78, []string{"memory", "at least 16MiB"}},
		{"batch larger than the data", []string{"train", "--data", data, "--batch-gradient", "1000", "--run", absent}, 78, []string{"1000", "300"}},
		{"several values at once", []string{"train", "--set", "cg.max=0", "--set", "lm.drop=2"}, 78, []string{"2 settings", "cg.max", "lm.drop"}},
		{"weights of another net", []string{"train", "--data", data, "--init-from", "../../run/config/config.go", "--run", absent}, 65, []string{"config.go"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := call(c.args...)
			if o.exit != c.exit {
				t.Errorf("exit %d, want %d\n%s", o.exit, c.exit, o.stderr)
			}
			if o.stdout != "" {
				t.Errorf("on standard output: %q", o.stdout)
			}
			for _, want := range c.want {
				if !strings.Contains(o.stderr, want) {
					t.Errorf("%q is not in\n%s", want, o.stderr)
				}
			}
			if _, err := os.Stat(absent); err == nil {
				t.Error("something was made")
				os.RemoveAll(absent)
			}
			checkJSONError(t, c.args, c.exit)
		})
	}
}

// checkJSONError calls the program with --json and demands that the last line on standard error is the error as JSON.
func checkJSONError(t *testing.T, args []string, exit int) {
	t.Helper()
	o := call(append(args, "--json")...)
	lines := strings.Split(strings.TrimSpace(o.stderr), "\n")
	var v struct {
		Error struct {
			Code, Message string
			Exit          int
		}
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil || v.Error.Exit != exit || v.Error.Code == "" || v.Error.Message == "" {
		t.Errorf("with --json the last line is %q (%v)", lines[len(lines)-1], err)
	}
}

// TestMalformedFiles gives training every malformed file: each is refused with status 65 and one error that names it.
func TestMalformedFiles(t *testing.T) {
	root := shared.Dir(t, "data", "malformed")
	files := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" {
			return err
		}
		files++
		run := filepath.Join(t.TempDir(), "run")
		o := call("train", "--data", path, "--run", run, "--iterations", "1", "-q")
		if o.exit != 65 || !strings.Contains(o.stderr, path) || strings.Count(o.stderr, "curvestream: ") != 1 {
			t.Errorf("%s: exit %d\n%s", path, o.exit, o.stderr)
		}
		if _, err := os.Stat(run); err == nil {
			t.Errorf("%s: a run directory was made", path)
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestArgumentsInAnyOrder(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"eval run --data f", "eval --data=f -- run"},
		{"--json eval run --data=f", "eval --json --data=f -- run"},
		{"resume run --iterations +5 -q", "resume --iterations=+5 --quiet -- run"},
		{"data head f -n 3 g", "data head --n=3 -- f g"},
		{"config validate a.yaml --set a=[1,2]", "config validate --set=a=[1,2] -- a.yaml"},
		{"train --no-lm-adapt --biases=false", "train --lm-adapt=false --biases=false"},
		{"train -c a -c b -n", "train --config=a --config=b --dry-run"},
		{"predict run --data - -o -", "predict --data=- --out=- -- run"},
		{"data stats -- --odd-name", "data stats -- --odd-name"},
		{"config explain -5", "config explain -- -5"},
		{"--version", "version"},
		{"train --help", "train --help"},
	} {
		got, err := arrange(newApp(&terminal{env: os.Getenv}), append([]string{"curvestream"}, strings.Fields(c.args)...))
		if err != nil || strings.Join(got[1:], " ") != c.want {
			t.Errorf("%s: %q, %v; want %q", c.args, got, err, c.want)
		}
	}
}

func TestConfigCommands(t *testing.T) {
	show := must(t, "config", "show", "--recipe", "rnn2011", "--hidden", "7").stdout
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(show), 0o644); err != nil {
		t.Fatal(err)
	}
	if again := must(t, "config", "show", "-c", file).stdout; again != show {
		t.Error("what `config show` prints does not read back to the same")
	}
	if o := must(t, "config", "show", "--origin", "--hidden", "7"); !strings.Contains(o.stdout, "# --hidden") || !strings.Contains(o.stdout, "# default") {
		t.Error(o.stdout)
	}
	must(t, "config", "validate", file)
	if o := must(t, "config", "schema"); !json.Valid([]byte(o.stdout)) {
		t.Error("the schema is not JSON")
	}
	if o := must(t, "config", "explain", "cg.max"); !strings.Contains(o.stdout, "--cg-max") || !strings.Contains(o.stdout, "8.7") {
		t.Error(o.stdout)
	}
	if v := object(t, "version"); v["kernels"] == "" || v["go"] == "" {
		t.Error(v)
	}
}

func TestGen(t *testing.T) {
	for _, task := range strings.Fields("addition multiplication xor temporal-order temporal-order-3bit random-permutation noiseless-memory-5bit noiseless-memory-20bit curves") {
		for _, format := range []string{"parquet", "arrow"} {
			t.Run(task+" "+format, func(t *testing.T) {
				dir := t.TempDir()
				args := []string{"gen", task, "--train", "20", "--valid", "10", "--test", "10", "--seed", "2", "--format", format, "-o", dir}
				if task != "curves" {
					args = append(args, "--length", "12")
				}
				must(t, args...)
				for _, part := range []string{"train", "valid", "test"} {
					file := filepath.Join(dir, part+"."+format)
					if v := object(t, "data", "validate", file); v["ok"] != true {
						t.Errorf("%s: %v", file, v)
					}
				}
				if o := call(args...); o.exit != 73 {
					t.Errorf("written over: exit %d", o.exit)
				}
			})
		}
	}
	if o := must(t, "gen", "--list"); !strings.Contains(o.stdout, "noiseless-memory-20bit") {
		t.Error(o.stdout)
	}
}

func TestCheck(t *testing.T) {
	for _, args := range [][]string{
		{"check", "--arch", "rnn", "--loss", "softmax_cross_entropy", "--form", "last"},
		{"check", "--arch", "mlp", "--hidden", "5,5", "--activation", "logistic,relu", "--loss", "squared_error", "--seed", "3"},
	} {
		v := object(t, args...)
		cases, _ := v["cases"].([]any)
		if v["ok"] != true || len(cases) < 6 {
			t.Errorf("%v: %v", args, v)
		}
		for _, c := range cases {
			for _, key := range []string{"name", "quantity", "error", "tolerance", "ok"} {
				if _, ok := c.(map[string]any)[key]; !ok {
					t.Errorf("%v has no %s", c, key)
				}
			}
		}
	}
}
