package acceltest

import (
	"testing"

	"curvestream/accel"
)

// TestPlain sees that the definition in float32 is within the tolerances of the definition in float64.
func TestPlain(t *testing.T) {
	Run(t, plainBackend[float32]{})
}

// A wrong backend is the plain one with one method replaced.
type wrong struct {
	plainBackend[float32]
	stream accel.Stream[float32]
}

func (w wrong) Run(n int, f func(shard int, s accel.Stream[float32]) error) error {
	return w.plainBackend.Run(n, func(shard int, _ accel.Stream[float32]) error { return f(shard, w.stream) })
}

type readsC struct{ plain[float32] }

func (s readsC) GEMM(transA, transB bool, alpha float32, a, b accel.Mat[float32], beta float32, c accel.Mat[float32]) {
	if beta == 0 { // adds 0·C, which holds NaN
		each(c, func(i, j int) { *at(c, i, j) *= 0 })
		beta = 1
	}
	s.plain.GEMM(transA, transB, alpha, a, b, beta, c)
}

type writesPadding struct{ plain[float32] }

func (s writesPadding) AddMat(b accel.Mat[float32], alpha float32, a accel.Mat[float32]) {
	b.Cols, a.Cols = b.Stride, a.Stride
	s.plain.AddMat(b, alpha, a)
}

type dropsNaN struct{ plain[float32] }

func (s dropsNaN) Activate(act accel.Activation, h accel.Mat[float32]) {
	each(h, func(i, j int) {
		if x := at(h, i, j); *x != *x {
			*x = 0
		}
	})
	s.plain.Activate(act, h)
}

type losesRow struct{ plain[float32] }

func (s losesRow) LossSums(loss accel.Loss, z accel.Mat[float32], t accel.Targets[float32], owner []int32, sums []float64) {
	if z.Rows > 2 {
		z.Rows--
	}
	s.plain.LossSums(loss, z, t, owner, sums)
}

// TestCasesCatch breaks one thing at a time: cases of that operation have to tell.
func TestCasesCatch(t *testing.T) {
	for operation, stream := range map[string]accel.Stream[float32]{
		"GEMM/NN": readsC{}, "AddMat": writesPadding{}, "Activate/tanh": dropsNaN{}, "LossSums": losesRow{},
	} {
		if found := failures[float32](plainBackend[float32]{}, operation); len(found) > 0 {
			t.Errorf("%s: cases of the plain backend fail: %v", operation, found[0])
		}
		if found := failures[float32](wrong{stream: stream}, operation); len(found) == 0 {
			t.Errorf("no case of %s fails on %T", operation, stream)
		}
	}
}

// TestCheck sees that what no test runs finds the same: nothing in the plain backend, and what is wrong in others.
func TestCheck(t *testing.T) {
	if found := Check[float32](plainBackend[float32]{}, "AddMat"); len(found) > 0 {
		t.Errorf("the plain backend: %v", found[0])
	}
	if found := Check[float32](wrong{stream: writesPadding{}}, "AddMat"); len(found) == 0 {
		t.Error("nothing is found wrong")
	}
	for _, c := range []struct {
		b     accel.Backend[float32]
		fails bool
	}{{plainBackend[float32]{}, false}, {noRun{}, true}} {
		found := &collector{}
		found.do(func() { runRun(found, c.b) })
		if c.fails != (len(found.found) > 0) {
			t.Errorf("%T: %v", c.b, found.found)
		}
	}
	found := &collector{}
	found.do(func() { found.Fatal("early") })
	found.do(func() { found.Skip("nothing to do") })
	found.do(func() { panic("out of order") })
	if len(found.found) != 2 {
		t.Errorf("a failure, a skip and a panic: %v", found.found)
	}
}

// noRun runs nothing.
type noRun struct{ plainBackend[float32] }

func (noRun) Run(int, func(int, accel.Stream[float32]) error) error { return nil }

// TestCaseNames sees that names are unique: values are made from them.
func TestCaseNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases[float32]() {
		if seen[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		seen[c.Name] = true
	}
}
