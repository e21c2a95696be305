package acceltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"curvestream/accel"
)

// runVectors compares the vectors of a backend with accel.Slice, views and special values included.
func runVectors[F accel.Float](t reporter, b accel.Backend[F]) {
	operations := map[string]func(v, w accel.Vector[F]){
		"Zero":  func(v, w accel.Vector[F]) { v.Zero() },
		"Copy":  func(v, w accel.Vector[F]) { v.Copy(w) },
		"Scale": func(v, w accel.Vector[F]) { v.Scale(-1.5) },
		"Add":   func(v, w accel.Vector[F]) { v.Add(0.75, w) },
		"Mul":   func(v, w accel.Vector[F]) { v.Mul(w) },
		"Div":   func(v, w accel.Vector[F]) { v.Div(w) },
		"Shift": func(v, w accel.Vector[F]) { v.Shift(2.25) },
		"Pow":   func(v, w accel.Vector[F]) { v.Mul(v); v.Pow(0.75) },
		"Sqrt":  func(v, w accel.Vector[F]) { v.Mul(v); v.Pow(0.5) },
		"Power": func(v, w accel.Vector[F]) { v.Mul(v); v.Pow(0.3) },
		"New":   func(v, w accel.Vector[F]) { v.Copy(v.New()) },
	}
	for name, op := range operations {
		for _, n := range []int{0, 1, 2, 3, 10, 30, 63, 65, 127, 129, 500, 100_003} {
			x, y := vectorPair[F](t, b, n)
			if got, want := x.got.Dot(y.got), x.want.Dot(y.want); !within(got, want, 1e-15*float64(n+1)) {
				t.Errorf("Dot/%d: %v, the definition says %v", n, got, want)
			}
			op(x.got, y.got)
			op(x.want, y.want)
			compareVectors(t, fmt.Sprintf("%s/%d", name, n), x)
			if n > 8 { // a view changes its own part only
				op(x.got.View(3, n-4), y.got.View(3, n-4))
				op(x.want.View(3, n-4), y.want.View(3, n-4))
				compareVectors(t, fmt.Sprintf("%s/view of %d", name, n), x)
			}
			if x.got.Len() != n {
				t.Errorf("Len is %d, not %d", x.got.Len(), n)
			}
		}
	}
	if _, err := b.NewVector(-1); err == nil {
		t.Error("NewVector(-1) returns no error")
	}
	host, err := b.FromHost([]F{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if got := host.Dot(host); got != 14 {
		t.Errorf("FromHost: Dot is %v, not 14", got)
	}
}

// A twin is a vector of the backend beside one that defines what it should hold.
type twin[F accel.Float] struct {
	got  accel.Vector[F]
	want accel.Slice[F]
}

// vectorPair returns two vectors of n random elements; the second has none near 0.
func vectorPair[F accel.Float](t reporter, b accel.Backend[F], n int) (x, y twin[F]) {
	r := rand.New(rand.NewPCG(uint64(n), 5))
	for _, v := range []*twin[F]{&x, &y} {
		v.want = make(accel.Slice[F], n)
		for i := range v.want {
			v.want[i] = F(1 + r.Float64())
			if i%2 == 1 {
				v.want[i] *= -1
			}
		}
		var err error
		if v.got, err = b.NewVector(n); err != nil {
			t.Fatal(err)
		}
		v.got.Write(v.want)
	}
	return x, y
}

func compareVectors[F accel.Float](t reporter, name string, x twin[F]) {
	t.Helper()
	got := make([]F, len(x.want))
	x.got.Read(got)
	for i := range got {
		if !within(float64(got[i]), float64(x.want[i]), 4*spacing[F]()) {
			t.Errorf("%s: element %d is %v, the definition says %v", name, i, got[i], x.want[i])
			return
		}
	}
}

// runRun sees that each shard runs once, with errors and panics kept apart from other shards, and that the number of shards
// is a function of the columns alone.
func runRun[F accel.Float](t reporter, b accel.Backend[F]) {
	for _, n := range []int{0, 1, 2, 7, 100} {
		calls := make([]int, n)
		if err := b.Run(n, func(shard int, s accel.Stream[F]) error { calls[shard]++; return s.Sync() }); err != nil {
			t.Errorf("Run(%d): %v", n, err)
		}
		for shard, c := range calls {
			if c != 1 {
				t.Errorf("Run(%d): shard %d ran %d times", n, shard, c)
			}
		}
	}
	two, five := errors.New("two"), errors.New("five")
	err := b.Run(8, func(shard int, s accel.Stream[F]) error { return map[int]error{2: two, 5: five}[shard] })
	if !errors.Is(err, two) {
		t.Errorf("Run returns %v, not the error of the lowest shard", err)
	}
	err = b.Run(4, func(shard int, s accel.Stream[F]) error {
		if shard == 3 {
			panic("index out of order")
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "index out of order") {
		t.Errorf("Run returns %v after a panic", err)
	}
	for columns := range 3000 {
		if n := b.Shards(columns); n < 1 || n != b.Shards(columns) || n > max(1, columns) {
			t.Errorf("Shards(%d) = %d", columns, n)
		}
	}
	var many sync.WaitGroup
	for range 4 { // a backend is safe for concurrent use
		many.Go(func() {
			if err := b.Run(3, func(int, accel.Stream[F]) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	many.Wait()
}
