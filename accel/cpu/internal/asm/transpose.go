package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// transposes writes the kernels that turn rows into columns, by AVX2 in both paths: strips of 8 rows of float32, 4 of float64.
func transposes() {
	transpose(f32, 8, block8)
	transpose(f64, 4, block4)
}

// transpose writes a kernel that turns a strip of side rows into side columns, block by block.
func transpose(f float, side int, block func(rows []vec) []vec) {
	name := "transpose" + f.String()
	build.TEXT(name, build.NOSPLIT, fmt.Sprintf("func(dst *%[1]s, dstRow int, src *%[1]s, srcRow, blocks int)", f.goType()))
	build.Pragma("noescape")
	build.Doc(fmt.Sprintf("%s sets dst, %d·blocks × %d, to the transpose of src. Strides are in bytes; blocks ≥ 1.", name, side, side))
	dst := build.Load(build.Param("dst"), build.GP64())
	dstRow := build.Load(build.Param("dstRow"), build.GP64())
	src := build.Load(build.Param("src"), build.GP64())
	from := rowAddresses(src, build.Load(build.Param("srcRow"), build.GP64()), side)
	blocks := build.Load(build.Param("blocks"), build.GP64())
	build.Label(name + "loop")
	rows := make([]vec, side)
	for i := range rows {
		rows[i] = build.YMM()
		f.do(mov, from[i], rows[i])
	}
	for _, v := range block(rows) {
		f.do(mov, v, operand.Mem{Base: dst})
		build.ADDQ(dstRow, dst)
	}
	build.ADDQ(operand.U8(32), src)
	build.DECQ(blocks)
	build.JNZ(operand.LabelRef(name + "loop"))
	build.VZEROUPPER()
	build.RET()
}

// block8 transposes 8×8 float32: pairs, then pairs of pairs, then halves.
func block8(r []vec) []vec {
	t := make([]vec, 8)
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = build.YMM(), build.YMM()
		build.VUNPCKLPS(r[i+1], r[i], t[i])
		build.VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	u := make([]vec, 8)
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			u[i+2*j], u[i+2*j+1] = build.YMM(), build.YMM()
			build.VSHUFPS(operand.U8(0x44), t[i+2+j], t[i+j], u[i+2*j])
			build.VSHUFPS(operand.U8(0xee), t[i+2+j], t[i+j], u[i+2*j+1])
		}
	}
	return halves(u[:4], u[4:])
}

// block4 transposes 4×4 float64: pairs, then halves.
func block4(r []vec) []vec {
	t := make([]vec, 4)
	for i := range 2 {
		t[2*i], t[2*i+1] = build.YMM(), build.YMM()
		build.VUNPCKLPD(r[2*i+1], r[2*i], t[2*i])
		build.VUNPCKHPD(r[2*i+1], r[2*i], t[2*i+1])
	}
	return halves(t[:2], t[2:])
}

// halves returns the lower halves of a and b together, then the upper ones.
func halves(a, b []vec) []vec {
	var all []vec
	for _, which := range []operand.U8{0x20, 0x31} {
		for i := range a {
			v := build.YMM()
			build.VPERM2F128(which, b[i], a[i], v)
			all = append(all, v)
		}
	}
	return all
}
