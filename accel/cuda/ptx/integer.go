package ptx

import "math/bits"

// addIntegers adds arithmetic of 32 and 64 bits and logic. A value of 32 bits has zeros above.
func addIntegers(all map[string]form) {
	narrow := func(f func(x, y uint32) uint32) form {
		return two(func(x, y uint64) uint64 { return uint64(f(uint32(x), uint32(y))) })
	}
	all["add.s32"] = narrow(func(x, y uint32) uint32 { return x + y })
	all["sub.s32"] = narrow(func(x, y uint32) uint32 { return x - y })
	all["mul.lo.s32"] = narrow(func(x, y uint32) uint32 { return x * y })
	all["div.u32"] = narrow(func(x, y uint32) uint32 {
		if y == 0 {
			panic("a division by 0")
		}
		return x / y
	})
	all["mul.hi.u32"] = narrow(func(x, y uint32) uint32 { return uint32(uint64(x) * uint64(y) >> 32) })
	all["mul.hi.u64"] = two(func(x, y uint64) uint64 { high, _ := bits.Mul64(x, y); return high })
	all["neg.s32"] = one(func(x uint64) uint64 { return uint64(-uint32(x)) })
	all["min.s32"] = narrow(func(x, y uint32) uint32 { return uint32(min(int32(x), int32(y))) })
	all["max.s32"] = narrow(func(x, y uint32) uint32 { return uint32(max(int32(x), int32(y))) })
	all["bfe.u32"] = form{4, extractBits}
	all["mad.lo.s32"] = form{4, multiplyAdd}
	all["min.u32"] = narrow(func(x, y uint32) uint32 { return min(x, y) })
	all["shl.b32"] = narrow(func(x, y uint32) uint32 { return x << y })
	all["shr.u32"] = narrow(func(x, y uint32) uint32 { return x >> y })
	all["shr.s32"] = narrow(func(x, y uint32) uint32 { return uint32(int32(x) >> y) })
	all["add.s64"] = form{3, addWide}
	all["sub.s64"] = two(func(x, y uint64) uint64 { return x - y })
	all["shr.u64"] = two(func(x, y uint64) uint64 { return x >> uint32(y) })
	all["mul.lo.s64"] = two(func(x, y uint64) uint64 { return x * y })
	all["shl.b64"] = two(func(x, y uint64) uint64 { return x << uint32(y) })
	all["shr.s64"] = two(func(x, y uint64) uint64 { return uint64(int64(x) >> uint32(y)) })
	all["mul.wide.u32"] = two(func(x, y uint64) uint64 { return uint64(uint32(x)) * uint64(uint32(y)) })
	all["mul.wide.s32"] = two(func(x, y uint64) uint64 { return uint64(int64(int32(x)) * int64(int32(y))) })
	and, or := two(func(x, y uint64) uint64 { return x & y }), two(func(x, y uint64) uint64 { return x | y })
	for _, op := range []string{"and.b32", "and.b64", "and.pred"} {
		all[op] = and
	}
	for _, op := range []string{"or.b32", "or.b64", "or.pred"} {
		all[op] = or
	}
}

func extractBits(_ *parser, o []operand) func(w *warp) {
	to, a, b, c := o[0].register, o[1].register, o[2].register, o[3].register
	return func(w *warp) {
		d, x, y, z := w.lanes(to), w.lanes(a), w.lanes(b), w.lanes(c)
		for _, l := range w.active {
			d[l&31] = uint64(uint32(x[l&31]) >> (y[l&31] & 255) & (1<<(z[l&31]&255) - 1))
		}
	}
}

func multiplyAdd(_ *parser, o []operand) func(w *warp) {
	to, a, b, c := o[0].register, o[1].register, o[2].register, o[3].register
	return func(w *warp) {
		d, x, y, z := w.lanes(to), w.lanes(a), w.lanes(b), w.lanes(c)
		for _, l := range w.active {
			d[l&31] = uint64(uint32(x[l&31])*uint32(y[l&31]) + uint32(z[l&31]))
		}
	}
}

func addWide(_ *parser, o []operand) func(w *warp) {
	to, a, b := o[0].register, o[1].register, o[2].register
	return func(w *warp) {
		d, x, y := w.lanes(to), w.lanes(a), w.lanes(b)
		for _, l := range w.active {
			d[l&31] = x[l&31] + y[l&31]
		}
	}
}

// addComparisons adds setp. The comparisons of floats that end in u hold also where an operand is NaN.
func addComparisons(all map[string]form) {
	truth := func(b bool) uint64 {
		if b {
			return 1
		}
		return 0
	}
	for name, f := range map[string]func(less, equal bool) bool{
		"eq": func(_, equal bool) bool { return equal }, "ne": func(_, equal bool) bool { return !equal },
		"lt": func(less, _ bool) bool { return less }, "le": func(less, equal bool) bool { return less || equal },
		"gt": func(less, equal bool) bool { return !less && !equal }, "ge": func(less, _ bool) bool { return !less },
	} {
		all["setp."+name+".s32"] = two(func(x, y uint64) uint64 { return truth(f(int32(x) < int32(y), uint32(x) == uint32(y))) })
		all["setp."+name+".u32"] = two(func(x, y uint64) uint64 { return truth(f(uint32(x) < uint32(y), uint32(x) == uint32(y))) })
		all["setp."+name+".s64"] = two(func(x, y uint64) uint64 { return truth(f(int64(x) < int64(y), x == y)) })
		for suffix, unordered := range map[string]uint64{"": 0, "u": 1} {
			compare := func(x, y float64) uint64 {
				if x != x || y != y {
					return unordered
				}
				return truth(f(x < y, x == y))
			}
			all["setp."+name+suffix+".f32"] = two(func(x, y uint64) uint64 { return compare(float64(float(x)), float64(float(y))) })
			all["setp."+name+suffix+".f64"] = two(func(x, y uint64) uint64 { return compare(double(x), double(y)) })
		}
	}
	for name, unordered := range map[string]bool{"nan": true, "num": false} {
		compare := func(x, y float64) uint64 { return truth((x != x || y != y) == unordered) }
		all["setp."+name+".f32"] = two(func(x, y uint64) uint64 { return compare(float64(float(x)), float64(float(y))) })
		all["setp."+name+".f64"] = two(func(x, y uint64) uint64 { return compare(double(x), double(y)) })
	}
}
