package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"curvestream/run/bench"
)

// The test binary serves as our own runner, as the program does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && strings.HasPrefix(os.Args[1], "-serve") {
		main()
		return
	}
	os.Exit(m.Run())
}

var tiny = problem{"tiny", "a tiny RNN", bench.Recurrent(5, 6, 4, 2, 1, "last"), ""}

// A problem is computed in the rounds that are asked for, by ours alone where there are no peers.
func TestProduct(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for _, what := range []string{"gv", "gradient"} {
			o := options{dtype: "float64", threads: threads, plan: plan{rounds: 3, seconds: 1e-5, quiet: threads > 1}}
			row, err := o.product(t.Context(), tiny, what, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(row.Runners) != threads || !(row.GFLOPS > 0) || !(row.Peak[0] > 0) || row.Peak[0] > row.Peak[2] {
				t.Errorf("%d threads, %s: %+v", threads, what, row)
			}
			for i, r := range row.Runners {
				if !(r.Low <= r.Median && r.Median <= r.High) || len(r.Samples) < 3 || (r.Ratio != nil) != (i > 0) || r.Differs != 0 {
					t.Errorf("%d threads, %s: %+v", threads, what, r)
				}
			}
		}
	}
}

// A kernel takes its turns, and its result is told.
func TestKernel(t *testing.T) {
	o := options{plan: plan{rounds: 2}}
	k := kernel{bench.Kernel{Name: "gemm_tn", M: 7, N: 5, K: 3, DType: "float32", Threads: 1}, "gemm_tn"}
	row, err := o.kernel(t.Context(), o.plan, k, false)
	if err != nil {
		t.Fatal(err)
	}
	if !(row.GFLOPS > 0) || len(row.Runners) != 1 || row.Theirs != "" {
		t.Errorf("%+v", row)
	}
}

// What runs ours is a peer by the protocol of benchmarks/peers.
func TestServe(t *testing.T) {
	var out bytes.Buffer
	problem := text(tiny.Problem)
	if err := serve(t.Context(), problem, strings.NewReader("run\nrun\n"), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want ready, two samples and the memory: %s", len(lines), out.String())
	}
	var r ready
	var s sample
	if err := json.Unmarshal([]byte(lines[0]), &r); err != nil || !r.Ready || len(r.Check) != 8 {
		t.Errorf("%v in %s", err, lines[0])
	}
	if err := json.Unmarshal([]byte(lines[2]), &s); err != nil || !(s.Seconds > 0) || !(s.Peak > 0) {
		t.Errorf("%v in %s", err, lines[2])
	}
	if err := serve(t.Context(), problem, strings.NewReader("walk\n"), &out); err == nil {
		t.Error("an unknown command is obeyed")
	}
	if err := serve(t.Context(), `{"nets": "rnn"}`, strings.NewReader(""), &out); err == nil || !strings.Contains(err.Error(), "nets") {
		t.Errorf("a misspelt key: %v", err)
	}
}

// A process that fails is told with its last words.
func TestFailingRunner(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t.Context(), "wrong", self, "-serve", `{"net": "lstm"}`); err == nil || !strings.Contains(err.Error(), "wrong") || !strings.Contains(err.Error(), "use one of") {
		t.Errorf("err = %v", err)
	}
}

func TestAgreement(t *testing.T) {
	a := []float64{10, 3, 6, 8}
	for want, b := range map[float64][]float64{0: a, 0.1: {10, 3, 7, 8}, 0.2: {10, 1, 6, 8}} {
		if got, err := agreement(a, b); err != nil || math.Abs(got-want) > 1e-15 {
			t.Errorf("%v: %g, %v, want %g", b, got, err, want)
		}
	}
	for _, b := range [][]float64{nil, {10, 3}, {10, 3, math.NaN(), 8}} {
		if got, err := agreement(a, b); err == nil {
			t.Errorf("%v agrees to %g", b, got)
		}
	}
	one, other := &runner{name: "one"}, &runner{name: "other"}
	one.ready.Check, other.ready.Check = a, []float64{10, 3, 6.01, 8}
	if _, err := checkAgreement(one, other, "float32"); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("a difference of 1e-3 passes: %v", err)
	}
}

func TestCompare(t *testing.T) {
	c := compare([]float64{2, 4, 6, 8, 10}, []float64{1, 1, 2, 2, 2})
	if c.OfMedians != 3 || c.Low != 3 || c.High != 4 {
		t.Errorf("%+v", c)
	}
	if q := quantile([]float64{1, 2, 3, 5}, 0.5); q != 2.5 {
		t.Errorf("median %g", q)
	}
	if q := quantile([]float64{7}, 0.25); q != 7 {
		t.Errorf("quartile %g of one", q)
	}
}

// Looking for a quiet moment ends when the patience does, and what other processes use is not negative.
func TestQuiet(t *testing.T) {
	before, ok := busy()
	began := time.Now()
	awaitQuiet(time.Millisecond)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("looked for %v", took)
	}
	if after, _ := busy(); ok && after < before {
		t.Errorf("busy time falls from %v to %v", before, after)
	}
}

// Without Python the command still measures, and says what is missing.
func TestMissingPeers(t *testing.T) {
	peers, missing, err := available(t.Context(), options{peers: "numpy,torch:r_op", python: filepath.Join(t.TempDir(), "python")})
	if err != nil || len(peers) != 0 || len(missing) != 2 || !strings.Contains(missing[1], "benchmarks/peers/install") {
		t.Errorf("%v, %v, %v", peers, missing, err)
	}
	if _, _, err := available(t.Context(), options{peers: "nump"}); err == nil {
		t.Error("an unknown peer is taken")
	}
	if peers, missing, err := available(t.Context(), options{peers: "none"}); err != nil || peers != nil || missing != nil {
		t.Errorf("%v, %v, %v", peers, missing, err)
	}
}

// Tables have a row for each program and kernel, and problems are what they are called.
func TestMarkdown(t *testing.T) {
	run := runnerOf{Name: "curvestream", Method: "r_op", Threads: 1, Median: 0.1, Low: 0.1, High: 0.2}
	peer := run
	peer.Name, peer.Ratio = "numpy", &ratio{1.5, 1.4, 1.6}
	r := results{Missing: []string{"peer jax is not here"},
		Products: []productOf{{Problem: "rnn50", What: "gv", GFLOP: 1, Peak: [3]float64{90, 100, 110}, Runners: []runnerOf{run, peer}}},
		Kernels:  []kernelOf{{Name: "tanh", M: 2, N: 2, PerElem: 0.4, Runners: []runnerOf{run, peer}}, {Name: "gemm_nn", M: 2, N: 2, K: 2, GFLOPS: 50, Peak: [3]float64{90, 100, 110}, Runners: []runnerOf{run}}}}
	md := r.markdown(options{threads: 1})
	for _, want := range []string{"peer jax is not here", "1.50 (1.40 – 1.60)", "| 0.10 |", "0.400 ns an element", "| gemm_nn | 2 × 2 × 2 |", "| 0.50 |"} {
		if !strings.Contains(md, want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
	for _, p := range problems {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	if names, unknown := choose("curves, rnn50", problemNames()); unknown != "" || !slices.Equal(names, []string{"curves", "rnn50"}) {
		t.Errorf("%v, %q", names, unknown)
	}
	if _, unknown := choose("rnn5", problemNames()); unknown != "rnn5" {
		t.Errorf("rnn5 is taken: %q", unknown)
	}
}
