package main

import (
	"path/filepath"
	"strings"
	"testing"

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
