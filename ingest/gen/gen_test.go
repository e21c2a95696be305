package gen

import (
	"fmt"
	"math"
	"testing"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample makes sequences 0 … n−1.
func sample(t testing.TB, task string, length, n int) arrow.Record {
	t.Helper()
	g, err := New(task, length, 3)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := g.Record(0, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rec.Release)
	return rec
}

// steps returns the values of row i of a list, and of a list of lists one slice a step.
func symbolsOf(c arrow.Array, i int) []int8 {
	l := c.(*array.List)
	lo, hi := l.ValueOffsets(i)
	return l.ListValues().(*array.Int8).Int8Values()[lo:hi]
}

func pairsOf(c arrow.Array, i int) [][]float32 {
	l := c.(*array.List)
	inner := l.ListValues().(*array.List)
	values := inner.ListValues().(*array.Float32).Float32Values()
	var out [][]float32
	lo, hi := l.ValueOffsets(i)
	for e := lo; e < hi; e++ {
		x, y := inner.ValueOffsets(int(e))
		out = append(out, values[x:y])
	}
	return out
}

// Lengths, markers and targets of the three tasks with marked values are as they are defined.
func TestMarkedValues(t *testing.T) {
	const n = 3000
	for _, task := range []string{"addition", "multiplication", "xor"} {
		for _, length := range []int{10, 23, 50, 100} {
			rec := sample(t, task, length, n)
			shortest, longest := math.MaxInt, 0
			for i := range n {
				x := pairsOf(rec.Column(1), i)
				T := len(x)
				shortest, longest = min(shortest, T), max(longest, T)
				var at []int
				var marked []float32
				for tau, v := range x {
					if len(v) != 2 || v[0] < 0 || v[0] > 1 || v[1] != 0 && v[1] != 1 || task == "xor" && v[0] != 0 && v[0] != 1 {
						t.Fatalf("%s: step %d is %v", task, tau, v)
					}
					if v[1] == 1 {
						at, marked = append(at, tau+1), append(marked, v[0])
					}
				}
				if len(at) != 2 || at[0] > T/10 || at[1] < T/10 || at[1] > T/2 {
					t.Fatalf("%s: T' = %d has markers at %v", task, T, at)
				}
				u, v := marked[0], marked[1]
				switch task {
				case "addition":
					if got := rec.Column(2).(*array.Float32).Value(i); got != (u+v)/2 {
						t.Fatalf("target %g of %g and %g", got, u, v)
					}
				case "multiplication":
					if got := rec.Column(2).(*array.Float32).Value(i); got != u*v {
						t.Fatalf("target %g of %g and %g", got, u, v)
					}
				case "xor":
					if got := rec.Column(2).(*array.Boolean).Value(i); got != (u != v) {
						t.Fatalf("target %v of %g and %g", got, u, v)
					}
				}
			}
			if shortest != length || longest != 11*length/10 {
				t.Errorf("%s: T' from %d to %d for T = %d", task, shortest, longest, length)
			}
		}
	}
}

// The variance of the targets, and how often the best constant fails, are those of literature: 1/24 and .846, 7/144 and .889.
func TestTrivialPredictor(t *testing.T) {
	const n = 40000
	for _, test := range []struct {
		task                  string
		mean, variance, wrong float64
	}{{"addition", 0.5, 1. / 24, 0.846}, {"multiplication", 0.25, 7. / 144, 0.889}} {
		rec := sample(t, test.task, 10, n)
		target := rec.Column(2).(*array.Float32).Float32Values()
		var sum, squares, wrong float64
		for _, y := range target {
			d := float64(y) - test.mean
			sum += d
			squares += d * d
			if !Right(Within, []float32{float32(test.mean)}, 1, []float32{y}, nil) {
				wrong++
			}
		}
		if mean := test.mean + sum/n; math.Abs(mean-test.mean) > 0.005 {
			t.Errorf("%s: mean %g", test.task, mean)
		}
		if v := squares / n; math.Abs(v-test.variance) > 0.001 {
			t.Errorf("%s: variance %g, want %g", test.task, v, test.variance)
		}
		if w := wrong / n; math.Abs(w-test.wrong) > 0.006 {
			t.Errorf("%s: the mean is wrong in %g, want %g", test.task, w, test.wrong)
		}
	}
}

// Special symbols lie in their windows, noise elsewhere; all classes occur, and they spell the special symbols.
func TestTemporalOrder(t *testing.T) {
	const n = 4000
	for task, windows := range map[string][]window{"temporal-order": twoWindows, "temporal-order-3bit": threeWindows} {
		for _, length := range []int{10, 37, 100} {
			rec := sample(t, task, length, n)
			seen := map[int8]int{}
			places := make([]map[int]bool, len(windows))
			for i := range n {
				s := symbolsOf(rec.Column(1), i)
				if len(s) != length {
					t.Fatalf("%d steps for T = %d", len(s), length)
				}
				class, k := int8(0), 0
				for tau, v := range s {
					switch {
					case v == 1 || v == 2:
						if places[k] == nil {
							places[k] = map[int]bool{}
						}
						places[k][tau+1] = true
						class = 2*class + v - 1
						k++
					case v < 3 || v > 6:
						t.Fatalf("symbol %d", v)
					}
				}
				if got := rec.Column(2).(*array.Int8).Value(i); k != len(windows) || got != class {
					t.Fatalf("%d special symbols of class %d, target %d", k, class, got)
				}
				seen[class]++
			}
			if len(seen) != 1<<len(windows) {
				t.Errorf("%s: classes %v", task, seen)
			}
			for k, w := range windows {
				lo, hi := w.lo*length/10, w.hi*length/10
				if len(places[k]) != hi-lo+1 {
					t.Errorf("%s: T = %d: window %d has %d places, want all of %d to %d", task, length, k, len(places[k]), lo, hi)
				}
				for p := range places[k] {
					if p < lo || p > hi {
						t.Errorf("%s: T = %d: symbol %d at %d", task, length, k, p)
					}
				}
			}
		}
	}
}

func TestRandomPermutation(t *testing.T) {
	rec := sample(t, "random-permutation", 40, 2000)
	first := map[int8]int{}
	for i := range 2000 {
		x, y := symbolsOf(rec.Column(1), i), symbolsOf(rec.Column(2), i)
		if len(x) != 39 || len(y) != 39 || x[0] != y[38] {
			t.Fatalf("x %v target %v", x, y)
		}
		first[x[0]]++
		for tau := 1; tau < 39; tau++ {
			if x[tau] != y[tau-1] || x[tau] < 3 || x[tau] > 100 {
				t.Fatalf("x %v target %v", x, y)
			}
		}
	}
	if len(first) != 2 || first[1] < 900 || first[2] < 900 {
		t.Errorf("first symbols %v", first)
	}
}

func TestNoiselessMemory(t *testing.T) {
	for _, test := range []struct {
		task           string
		n, data, extra int
	}{{"noiseless-memory-5bit", 5, 2, 10}, {"noiseless-memory-20bit", 10, 5, 20}} {
		for _, T := range []int{1, 7, 100} {
			rec := sample(t, test.task, T, 64)
			distinct := map[string]bool{}
			for i := range 64 {
				x, y := symbolsOf(rec.Column(1), i), symbolsOf(rec.Column(2), i)
				blank, trigger := int8(test.data), int8(test.data+1)
				if len(x) != T+test.extra || len(y) != len(x) || x[T+test.n-1] != trigger {
					t.Fatalf("%s: T = %d: x %v", test.task, T, x)
				}
				distinct[fmt.Sprint(x[:test.n])] = true
				for tau := range x {
					switch {
					case tau < test.n:
						if x[tau] >= blank || x[tau] < 0 || x[tau] != y[len(y)-test.n+tau] {
							t.Fatalf("x %v target %v", x, y)
						}
					case x[tau] != blank && tau != T+test.n-1:
						t.Fatalf("x %v", x)
					}
					if tau < T+test.n && y[tau] != blank {
						t.Fatalf("target %v", y)
					}
				}
			}
			if test.n == 5 && len(distinct) != 32 {
				t.Errorf("%d different sequences of 64, want 32", len(distinct))
			}
		}
	}
}

// The surrogate has the statistics that were computed for its recipe, near those of CURVES.
func TestCurves(t *testing.T) {
	const n = 4000
	rec := sample(t, "curves", 0, n)
	v := rec.Column(1).(*array.List).ListValues().(*array.Float32).Float32Values()
	if len(v) != n*pixels {
		t.Fatalf("%d values", len(v))
	}
	mean := make([]float64, pixels)
	for i, x := range v {
		if x < 0 || x > 1 {
			t.Fatalf("intensity %g", x)
		}
		mean[i%pixels] += float64(x) / n
	}
	var variance, ce, entropy float64
	log := func(x, p float64) float64 {
		if x == 0 {
			return 0
		}
		return x * math.Log(p)
	}
	for i, x := range v {
		y, m := float64(x), mean[i%pixels]
		variance += (y - m) * (y - m) / n
		ce -= (log(y, m) + log(1-y, 1-m)) / n
		entropy -= (log(y, y) + log(1-y, 1-y)) / n
	}
	for name, test := range map[string]struct{ got, want, tolerance float64 }{
		"sum of variances": {variance, 16.84, 0.3}, "cross-entropy of the mean": {ce, 125.9, 2}, "entropy": {entropy, 50.2, 1},
	} {
		if math.Abs(test.got-test.want) > test.tolerance {
			t.Errorf("%s %.2f, want %.2f", name, test.got, test.want)
		}
	}
}

// A sequence depends on task, length, seed and number, and on nothing else.
func TestSequencesArePure(t *testing.T) {
	for _, task := range Tasks() {
		length := 0
		if task.MinLength > 0 {
			length = 20
		}
		g, err := New(task.Name, length, 7)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := g.Record(0, 30)
		some, _ := g.Record(13, 5)
		part := all.NewSlice(13, 18)
		for c := range int(all.NumCols()) {
			if !array.Equal(part.Column(c), some.Column(c)) {
				t.Errorf("%s: column %d of sequences 13 to 17 depends on the record", task.Name, c)
			}
		}
		if task.Distinct > 0 {
			continue
		}
		other, _ := New(task.Name, length, 8)
		if rec, _ := other.Record(0, 30); array.Equal(rec.Column(1), all.Column(1)) {
			t.Errorf("%s: the seed changes nothing", task.Name)
		}
	}
}

// A generator needs no options: what it says about itself gives roles, form, loss and complete vocabularies.
func TestGeneratorsAreInferred(t *testing.T) {
	for task, want := range map[string]string{
		"addition":               "nested last squared_error 2 1 false",
		"multiplication":         "nested last squared_error 2 1 false",
		"xor":                    "nested last logistic_cross_entropy 2 1 false",
		"temporal-order":         "nested last softmax_cross_entropy 6 4 true",
		"temporal-order-3bit":    "nested last softmax_cross_entropy 6 8 true",
		"random-permutation":     "nested each softmax_cross_entropy 100 100 true",
		"noiseless-memory-5bit":  "nested each softmax_cross_entropy 4 3 true",
		"noiseless-memory-20bit": "nested each softmax_cross_entropy 7 6 true",
		"curves":                 "flat each logistic_cross_entropy 784 784 false",
	} {
		src, err := Open("gen:" + task + "?n=3")
		if err != nil {
			t.Fatal(err)
		}
		f, err := ingest.NewFitter(src.Schema(), ingest.RoleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := src.Read(t.Context(), 0, f.Columns())
		if err != nil {
			t.Fatal(err)
		}
		scan, err := f.Scan(src.Unit(0), rec)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Merge(scan); err != nil {
			t.Fatal(err)
		}
		e, err := f.Encoding()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %s %s %d %d %v", e.Layout, e.Form, e.Loss, e.In, e.Out, e.SparseInputs); got != want {
			t.Errorf("%s: %s, want %s", task, got, want)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	g, err := New("addition", 100, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		rec, err := g.Record(0, unitRows)
		if err != nil {
			b.Fatal(err)
		}
		rec.Release()
	}
}
