package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// descents writes the kernels that change vectors and return sums over what they have become: the vector work of CG in one pass.
// Elements get the bits of the kernels for single operations, and sums those of dot.
func descents(i isa) {
	for _, f := range []float{f32, f64} {
		addTwo(i, f)
		quotient(i, f)
	}
}

// A descent walks over arrays by as many elements as a register holds of float64, in the order of dot.
type descent struct {
	reduction
	at   map[string]reg.Register
	sums [][]vec // accumulators of each sum
}

// addTwo writes x = x + a p, r = r + a q; rᵀx, bᵀx.
func addTwo(i isa, f float) {
	d := newDescent(i, f, "addTwo", "a", []string{"x", "p", "r", "q", "b"}, 2, "sets x = x + a p and r = r + a q and returns rᵀx and bᵀx, summed in float64.")
	a := d.narrow()
	d.float.do(broadcast, param("a"), a)
	d.walk(func(off int, mask operand.Op, sums []vec) {
		x, r := d.get("x", off, mask), d.get("r", off, mask)
		d.float.do(fma231, a, d.get("p", off, mask), x)
		d.put("x", off, mask, x)
		d.float.do(fma231, a, d.get("q", off, mask), r)
		d.put("r", off, mask, r)
		if mask != nil { // a may be infinite
			x, r = d.inside(x, mask), d.inside(r, mask)
		}
		wide := d.widen(x)
		build.VFMADD231PD(wide, d.widen(r), sums[0])
		build.VFMADD231PD(wide, d.widen(d.get("b", off, mask)), sums[1])
	})
}

// quotient writes y = r / d; rᵀy. The lanes outside the mask divide 0 by 0 and are dropped.
func quotient(i isa, f float) {
	d := newDescent(i, f, "quotient", "", []string{"y", "r", "d"}, 1, "sets y = r / d and returns rᵀy, summed in float64.")
	d.walk(func(off int, mask operand.Op, sums []vec) {
		r, y := d.get("r", off, mask), d.narrow()
		d.float.do(div, d.get("d", off, mask), r, y)
		d.put("y", off, mask, y)
		if mask != nil {
			y = d.inside(y, mask)
		}
		build.VFMADD231PD(d.widen(y), d.widen(r), sums[0])
	})
}

// newDescent begins a kernel: it loads the addresses and clears the accumulators.
func newDescent(i isa, f float, name, scalar string, arrays []string, sums int, doc string) *descent {
	d := &descent{reduction: reduction{isa: i, float: f, name: name, arrays: arrays}, at: map[string]reg.Register{}}
	signature := fmt.Sprintf("func(%s []%s) ", list(arrays), f.goType())
	if scalar != "" {
		signature = fmt.Sprintf("func(%s %[3]s, %[2]s []%[3]s) ", scalar, list(arrays), f.goType())
	}
	build.TEXT(d.fullName(), build.NOSPLIT, signature+[]string{1: "float64", 2: "(s, t float64)"}[sums])
	build.Pragma("noescape")
	build.Doc(d.fullName() + " " + doc)
	for _, a := range arrays {
		d.at[a] = build.Load(build.Param(a).Base(), build.GP64())
	}
	for range sums {
		s := make([]vec, accumulators)
		for j := range s {
			s[j] = newVec(i.bytes())
			i.zero(s[j])
		}
		d.sums = append(d.sums, s)
	}
	return d
}

func (d *descent) fullName() string { return d.name + d.isa.String() + d.float.String() }

// walk emits the loops of dot around step, and returns the sums.
func (d *descent) walk(step func(off int, mask operand.Op, sums []vec)) {
	name := d.fullName()
	n := build.Load(build.Param(d.arrays[0]).Len(), build.GP64())
	lanes := d.isa.bytes() / f64.size()
	of := func(i int) []vec {
		var s []vec
		for _, all := range d.sums {
			s = append(s, all[i])
		}
		return s
	}
	var at []reg.Register
	for _, a := range d.arrays {
		at = append(at, d.at[a])
	}
	loop, rest, one, tail, end := name+"loop", name+"rest", name+"one", name+"tail", name+"end"
	build.SUBQ(operand.U8(accumulators*lanes), n)
	build.JL(operand.LabelRef(rest))
	build.Label(loop)
	for i := range accumulators {
		step(i*lanes, nil, of(i))
	}
	d.advance(at, n, accumulators*lanes)
	build.JGE(operand.LabelRef(loop))
	build.Label(rest)
	build.ADDQ(operand.U8((accumulators-1)*lanes), n)
	build.JL(operand.LabelRef(tail))
	build.Label(one)
	step(0, nil, of(0))
	d.advance(at, n, lanes)
	build.JGE(operand.LabelRef(one))
	build.Label(tail)
	build.ADDQ(operand.U8(lanes), n)
	build.JZ(operand.LabelRef(end))
	step(0, laneMask(d.isa, d.float, n), of(0))
	build.Label(end)
	for i, s := range d.sums {
		build.Store(d.total(s), build.ReturnIndex(i))
	}
	build.VZEROUPPER()
	build.RET()
}

// narrow returns a register for as many elements as fit a register as float64.
func (d *descent) narrow() vec {
	if d.float == f64 {
		return newVec(d.isa.bytes())
	}
	return newVec(d.isa.bytes() / 2)
}

// get reads elements, off elements on.
func (d *descent) get(array string, off int, mask operand.Op) vec {
	v, m := d.narrow(), operand.Mem{Base: d.at[array], Disp: off * d.float.size()}
	if mask == nil {
		d.float.do(mov, m, v)
	} else {
		loadLanes(d.isa, d.float, m, d.fit(mask), v)
	}
	return v
}

// put writes elements.
func (d *descent) put(array string, off int, mask operand.Op, v vec) {
	m := operand.Mem{Base: d.at[array], Disp: off * d.float.size()}
	if mask == nil {
		d.float.do(mov, v, m)
	} else {
		storeLanes(d.isa, d.float, v, d.fit(mask), m)
	}
}

// inside returns the lanes of a mask, and 0 elsewhere.
func (d *descent) inside(v vec, mask operand.Op) vec {
	w := d.narrow()
	if d.isa == avx512 {
		d.float.do(movZeroing, v, mask, w)
	} else {
		d.float.do(and, d.fit(mask), v, w)
	}
	return w
}

// fit returns a mask as wide as a narrow register.
func (d *descent) fit(mask operand.Op) operand.Op {
	if d.isa == avx2 && d.float == f32 {
		return mask.(vec).AsX()
	}
	return mask
}

// widen returns elements as float64.
func (d *descent) widen(v vec) vec {
	if d.float == f64 {
		return v
	}
	w := newVec(d.isa.bytes())
	build.VCVTPS2PD(v, w)
	return w
}
