package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/goccy/go-yaml"

	"curvestream/ingest"
	"curvestream/internal/shared"
)

// speakers trains a small model on a Japanese Vowels file.
func speakers(t *testing.T, file string, more ...string) (run string) {
	t.Helper()
	run = filepath.Join(t.TempDir(), "run")
	must(t, append([]string{"train", "--data", filepath.Join(shared.Dir(t, "data"), file), "--targets", "speaker", "--hidden", "6", "--cg-max", "5",
		"--iterations", "1", "--seed", "1", "--run", run, "-q"}, more...)...)
	return run
}

// TestLayoutsMix evaluates a model of one layout on data of the other: the losses are those of the layout of training.
func TestLayoutsMix(t *testing.T) {
	dir := shared.Dir(t, "data")
	nested, long := "japanese_vowels_train.parquet", "japanese_vowels_train_long.parquet"
	for _, c := range []struct {
		trained, other string
		told           []string
	}{
		{nested, long, []string{"layout long", "sequence id: column sequence_id", "time: column step"}},
		{long, nested, []string{"layout nested", "sequence id: column id"}},
	} {
		t.Run(c.trained, func(t *testing.T) {
			run := speakers(t, c.trained, "--valid", filepath.Join(dir, c.other))
			same, other := object(t, "eval", run, "--data", filepath.Join(dir, c.trained)), object(t, "eval", run, "--data", filepath.Join(dir, c.other))
			for _, key := range []string{"loss", "accuracy", "sequences", "steps"} {
				if same[key] != other[key] {
					t.Errorf("%s is %v on the layout of training, %v on the other", key, same[key], other[key])
				}
			}
			o := must(t, "eval", run, "--data", filepath.Join(dir, c.other))
			for _, want := range c.told {
				if !strings.Contains(o.stderr, want) {
					t.Errorf("%q is not in\n%s", want, o.stderr)
				}
			}
			if o := must(t, "eval", run, "--data", filepath.Join(dir, c.trained)); o.stderr != "" {
				t.Errorf("on the layout of training it says\n%s", o.stderr)
			}
			if out := must(t, "predict", run, "--data", filepath.Join(dir, c.other), "-o", "-", "--format", "jsonl"); strings.Count(out.stdout, "\n") != 270 {
				t.Errorf("%d predictions", strings.Count(out.stdout, "\n"))
			}
		})
	}
	t.Run("mistakes", func(t *testing.T) {
		run, test := speakers(t, long), filepath.Join(dir, "japanese_vowels_test.parquet")
		for _, c := range []struct {
			args []string
			want []string
		}{
			{[]string{"--layout", "long"}, []string{test, `column "cepstra"`, "12 values", "fix: "}},
			{[]string{"--id", "speker"}, []string{test, `no column "speker"`, `did you mean "speaker"?`}},
			{[]string{"--data", filepath.Join(dir, "jsb_chorales_test.parquet")}, []string{"jsb_chorales_test", `no column "cepstra"`}},
		} {
			args := append([]string{"eval", run}, c.args...)
			if c.args[0] != "--data" {
				args = append(args, "--data", test)
			}
			o := call(args...)
			for _, want := range c.want {
				if o.exit != 65 || !strings.Contains(o.stderr, want) {
					t.Errorf("%v: exit %d, %q is not in\n%s", c.args, o.exit, want, o.stderr)
				}
			}
		}
	})
}

// lines returns the objects of a file of JSON lines.
func lines(t *testing.T, text string) (rows []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestPredictionsSpeakTheDatasLanguage: classes come out as the target column has them, and kept columns as they are in the data.
func TestPredictionsSpeakTheDatasLanguage(t *testing.T) {
	dir := shared.Dir(t, "data")
	nested, long := filepath.Join(dir, "japanese_vowels_train.parquet"), filepath.Join(dir, "japanese_vowels_train_long.parquet")
	run := speakers(t, "japanese_vowels_train.parquet")
	rows := lines(t, must(t, "predict", run, "--data", nested, "-o", "-", "--format", "jsonl", "--keep-cols", "speaker,cepstra", "-q").stdout)
	for i, row := range rows {
		speaker, text := row["prediction"].(string)
		truth, kept := row["speaker"].(string)
		steps, _ := row["cepstra"].([]any)
		if !text || !kept || speaker == "" || truth == "" || len(steps) < 7 || len(steps[0].([]any)) != 12 || row["id"] != float64(i) {
			t.Fatalf("row %d: %v", i, row)
		}
	}
	stepwise := lines(t, must(t, "predict", run, "--data", long, "-o", "-", "--format", "jsonl", "--keep-cols", "speaker,step", "-q").stdout)
	if len(rows) != 270 || len(stepwise) != 270 {
		t.Fatalf("%d and %d predictions of 270 sequences", len(rows), len(stepwise))
	}
	for i, row := range stepwise {
		who, when := row["speaker"].([]any), row["step"].([]any)
		if row["prediction"] != rows[i]["prediction"] || who[0] != rows[i]["speaker"] || len(who) != len(when) || len(who) != len(rows[i]["cepstra"].([]any)) {
			t.Fatalf("row %d: %v, nested %v", i, row, rows[i]["speaker"])
		}
	}
	out := filepath.Join(t.TempDir(), "p.parquet")
	if v := object(t, "predict", run, "--data", nested, "-o", out, "--keep-cols", "id,speaker"); fmt.Sprint(v["columns"]) != "[id prediction probabilities speaker]" {
		t.Error(v)
	}
	must(t, "data", "stats", out, "--layout", "flat", "--targets", "prediction")
	for _, c := range []struct {
		column string
		exit   int
		want   string
	}{{"speeker", 65, `did you mean "speaker"?`}, {"speaker,speaker", 64, "has a column of this name already"}} {
		if o := call("predict", run, "--data", nested, "-o", "-", "--keep-cols", c.column); o.exit != c.exit || !strings.Contains(o.stderr, c.want) || !strings.Contains(o.stderr, "fix: ") {
			t.Errorf("%s: exit %d\n%s", c.column, o.exit, o.stderr)
		}
	}
}

// TestSetAside: the sequences set aside by --valid-fraction leave the training set, and which they are depends on id and seed only.
func TestSetAside(t *testing.T) {
	dir := shared.Dir(t, "data")
	count := func(file, seed string) (train, valid float64, digest string) {
		run := filepath.Join(t.TempDir(), "run")
		must(t, "train", "--data", filepath.Join(dir, file), "--targets", "speaker", "--valid-fraction", "0.2", "--seed", seed, "--hidden", "4", "--iterations", "0", "--run", run, "-q")
		text, err := os.ReadFile(filepath.Join(run, "data.json"))
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Train, Valid struct {
				Sequences float64
				Digest    string
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		must(t, "resume", run, "--iterations", "1", "-q")
		return d.Train.Sequences, d.Valid.Sequences, d.Train.Digest + d.Valid.Digest
	}
	train, valid, digest := count("japanese_vowels_train.parquet", "1")
	if train+valid != 270 || valid < 30 || valid > 80 {
		t.Errorf("%g for training, %g for validation", train, valid)
	}
	if _, _, long := count("japanese_vowels_train_long.parquet", "1"); long != digest {
		t.Error("the long file is divided otherwise than the nested one")
	}
	if _, _, other := count("japanese_vowels_train.parquet", "2"); other == digest {
		t.Error("another seed divides in the same way")
	}
	data, run := filepath.Join(dir, "japanese_vowels_train.parquet"), filepath.Join(t.TempDir(), "run")
	for _, c := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"--data", data, "--valid", data, "--valid-fraction", "0.1"}, 78, "data.valid_fraction"},
		{[]string{"--data", data, "--valid-fraction", "1e-9"}, 65, "leaves no sequence"},
		{[]string{"--data", "gen:addition?length=10&seed=1", "--valid-fraction", "0.1"}, 64, "no end"},
		{[]string{"--data", data, "--split-col", "id"}, 65, `column "id"`},
		{[]string{"--data", data, "--split-col", "splitt"}, 65, `no column "splitt"`},
	} {
		if o := call(append([]string{"train", "--targets", "speaker", "--run", run, "-q"}, c.args...)...); o.exit != c.exit || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%v: exit %d\n%s", c.args, o.exit, o.stderr)
		}
	}
}

// splitFile writes sequences of a text column each, with a split column.
func splitFile(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "split.arrow")
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64)},
		{Name: "y", Type: arrow.PrimitiveTypes.Float64}, {Name: "split", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, part := range parts {
		if err := b.UnmarshalJSON(fmt.Appendf(nil, `{"id":%d,"x":[0.5,%d],"y":%d,"split":%q}`, i, i, i, part)); err != nil {
			t.Fatal(err)
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	w, err := ingest.NewWriter(path, ingest.WriteOptions{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSplitColumn(t *testing.T) {
	path, run := splitFile(t, "train", "train", "test", "valid", "train", "test", "valid"), filepath.Join(t.TempDir(), "run")
	r := object(t, "train", "--data", path, "--split-col", "split", "--hidden", "3", "--iterations", "2", "--seed", "1", "--run", run)
	if r["valid_loss"] == nil {
		t.Error(r)
	}
	for part, want := range map[string]float64{"train": 3, "valid": 2, "test": 2} {
		if v := object(t, "eval", run, "--data", path, "--split-col", "split", "--part", part); v["sequences"] != want {
			t.Errorf("%s has %v sequences", part, v["sequences"])
		}
	}
	rows := lines(t, must(t, "predict", run, "--data", path, "--split-col", "split", "--keep-cols", "split", "-o", "-", "--format", "jsonl", "-q").stdout)
	if len(rows) != 2 || rows[0]["id"] != 2.0 || rows[1]["id"] != 5.0 || rows[1]["split"] != "test" {
		t.Error(rows)
	}
	for _, c := range []struct{ path, want string }{{splitFile(t, "train", "validate"), `"validate" is not one of train, valid, test`}, {splitFile(t, "train", "test"), `no sequence belongs to the part "valid"`}} {
		if o := call("train", "--data", c.path, "--split-col", "split", "--run", filepath.Join(t.TempDir(), "run"), "-q"); o.exit != 65 || !strings.Contains(o.stderr, c.want) || !strings.Contains(o.stderr, c.path) {
			t.Errorf("exit %d, want %s\n%s", o.exit, c.want, o.stderr)
		}
	}
}

// TestValidationIsApart: a file that is in the training data cannot be the validation data, not even as a copy.
func TestValidationIsApart(t *testing.T) {
	dir := t.TempDir()
	content, err := os.ReadFile(filepath.Join(small(), "train.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	renamed := filepath.Join(dir, "copy.parquet")
	if err := os.WriteFile(renamed, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, valid := range []string{filepath.Join(small(), "train.parquet"), renamed} {
		o := call("train", "--data", filepath.Join(small(), "*.parquet"), "--valid", valid, "--run", filepath.Join(dir, "run"))
		if o.exit != 65 || !strings.Contains(o.stderr, valid) || !strings.Contains(o.stderr, "--valid-fraction") || !strings.Contains(o.stderr, "[data.train_valid_overlap]") {
			t.Errorf("exit %d: %s", o.exit, o.stderr)
		}
	}
}

// TestWhatARunLeaves looks at the files for people and for later: log.txt, the model's card, reports of evaluations.
func TestWhatARunLeaves(t *testing.T) {
	run, log := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "log")
	must(t, training(run, "--iterations", "2", "--log-file", log, "-v")...)
	must(t, "resume", run, "--iterations", "3", "-q")
	read := func(path ...string) string {
		text, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := read(run, "log.txt")
	for _, want := range []string{"curvestream train --data", "iter ", "ended at iteration 2: done", "curvestream resume", "ended at iteration 3: done"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in log.txt:\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "\r\x1b") {
		t.Errorf("log.txt has control characters: %q", text)
	}
	if text := read(log); !strings.Contains(text, "gradient norm") || !strings.Contains(text, "checkpoints/iter-000002") {
		t.Errorf("--log-file with -v:\n%s", text)
	}
	card := read(run, "model", "README.md")
	_, front, _ := strings.Cut(card, "---\n")
	front, _, whole := strings.Cut(front, "---\n")
	var v struct {
		Library  string   `yaml:"library_name"`
		Datasets []string `yaml:"datasets"`
		Index    []struct {
			Results []struct {
				Metrics []struct{ Value float64 } `yaml:"metrics"`
			} `yaml:"results"`
		} `yaml:"model-index"`
	}
	if err := yaml.Unmarshal([]byte(front), &v); err != nil || !whole || v.Library != "curvestream" || fmt.Sprint(v.Datasets) != "[train.parquet]" || v.Index[0].Results[0].Metrics[0].Value <= 0 {
		t.Errorf("%v %+v in\n%s", err, v, card)
	}
	if strings.Contains(card, scratch) {
		t.Errorf("the card has a path of this machine:\n%s", card)
	}
	test := filepath.Join(small(), "test.parquet")
	e := object(t, "eval", run, "--data", test)
	var kept map[string]any
	if err := json.Unmarshal([]byte(read(run, "eval", "test.json")), &kept); err != nil || fmt.Sprint(kept) != fmt.Sprint(e) {
		t.Errorf("%v: %v, printed %v", err, kept, e)
	}
	other := filepath.Join(t.TempDir(), "test.parquet")
	if err := os.WriteFile(other, []byte(read(small(), "valid.parquet")), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "eval", run, "--data", other)
	must(t, "eval", run, "--data", test, "--checkpoint", "latest")
	names, err := os.ReadDir(filepath.Join(run, "eval"))
	if err != nil || len(names) != 3 || read(run, "eval", "test.json") == "" {
		t.Errorf("%v %v", names, err)
	}
}

// TestHelpTellsDefaults: help shows the defaults of settings, and says of eval's data what they are.
func TestHelpTellsDefaults(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"train"}, "(default: true)"},
		{[]string{"train"}, "(default: global)"},
		{[]string{"eval"}, "what to apply the model to"},
		{nil, "curvestream demo"},
	} {
		if o := must(t, append(c.args, "--help")...); !strings.Contains(o.stdout, c.want) {
			t.Errorf("%v --help: %q is not in\n%s", c.args, c.want, o.stdout)
		}
	}
}
