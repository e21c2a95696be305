package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
	"curvestream/fnn"
	"curvestream/internal/shared"
	"curvestream/rnn"
)

// quick is a request that takes a moment.
func quick(what string) Request {
	return Request{What: what, Kernels: []string{"gemm_nt", "tanh"}, Nets: []string{"rnn"}, Hidden: []int{4, 6}, Batch: []int{5}, Length: []int{3},
		DTypes: []string{"float32"}, Threads: []int{1, 2}, In: 2, Out: 1, Form: "last", CG: 4, Repetitions: 3, Seconds: 1e-4}
}

func run(t *testing.T, r Request) *Report {
	t.Helper()
	rows := 0
	report, err := Run(t.Context(), r, func(done, all int, _ Row) {
		if rows++; done != rows || all < done {
			t.Errorf("row %d is told as %d of %d", rows, done, all)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if rows != len(report.Rows) {
		t.Errorf("%d rows told, %d reported", rows, len(report.Rows))
	}
	return report
}

// Every measurement makes a row of each combination, with all that a row promises.
func TestRows(t *testing.T) {
	for _, what := range Whats() {
		r := run(t, quick(what))
		want := 4
		if what == "kernel" {
			want = 8
		}
		if len(r.Rows) != want {
			t.Errorf("%s: %d rows, want %d", what, len(r.Rows), want)
		}
		for _, row := range r.Rows {
			counted := row.Name != "kernel/tanh"
			if len(row.Samples) != 3 || !(row.Seconds > 0) || !(row.PeakGFLOPS > 0) || !(row.SGEMMGFLOPS > 0) || (row.GFLOPS > 0) != counted {
				t.Errorf("%s: %+v", what, row)
			}
			if m, _ := mean(row.Samples); m != row.Seconds {
				t.Errorf("%s: mean %g of %v", what, row.Seconds, row.Samples)
			}
			if (row.NanosecondsPerElement > 0) == counted {
				t.Errorf("%s: %g ns an element", row.Name, row.NanosecondsPerElement)
			}
			if what == "iteration" && (row.Products < 1 || row.OutsideShare == nil || *row.OutsideShare < 0 || *row.OutsideShare >= 1) {
				t.Errorf("iteration: %+v", row)
			}
		}
	}
}

// A row has the keys that others read, whatever is measured.
func TestKeys(t *testing.T) {
	r := quick("gv")
	r.Nets, r.Hidden, r.Threads = []string{"curves", "rnn"}, []int{3}, []int{1}
	for _, row := range run(t, r).Rows {
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		want := []string{"name", "hidden", "batch", "length", "dtype", "threads", "seconds", "seconds_sd", "cpu_seconds", "gflops",
			"peak_gflops", "sgemm_gflops", "samples", "padding_share"}
		if len(object) != len(want) {
			t.Errorf("%d keys, want %d: %s", len(object), len(want), text)
		}
		for _, key := range want {
			if _, ok := object[key]; !ok {
				t.Errorf("no key %s in %s", key, text)
			}
		}
	}
}

func TestRequestErrors(t *testing.T) {
	for want, spoil := range map[string]func(r *Request){
		"measure":     func(r *Request) { r.What = "gvv" },
		"type":        func(r *Request) { r.DTypes = []string{"float16"} },
		"net":         func(r *Request) { r.Nets = []string{"lstm"} },
		"form":        func(r *Request) { r.Form = "next" },
		"repetitions": func(r *Request) { r.Repetitions = 0 },
	} {
		r := quick("gv")
		spoil(&r)
		if _, err := Run(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(stopped, quick("gv"), nil); err == nil {
		t.Error("a cancelled measurement ends without an error")
	}
}

// What cannot fit is refused before anything is made, with the bytes that it would take.
func TestMemory(t *testing.T) {
	if _, ok := availableMemory(); !ok {
		shared.Skip(t, "a system that tells how much memory is left")
	}
	for _, what := range Whats() {
		r := quick(what)
		r.Batch, r.Length, r.Kernels = []int{1 << 20}, []int{1 << 20}, []string{"gemm_nn"}
		if _, err := Run(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), "GiB") {
			t.Errorf("%s: err = %v", what, err)
		}
	}
}

func TestParseProblem(t *testing.T) {
	for want, text := range map[string]string{
		"net is":                     `{"net": "lstm", "batch": 1}`,
		"hidden is 0":                `{"net": "rnn", "batch": 1, "length": 1, "in": 1, "out": 1, "form": "last", "activations": ["tanh"]}`,
		"hiden":                      `{"net": "rnn", "hiden": 3}`,
		"fewer than two layers":      `{"net": "fnn", "batch": 1, "sizes": [3], "activations": ["tanh"]}`,
		"2 activations for 1 layers": `{"net": "fnn", "batch": 1, "sizes": [3, 2], "activations": ["tanh", "tanh"]}`,
		"unknown activation":         `{"net": "fnn", "batch": 1, "sizes": [3, 2], "activations": ["sinus"]}`,
		"unknown loss":               `{"net": "fnn", "batch": 1, "sizes": [3, 2], "activations": ["tanh"], "loss": "hinge"}`,
		"dtype":                      `{"net": "fnn", "batch": 1, "sizes": [3, 2], "activations": ["tanh"], "dtype": "float16"}`,
	} {
		if _, err := ParseProblem(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err = %v, want %q", text, err, want)
		}
	}
	if p, err := ParseProblem(`{"net": "fnn", "batch": 4, "sizes": [3, 2], "activations": ["tanh"]}`); err != nil || p.Threads != 1 || p.DType != "float32" || p.What != "gv" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestParseList(t *testing.T) {
	for text, want := range map[string][]int{
		"50":          {50},
		"50, 100,200": {50, 100, 200},
		"1-4":         {1, 2, 3, 4},
		"1-8*2":       {1, 2, 4, 8},
		"100-1000*10": {100, 1000},
		"1-10+4,7":    {1, 5, 9, 7},
	} {
		if got, err := ParseList(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "a", "1,", "4-2", "1-", "1-4*1", "1-4*", "-3", "1.5", "1-9999999"} {
		if got, err := ParseList(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestParseShare(t *testing.T) {
	for text, want := range map[string]float64{"5%": 0.05, "0.05": 0.05, " 12.5 % ": 0.125, "0": 0} {
		if got, err := ParseShare(text); err != nil || math.Abs(got-want) > 1e-15 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-5%", "nan", "x"} {
		if got, err := ParseShare(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// The numbers are those of the definition in another language (benchmarks/peers/README.md).
func TestNumbers(t *testing.T) {
	for name, want := range map[string][]float64{
		"x":          {-0.30413854122161865, 0.24547302722930908, 0.22551631927490234, -0.08410036563873291},
		"theta.W_hh": {-0.3439565896987915, -0.8661743402481079},
	} {
		s := newStream(1, name)
		for i, w := range want {
			if got := s.next(); got != w {
				t.Errorf("number %d of %s is %v, want %v", i, name, got, w)
			}
		}
	}
}

// What is counted here is what the nets count, and forward and gradient relate to it as the report's cost analysis says.
func TestFlops(t *testing.T) {
	for _, form := range []string{"each", "last"} {
		p := Recurrent(5, 7, 3, 2, 4, form)
		net, err := rnn.New(cpu.New[float32](cpu.Options{}), rnn.Config{In: 2, Hidden: 5, Out: 4, Activation: accel.Tanh})
		if err != nil {
			t.Fatal(err)
		}
		if want := net.Flops(batch[float32](p)); p.ProductFlops() != want {
			t.Errorf("%s: %g, the net counts %g", form, p.ProductFlops(), want)
		}
	}
	p := Curves(3)
	net, err := newNet(cpu.New[float32](cpu.Options{}), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := net.(*fnn.Net[float32]).Flops(batch[float32](p)); p.ProductFlops() != want {
		t.Errorf("curves: %g, the net counts %g", p.ProductFlops(), want)
	}
	p = Recurrent(256, 256, 100, 8, 8, "each") // the figures of a published analysis of this net
	if g, gv := p.GradientFlops()/1e9, p.ProductFlops()/1e9; math.Abs(g-10.59) > 0.01 || math.Abs(gv-14.05) > 0.01 {
		t.Errorf("gradient %.3f GFLOP, product %.3f", g, gv)
	}
}

// Check values do not depend on the threads, and the norms of the parts make the norm of the whole.
func TestCheckValues(t *testing.T) {
	problem := func(what string, threads int) []float64 {
		p := Recurrent(6, 9, 4, 2, 3, "each")
		p.DType, p.What, p.Threads, p.Loss = "float64", what, threads, "softmax_cross_entropy"
		i, err := Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		for range 2 { // the result is overwritten, not added to
			if err := i.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return i.Check()
	}
	for _, what := range []string{"gv", "gradient"} {
		one, two := problem(what, 1), problem(what, 2)
		if !slices.Equal(one, two) {
			t.Errorf("%s: %v on one thread, %v on two", what, one, two)
		}
		sum := 0.0
		for _, part := range one[2:] {
			sum += part * part
		}
		if len(one) != 8 || math.Abs(math.Sqrt(sum)-one[0]) > 1e-12*one[0] {
			t.Errorf("%s: the parts do not make the whole: %v", what, one)
		}
	}
	if gv := problem("gv", 1); !(gv[1] > 0) {
		t.Errorf("vᵀGv = %g: G is positive semi-definite", gv[1])
	}
}

func TestFormats(t *testing.T) {
	report := run(t, quick("iteration"))
	write := func(format string) string {
		var b bytes.Buffer
		if err := report.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var back Report
	if err := json.Unmarshal([]byte(write("json")), &back); err != nil || len(back.Rows) != len(report.Rows) || back.Machine.Kernels == "" {
		t.Errorf("json: %v, %+v", err, back)
	}
	lines := strings.Split(strings.TrimSpace(write("jsonl")), "\n")
	for _, line := range lines {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil || row["kernels"] != report.Machine.Kernels || row["name"] != "iteration/rnn" {
			t.Errorf("jsonl: %v in %s", err, line)
		}
	}
	cells, err := csv.NewReader(strings.NewReader(write("csv"))).ReadAll()
	if err != nil || len(cells) != len(lines)+1 || !slices.Contains(cells[0], "samples") {
		t.Errorf("csv: %v, %v", err, cells)
	}
	if md := write("md"); strings.Count(md, "| iteration/rnn |") != len(lines) || !strings.Contains(md, "outside") {
		t.Errorf("md:\n%s", md)
	}
	if err := report.Write(&bytes.Buffer{}, "xml"); err == nil {
		t.Error("xml is written")
	}
}

// A row that takes longer than the baseline's and the share more is told, on the clock that its threads call for.
func TestCompare(t *testing.T) {
	row := func(threads int, cpu, wall float64) Row {
		return Row{Name: "gv/rnn", Hidden: 3, Threads: threads, CPUSeconds: cpu, Samples: []float64{wall, wall, 9}}
	}
	for _, c := range []struct {
		threads                    int
		cpu, wall, oldCPU, oldWall float64
		compared, regressed        int
	}{
		{1, 1.04, 9, 1, 1, 1, 0},
		{1, 1.06, 1, 1, 9, 1, 1},
		{2, 9, 1.04, 1, 1, 1, 0},
		{2, 1, 1.06, 9, 1, 1, 1},
		{1, 0.5, 1, 1, 1, 1, 0},
	} {
		old, now := &Report{Rows: []Row{row(c.threads, c.oldCPU, c.oldWall)}}, &Report{Rows: []Row{row(c.threads, c.cpu, c.wall)}}
		if compared, regressed := now.Compare(old, 0.05); compared != c.compared || regressed != c.regressed || now.Rows[0].Baseline.OK == (regressed > 0) {
			t.Errorf("%+v: %d compared, %d slower, %+v", c, compared, regressed, now.Rows[0].Baseline)
		}
	}
	old, now := &Report{Rows: []Row{row(1, 1, 1)}}, &Report{Rows: []Row{row(2, 1, 1)}}
	if compared, _ := now.Compare(old, 1); compared != 0 || now.Rows[0].Baseline != nil {
		t.Error("rows of different threads are compared")
	}
}

func TestLoadReport(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"other.json": `{"schema":"x"}`, "broken.json": "{", "good.json": `{"schema":"` + Schema + `","rows":[{"name":"a"}]}`} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := LoadReport(path)
		if good := name == "good.json"; (err == nil) != good || good && len(r.Rows) != 1 || !good && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := LoadReport(filepath.Join(dir, "absent.json")); err == nil {
		t.Error("a missing file is read")
	}
}
