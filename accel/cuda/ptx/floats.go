package ptx

import "math"

// addFloats adds arithmetic in both precisions, each result rounded once, to the nearest.
func addFloats(all map[string]form) {
	single := func(f func(x, y float32) float32) form {
		return two(func(x, y uint64) uint64 { return bits32(f(float(x), float(y))) })
	}
	wide := func(f func(x, y float64) float64) form {
		return two(func(x, y uint64) uint64 { return bits64(f(double(x), double(y))) })
	}
	all["add.rn.f32"] = single(func(x, y float32) float32 { return x + y })
	all["sub.rn.f32"] = single(func(x, y float32) float32 { return x - y })
	all["mul.rn.f32"] = single(func(x, y float32) float32 { return x * y })
	all["div.rn.f32"] = single(func(x, y float32) float32 { return x / y })
	all["add.rn.f64"] = wide(func(x, y float64) float64 { return x + y })
	all["sub.rn.f64"] = wide(func(x, y float64) float64 { return x - y })
	all["mul.rn.f64"] = wide(func(x, y float64) float64 { return x * y })
	all["div.rn.f64"] = wide(func(x, y float64) float64 { return x / y })
	all["neg.f32"] = one(func(x uint64) uint64 { return x ^ 1<<31 })
	all["neg.f64"] = one(func(x uint64) uint64 { return x ^ 1<<63 })
	all["sqrt.rn.f64"] = one(func(x uint64) uint64 { return bits64(math.Sqrt(double(x))) })
	all["rcp.rn.f64"] = one(func(x uint64) uint64 { return bits64(1 / double(x)) })
	all["fma.rn.f32"] = form{4, fmaSingle}
	all["fma.rn.f64"] = form{4, fmaDouble}
}

func fmaSingle(_ *parser, o []operand) func(w *warp) {
	to, a, b, c := o[0].register, o[1].register, o[2].register, o[3].register
	return func(w *warp) {
		d, x, y, z := w.lanes(to), w.lanes(a), w.lanes(b), w.lanes(c)
		for _, l := range w.active {
			d[l&31] = bits32(fma32(float(x[l&31]), float(y[l&31]), float(z[l&31])))
		}
	}
}

func fmaDouble(_ *parser, o []operand) func(w *warp) {
	to, a, b, c := o[0].register, o[1].register, o[2].register, o[3].register
	return func(w *warp) {
		d, x, y, z := w.lanes(to), w.lanes(a), w.lanes(b), w.lanes(c)
		for _, l := range w.active {
			d[l&31] = bits64(math.FMA(double(x[l&31]), double(y[l&31]), double(z[l&31])))
		}
	}
}

const (
	belowSingle = 1<<29 - 1 // bits of a float64 that a float32 has not
	tie         = 1 << 28
	leastNormal = 0x1p-126
)

// fma32 returns x·y + z rounded once. The product is exact in float64; rounding the sum twice is wrong only where the first time
// makes a tie of it.
func fma32(x, y, z float32) float32 {
	p := float64(x) * float64(y)
	s := p + float64(z)
	if math.Float64bits(s)&belowSingle != tie && (s >= leastNormal || s <= -leastNormal) {
		return float32(s)
	}
	return fmaToOdd(p, float64(z), s)
}

// fmaToOdd rounds p + z, of which s is the float64 nearest, to a float64 whose last bit tells that something was lost, and then
// to a float32.
func fmaToOdd(p, z, s float64) float32 {
	if s != s || math.IsInf(s, 0) {
		return float32(s)
	}
	q := s - p
	lost := (p - (s - q)) + (z - q)
	b := math.Float64bits(s)
	if lost != 0 && b&1 == 0 {
		if (lost > 0) == (s > 0) {
			b++
		} else {
			b--
		}
	}
	return float32(math.Float64frombits(b))
}
