package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// copies writes the kernels that copy rows as long as panels are wide or tiles are high.
func copies() {
	for _, bytes := range []int{16, 24, 32, 48, 64, 96, 128, 160, 192} {
		name := fmt.Sprintf("copyRows%d", bytes)
		build.TEXT(name, build.NOSPLIT, "func(dst, src *byte, srcRow, rows int)")
		build.Pragma("noescape")
		build.Doc(fmt.Sprintf("%s copies rows of %d bytes, srcRow bytes apart, to rows without gaps; rows ≥ 1.", name, bytes))
		dst := build.Load(build.Param("dst"), build.GP64())
		src := build.Load(build.Param("src"), build.GP64())
		stride := build.Load(build.Param("srcRow"), build.GP64())
		rows := build.Load(build.Param("rows"), build.GP64())
		build.Label(name + "loop")
		for off := 0; off < bytes; {
			from, to := operand.Mem{Base: src, Disp: off}, operand.Mem{Base: dst, Disp: off}
			switch left := bytes - off; {
			case left >= 32:
				v := build.YMM()
				build.VMOVDQU(from, v)
				build.VMOVDQU(v, to)
				off += 32
			case left >= 16:
				v := build.XMM()
				build.VMOVDQU(from, v)
				build.VMOVDQU(v, to)
				off += 16
			default:
				v := build.GP64()
				build.MOVQ(from, v)
				build.MOVQ(v, to)
				off += 8
			}
		}
		build.ADDQ(stride, src)
		build.ADDQ(operand.U32(bytes), dst)
		build.DECQ(rows)
		build.JNZ(operand.LabelRef(name + "loop"))
		build.VZEROUPPER()
		build.RET()
	}
}
