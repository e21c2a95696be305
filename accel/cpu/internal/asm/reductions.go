package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// accumulators is how many registers of float64 a reduction adds into, so that it does not wait for its additions.
const accumulators = 4

// reductions writes the kernels that return a sum of products, in float64, in an order that depends on the length alone.
func reductions(i isa) {
	for _, f := range []float{f32, f64} {
		reduction{i, f, "dot", []string{"x", "y"}, "returns xᵀy, summed in float64."}.generate()
		reduction{i, f, "sum", []string{"x"}, "returns Σ x, summed in float64."}.generate()
	}
}

// A reduction adds up the products of the elements of its arrays, one or two.
type reduction struct {
	isa    isa
	float  float
	name   string
	arrays []string
	doc    string
}

func (r reduction) generate() {
	name := r.name + r.isa.String() + r.float.String()
	build.TEXT(name, build.NOSPLIT, fmt.Sprintf("func(%s []%s) float64", list(r.arrays), r.float.goType()))
	build.Pragma("noescape")
	build.Doc(name + " " + r.doc)
	n := build.Load(build.Param(r.arrays[0]).Len(), build.GP64())
	var at []reg.Register
	for _, a := range r.arrays {
		at = append(at, build.Load(build.Param(a).Base(), build.GP64()))
	}
	sums := make([]vec, accumulators)
	for i := range sums {
		sums[i] = newVec(r.isa.bytes())
		r.isa.zero(sums[i])
	}
	lanes := r.isa.bytes() / f64.size()
	loop, rest, tail, end := name+"loop", name+"rest", name+"tail", name+"end"
	build.SUBQ(operand.U8(accumulators*lanes), n)
	build.JL(operand.LabelRef(rest))
	build.Label(loop)
	for i, s := range sums {
		r.add(at, i*lanes, nil, s)
	}
	r.advance(at, n, accumulators*lanes)
	build.JGE(operand.LabelRef(loop))
	build.Label(rest)
	build.ADDQ(operand.U8((accumulators-1)*lanes), n)
	build.JL(operand.LabelRef(tail))
	one := name + "one"
	build.Label(one)
	r.add(at, 0, nil, sums[0])
	r.advance(at, n, lanes)
	build.JGE(operand.LabelRef(one))
	build.Label(tail)
	build.ADDQ(operand.U8(lanes), n)
	build.JZ(operand.LabelRef(end))
	r.add(at, 0, laneMask(r.isa, r.float, n), sums[0])
	build.Label(end)
	build.Store(r.total(sums), build.ReturnIndex(0))
	build.VZEROUPPER()
	build.RET()
}

func list(names []string) string {
	s := names[0]
	for _, n := range names[1:] {
		s += ", " + n
	}
	return s
}

// advance moves on by n elements and compares what is left with 0.
func (r reduction) advance(at []reg.Register, left reg.Register, n int) {
	for _, a := range at {
		build.ADDQ(operand.U32(n*r.float.size()), a)
	}
	build.SUBQ(operand.U8(n), left)
}

// add adds the products of one register's lanes, off elements on, to sum.
func (r reduction) add(at []reg.Register, off int, mask operand.Op, sum vec) {
	x := r.load(operand.Mem{Base: at[0], Disp: off * r.float.size()}, mask)
	if len(at) == 1 {
		build.VADDPD(x, sum, sum)
		return
	}
	build.VFMADD231PD(r.load(operand.Mem{Base: at[1], Disp: off * r.float.size()}, mask), x, sum)
}

// load reads a register of float64, converting where needed.
func (r reduction) load(m operand.Mem, mask operand.Op) vec {
	v := newVec(r.isa.bytes())
	switch {
	case r.float == f64 && mask == nil:
		build.VMOVUPD(m, v)
	case r.float == f64:
		loadLanes(r.isa, f64, m, mask, v)
	case mask == nil:
		build.VCVTPS2PD(m, v)
	case r.isa == avx512:
		build.VCVTPS2PD_Z(m, mask, v)
	default:
		half := build.XMM()
		build.VMASKMOVPS(m, mask.(vec).AsX(), half)
		build.VCVTPS2PD(half, v)
	}
	return v
}

// total returns the sum of all lanes of all registers.
func (r reduction) total(sums []vec) reg.Register {
	build.VADDPD(sums[1], sums[0], sums[0])
	build.VADDPD(sums[3], sums[2], sums[2])
	build.VADDPD(sums[2], sums[0], sums[0])
	low, high := build.YMM(), build.YMM()
	if r.isa == avx512 {
		build.VEXTRACTF64X4(operand.U8(1), sums[0], high)
		build.VADDPD(high, sums[0].AsY(), low)
	} else {
		build.VMOVAPD(sums[0], low)
	}
	build.VEXTRACTF128(operand.U8(1), low, high.AsX())
	build.VADDPD(high.AsX(), low.AsX(), low.AsX())
	build.VHADDPD(low.AsX(), low.AsX(), low.AsX())
	return low.AsX()
}
