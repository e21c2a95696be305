package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"

	"curvestream/benchmarks/internal/bench"
	"curvestream/ingest/gen"
	"curvestream/run/generate"
)

// The peers' files hold the sequences of the Parquet files, in their order.
func TestRaw(t *testing.T) {
	dir := t.TempDir()
	if _, err := generate.Run(t.Context(), generate.Options{Task: "addition", Length: 10, Train: 7, Seed: 3, Format: "parquet", Dir: dir}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "train.raw")
	if err := raw(t.Context(), filepath.Join(dir, "train.parquet"), name); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var head [2]int32
	lengths, targets := make([]int32, 7), make([]float32, 7)
	for _, part := range []any{&head, lengths, targets} {
		if err := binary.Read(f, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	if head != [2]int32{7, 2} {
		t.Fatalf("head %v", head)
	}
	g, err := gen.New("addition", 10, 3)
	if err != nil {
		t.Fatal(err)
	}
	want, err := g.Record(0, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Release()
	for i := range 7 {
		if targets[i] != want.Column(2).(*array.Float32).Value(i) {
			t.Errorf("target of sequence %d: %v", i, targets[i])
		}
		// The target is the mean of the two marked values.
		steps := make([]float32, 2*lengths[i])
		if err := binary.Read(f, binary.LittleEndian, steps); err != nil {
			t.Fatal(err)
		}
		sum, marks := float32(0), float32(0)
		for s := 0; s < len(steps); s += 2 {
			sum, marks = sum+steps[s]*steps[s+1], marks+steps[s+1]
		}
		if d := sum/2 - targets[i]; marks != 2 || d > 1e-6 || d < -1e-6 {
			t.Errorf("sequence %d: %v marks, half their sum %v, target %v", i, marks, sum/2, targets[i])
		}
	}
	if n, _ := f.Read(make([]byte, 1)); n != 0 {
		t.Error("the file goes on after the last sequence")
	}
}

// What a peer prints becomes a result; success is decided by the test data alone.
func TestAnswered(t *testing.T) {
	for _, c := range []struct {
		name, out, state string
		solved           bool
	}{
		{"at its target", `{"updates":50,"sequences":5000,"seconds":2.5,"done":true,"test_error":0.002}`, bench.Finished, true},
		{"at its target, but wrong on the test data", `{"updates":50,"sequences":5000,"seconds":2.5,"done":true,"test_error":0.02}`, bench.Finished, false},
		{"out of time", `{"updates":50,"sequences":5000,"seconds":450,"done":false,"test_error":0.8}`, bench.AtLimit, false},
	} {
		r := bench.Result{}
		if err := answered([]byte(c.out), &r); err != nil {
			t.Fatal(err)
		}
		if r.State != c.state || r.Solved() != c.solved || r.Sequences != 5000 || r.Iterations != 50 {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	if err := answered([]byte("Traceback"), &bench.Result{Name: "torch-gru"}); err == nil || !strings.Contains(err.Error(), "torch-gru") {
		t.Errorf("%v", err)
	}
}

// The table has a row for every contender of a round, those that did not run too.
func TestTable(t *testing.T) {
	solved := 0.001
	r := bench.Result{State: bench.Finished, Seconds: 12.34, Sequences: 36000, Iterations: 18, Products: 2000, Test: &bench.Score{ErrorRate: &solved},
		Labels: contenders[0].job("data", "50", "1", 2).Labels}
	text := table([]bench.Result{r})
	if !strings.Contains(text, "| curvestream: tanh RNN, HF | yes | 12.3 | 36k | 18 | 2000 | 0.0010 | 0 |") || strings.Count(text, "| not run |") != len(contenders)-1 {
		t.Error(text)
	}
}

// All contenders see the same training sequences and are tested on the same others.
func TestJobs(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range contenders {
		j := c.job("data", "50", "1", 2)
		if seen[j.Name] || !strings.Contains(strings.Join(j.Args, " "), "data") {
			t.Errorf("%+v", j)
		}
		seen[j.Name] = true
		if c.cell == "" && j.Test != filepath.Join("data", "test.parquet") {
			t.Errorf("%s is tested on %s", c.name, j.Test)
		}
		for _, name := range j.Config {
			if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
				t.Error(err)
			}
		}
	}
}
