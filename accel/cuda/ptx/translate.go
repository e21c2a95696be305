package ptx

import (
	"fmt"
	"math"
	"strings"
)

// A form is what an opcode makes of its operands: a step for all active lanes.
type form struct {
	operands int
	make     func(p *parser, o []operand) func(w *warp)
}

var forms = allForms()

func (p *parser) translate(op string, o []operand) (func(w *warp), error) {
	if f, ok := forms[op]; ok {
		if len(o) != f.operands {
			return nil, fmt.Errorf("%d operands where %s has %d", len(o), op, f.operands)
		}
		for _, one := range o {
			if one.place != nowhere || one.several != nil {
				return nil, fmt.Errorf("this form of %s is not known", op)
			}
		}
		return f.make(p, o), nil
	}
	parts := strings.Split(op, ".")
	switch {
	case parts[0] == "ld" || parts[0] == "st":
		return access(parts, o)
	case op == "cp.async.ca.shared.global":
		return p.beginCopy(o)
	case op == "cp.async.wait_all" && len(o) == 0:
		return endCopies, nil
	case op == "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32":
		return tensorProduct(o)
	case op == "mov.b64" && len(o) == 2:
		return divide64(o)
	case op == "shfl.sync.bfly.b32" && len(o) == 5:
		return butterfly(o), nil
	}
	return nil, fmt.Errorf("the opcode %s is not known", op)
}

func allForms() map[string]form {
	all := map[string]form{}
	addMoves(all)
	addIntegers(all)
	addFloats(all)
	addComparisons(all)
	return all
}

// one, two and three make forms of functions of as many inputs. The hot ones have loops of their own in the files that follow.
func one(f func(x uint64) uint64) form {
	return form{2, func(_ *parser, o []operand) func(w *warp) {
		to, a := o[0].register, o[1].register
		return func(w *warp) {
			d, x := w.lanes(to), w.lanes(a)
			for _, l := range w.active {
				d[l&31] = f(x[l&31])
			}
		}
	}}
}

func two(f func(x, y uint64) uint64) form {
	return form{3, func(_ *parser, o []operand) func(w *warp) {
		to, a, b := o[0].register, o[1].register, o[2].register
		return func(w *warp) {
			d, x, y := w.lanes(to), w.lanes(a), w.lanes(b)
			for _, l := range w.active {
				d[l&31] = f(x[l&31], y[l&31])
			}
		}
	}}
}

func addMoves(all map[string]form) {
	same := one(func(x uint64) uint64 { return x })
	for _, op := range []string{"mov.u64", "mov.f64", "mov.b64", "cvta.to.global.u64"} {
		all[op] = same
	}
	delete(all, "mov.b64") // it also takes registers apart
	low := one(func(x uint64) uint64 { return uint64(uint32(x)) })
	for _, op := range []string{"mov.u32", "mov.b32", "mov.f32", "mov.pred", "cvt.u32.u64", "cvt.u64.u32"} {
		all[op] = low
	}
	all["cvt.rna.tf32.f32"] = one(roundTF32)
	all["cvt.s64.s32"] = one(func(x uint64) uint64 { return uint64(int64(int32(x))) })
	all["cvt.f64.f32"] = one(func(x uint64) uint64 { return bits64(float64(float(x))) })
	all["cvt.rn.f32.f64"] = one(func(x uint64) uint64 { return bits32(float32(double(x))) })
	all["cvt.rn.f64.s32"] = one(func(x uint64) uint64 { return bits64(float64(int32(x))) })
	all["cvt.rzi.s32.f32"] = one(func(x uint64) uint64 { return toInt32(float64(float(x))) })
	all["cvt.rzi.s32.f64"] = one(func(x uint64) uint64 { return toInt32(double(x)) })
	for _, op := range []string{"selp.f64", "selp.f32", "selp.b32", "selp.u32", "selp.b64"} {
		all[op] = form{4, func(_ *parser, o []operand) func(w *warp) {
			to, a, b, c := o[0].register, o[1].register, o[2].register, o[3].register
			return func(w *warp) {
				d, x, y, p := w.lanes(to), w.lanes(a), w.lanes(b), w.lanes(c)
				for _, l := range w.active {
					if p[l&31] != 0 {
						d[l&31] = x[l&31]
					} else {
						d[l&31] = y[l&31]
					}
				}
			}
		}}
	}
}

// toInt32 rounds towards 0 and stays within range, as cvt.rzi does; NaN is 0.
func toInt32(x float64) uint64 {
	switch {
	case x != x:
		return 0
	case x >= math.MaxInt32:
		return math.MaxInt32
	case x <= math.MinInt32:
		return 1 << 31
	}
	return uint64(uint32(int32(x)))
}

// divide64 moves 64 bits between one register and two of 32, or between two registers.
func divide64(o []operand) (func(w *warp), error) {
	if o[0].place != nowhere || o[1].place != nowhere {
		return nil, fmt.Errorf("mov does not go to memory")
	}
	to, from := o[0].register, o[1].register
	switch {
	case len(o[0].several) == 2 && o[1].several == nil:
		low, high := o[0].several[0], o[0].several[1]
		return func(w *warp) {
			x, y, d := w.lanes(low), w.lanes(high), w.lanes(from)
			for _, l := range w.active {
				x[l&31], y[l&31] = uint64(uint32(d[l&31])), d[l&31]>>32
			}
		}, nil
	case len(o[1].several) == 2 && o[0].several == nil:
		low, high := o[1].several[0], o[1].several[1]
		return func(w *warp) {
			d, x, y := w.lanes(to), w.lanes(low), w.lanes(high)
			for _, l := range w.active {
				d[l&31] = uint64(uint32(x[l&31])) | y[l&31]<<32
			}
		}, nil
	case o[0].several == nil && o[1].several == nil:
		return func(w *warp) {
			d, x := w.lanes(to), w.lanes(from)
			for _, l := range w.active {
				d[l&31] = x[l&31]
			}
		}, nil
	}
	return nil, fmt.Errorf("this form of mov.b64 is not known")
}

// butterfly exchanges values between lanes whose numbers differ in the bits of the third operand.
func butterfly(o []operand) func(w *warp) {
	to, from, mask, bound := o[0].register, o[1].register, o[2].register, o[3].register
	return func(w *warp) {
		x := *w.lanes(from)
		d, m, b := w.lanes(to), w.lanes(mask), w.lanes(bound)
		for _, l := range w.active {
			if b[l&31] != 31 {
				panic("shuffles within parts of a warp are not known")
			}
			d[l&31] = x[(uint64(l)^m[l&31])&31]
		}
	}
}
