package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// One value that is not finite is found wherever it is, and none where none is, by both paths, at any length and alignment.
func TestFinite(t *testing.T) {
	largest, subnormal := float32(math.MaxFloat32), float32(math.SmallestNonzeroFloat32)
	bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), -float32(math.NaN())}
	for n := range 140 {
		for skip := range 3 {
			x := make([]float32, skip+n)[skip:]
			for i := range x {
				x[i] = []float32{largest, -largest, subnormal, 0, -1}[i%5]
			}
			if !Finite(x) || !finite(x) {
				t.Fatalf("%d values: not finite", n)
			}
			for i := range x {
				good := x[i]
				x[i] = bad[i%len(bad)]
				if Finite(x) || finite(x) {
					t.Fatalf("%d values: %v at %d is overlooked", n, x[i], i)
				}
				x[i] = good
			}
		}
	}
}

// Both paths write the same places, with the same bits, and no others.
func TestColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		var rows [8][]float32
		for c := range rows {
			rows[c] = make([]float32, n+rng.IntN(9))
			for i := range rows[c] {
				rows[c][i] = math.Float32frombits(rng.Uint32()) // NaNs, too
			}
		}
		offsets, end := make([]int, n), rng.IntN(5)
		for i := range offsets {
			offsets[i] = end
			end += 8 + rng.IntN(20)
		}
		got, want := make([]float32, end+8), make([]float32, end+8)
		Columns(got, offsets, &rows)
		for i, o := range offsets {
			for c := range rows {
				want[o+c] = rows[c][i]
			}
		}
		bits := func(a, b float32) int { return int(math.Float32bits(a)) - int(math.Float32bits(b)) }
		if slices.CompareFunc(got, want, bits) != 0 {
			t.Fatalf("%d time-steps:\n%x\nwant\n%x", n, got, want)
		}
	}
}

// What would be read or written out of bounds panics before it is.
func TestColumnsBounds(t *testing.T) {
	rows := func(last int) *[8][]float32 {
		var r [8][]float32
		for c := range r {
			r[c] = make([]float32, 16)
		}
		r[7] = r[7][:last:last]
		return &r
	}
	offsets := make([]int, 16)
	for i := range offsets {
		offsets[i] = 8 * i
	}
	for name, c := range map[string]struct {
		to   int
		rows *[8][]float32
		fits bool
	}{
		"fits":      {128, rows(16), true},
		"short row": {128, rows(15), false},
		"short to":  {127, rows(16), false},
	} {
		func() {
			defer func() {
				if r := recover(); (r == nil) != c.fits {
					t.Errorf("%s: %v", name, r)
				}
			}()
			Columns(make([]float32, c.to), offsets, c.rows)
		}()
	}
}

// Fetch changes nothing, and takes any slice.
func TestFetch(t *testing.T) {
	x := []float32{1, 2, 3}
	Fetch(nil)
	Fetch(x[:0])
	Fetch(x)
	if !slices.Equal(x, []float32{1, 2, 3}) {
		t.Error(x)
	}
}

func BenchmarkColumns(b *testing.B) {
	const n = 160
	var rows [8][]float32
	for c := range rows {
		rows[c] = make([]float32, n)
	}
	offsets := make([]int, n)
	for i := range offsets {
		offsets[i] = 1000 * i
	}
	to := make([]float32, 1000*n)
	for name, do := range map[string]func(){
		"fast":  func() { Columns(to, offsets, &rows) },
		"plain": func() { columns(to, offsets, &rows, 0) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(4 * 8 * n)
			for b.Loop() {
				do()
			}
		})
	}
}
