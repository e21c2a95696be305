package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa is an instruction set that kernels are written for.
type isa int

const (
	avx2   isa = iota // AVX2 and FMA: 16 registers of 32 bytes
	avx512            // AVX-512 F, VL, DQ and BW: 32 registers of 64 bytes, masks
)

func (i isa) String() string { return [...]string{"AVX2", "AVX512"}[i] }

// bytes returns the size of a register.
func (i isa) bytes() int { return [...]int{32, 64}[i] }

// zero sets a register to 0.
func (i isa) zero(v vec) {
	if i == avx512 {
		build.VPXORD(v, v, v)
		return
	}
	build.VPXOR(v, v, v)
}

// A float is an element type.
type float int

const (
	f32 float = 4
	f64 float = 8
)

func (f float) size() int { return int(f) }

func (f float) String() string { return map[float]string{f32: "F32", f64: "F64"}[f] }

func (f float) goType() string { return map[float]string{f32: "float32", f64: "float64"}[f] }

// A vec is a vector register of 16, 32 or 64 bytes.
type vec = reg.VecVirtual

// newVec returns a register of the given number of bytes.
func newVec(bytes int) vec {
	switch bytes {
	case 16:
		return build.XMM()
	case 32:
		return build.YMM()
	}
	return build.ZMM()
}

// An instruction has a form for each element type. Its operands are in Go's order, the destination last; of the sources, the
// first one may lie in memory.
type instruction [2]func(ops ...operand.Op)

var (
	mov        = instruction{build.VMOVUPS, build.VMOVUPD}
	broadcast  = instruction{build.VBROADCASTSS, build.VBROADCASTSD}
	add        = instruction{build.VADDPS, build.VADDPD}
	sub        = instruction{build.VSUBPS, build.VSUBPD} // (b, a, c): c = a − b
	mul        = instruction{build.VMULPS, build.VMULPD}
	div        = instruction{build.VDIVPS, build.VDIVPD}             // (b, a, c): c = a / b
	minimum    = instruction{build.VMINPS, build.VMINPD}             // the first operand where one is NaN
	maximum    = instruction{build.VMAXPS, build.VMAXPD}             // the first operand where one is NaN
	fma231     = instruction{build.VFMADD231PS, build.VFMADD231PD}   // (b, a, c): c = a·b + c
	fma213     = instruction{build.VFMADD213PS, build.VFMADD213PD}   // (b, a, c): c = a·c + b
	fnma231    = instruction{build.VFNMADD231PS, build.VFNMADD231PD} // (b, a, c): c = −a·b + c
	fnma213    = instruction{build.VFNMADD213PS, build.VFNMADD213PD} // (b, a, c): c = −a·c + b
	and        = instruction{build.VANDPS, build.VANDPD}
	or         = instruction{build.VORPS, build.VORPD}
	compare    = instruction{build.VCMPPS, build.VCMPPD}
	scalef     = instruction{build.VSCALEFPS, build.VSCALEFPD}     // AVX-512: (n, p, c): c = p·2ⁿ
	roundScale = instruction{build.VRNDSCALEPS, build.VRNDSCALEPD} // AVX-512
	blendMask  = instruction{build.VBLENDMPS, build.VBLENDMPD}     // AVX-512: (b, a, k, c): b where k, else a

	movZeroing = instruction{
		func(ops ...operand.Op) { build.VMOVUPS_Z(ops[0], ops[1], ops[2]) },
		func(ops ...operand.Op) { build.VMOVUPD_Z(ops[0], ops[1], ops[2]) },
	}
	maskMov = instruction{
		func(ops ...operand.Op) { build.VMASKMOVPS(ops[0], ops[1], ops[2]) },
		func(ops ...operand.Op) { build.VMASKMOVPD(ops[0], ops[1], ops[2]) },
	}
	round = instruction{ // AVX2
		func(ops ...operand.Op) { build.VROUNDPS(ops[0], ops[1], ops[2]) },
		func(ops ...operand.Op) { build.VROUNDPD(ops[0], ops[1], ops[2]) },
	}
	blend = instruction{ // AVX2: (mask, b, a, c): b where the mask's sign is set, else a
		func(ops ...operand.Op) { build.VBLENDVPS(ops[0], ops[1], ops[2], ops[3]) },
		func(ops ...operand.Op) { build.VBLENDVPD(ops[0], ops[1], ops[2], ops[3]) },
	}
)

// do emits an instruction in its form for f.
func (f float) do(i instruction, ops ...operand.Op) {
	if f == f32 {
		i[0](ops...)
		return
	}
	i[1](ops...)
}

// laneMask returns the mask of the first n lanes of a register, n being at most their number: an opmask register or, with
// AVX2, a vector whose lanes have their sign bits set. It changes n.
func laneMask(i isa, f float, n reg.Register) operand.Op {
	if i == avx512 {
		ones, bits, k := build.GP32(), build.GP32(), build.K()
		build.MOVL(operand.I32(-1), ones)
		build.BZHIL(n.(reg.GP).As32(), ones, bits)
		build.KMOVW(bits, k)
		return k
	}
	table, v := build.GP64(), build.YMM()
	build.LEAQ(maskTable(), table)
	build.NEGQ(n)
	build.VMOVDQU(operand.Mem{Base: table, Index: n, Scale: uint8(f.size()), Disp: 32}, v)
	return v
}

// maskTable returns 32 bytes of ones followed by 32 of zeros: the mask of n lanes starts n lanes before the middle.
func maskTable() operand.Mem {
	if !maskTableWritten {
		maskTableWritten = true
		maskTableMem = build.GLOBL("lanes", build.RODATA|build.NOPTR)
		for i := range 8 {
			build.DATA(8*i, operand.U64([]uint64{^uint64(0), 0}[i/4]))
		}
	}
	return maskTableMem
}

var (
	maskTableWritten bool
	maskTableMem     operand.Mem
)

// loadLanes reads the lanes of a mask and sets the others to 0.
func loadLanes(i isa, f float, m operand.Mem, mask operand.Op, v operand.Op) {
	if i == avx512 {
		f.do(movZeroing, m, mask, v)
		return
	}
	f.do(maskMov, m, mask, v)
}

// storeLanes writes the lanes of a mask.
func storeLanes(i isa, f float, v, mask operand.Op, m operand.Mem) {
	if i == avx512 {
		f.do(mov, v, mask, m)
		return
	}
	f.do(maskMov, v, mask, m)
}
