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

// zero sets a register to 0.
func (i isa) zero(v vec) {
	if i == avx512 {
		build.VPXORD(v, v, v)
		return
	}
	build.VPXOR(v, v, v)
}

// One instruction in its two element types: the operands are those of the instruction, in Go's order.

func (f float) broadcast(m operand.Op, v operand.Op) {
	if f == f32 {
		build.VBROADCASTSS(m, v)
		return
	}
	build.VBROADCASTSD(m, v)
}

func (f float) mov(ops ...operand.Op) {
	if f == f32 {
		build.VMOVUPS(ops...)
		return
	}
	build.VMOVUPD(ops...)
}

func (f float) movZeroing(m, k, v operand.Op) {
	if f == f32 {
		build.VMOVUPS_Z(m, k, v)
		return
	}
	build.VMOVUPD_Z(m, k, v)
}

func (f float) maskMov(ops ...operand.Op) {
	if f == f32 {
		build.VMASKMOVPS(ops[0], ops[1], ops[2])
		return
	}
	build.VMASKMOVPD(ops[0], ops[1], ops[2])
}

func (f float) mul(ops ...operand.Op) {
	if f == f32 {
		build.VMULPS(ops...)
		return
	}
	build.VMULPD(ops...)
}

// fma231 sets c = a·b + c for operands (b, a, c).
func (f float) fma231(ops ...operand.Op) {
	if f == f32 {
		build.VFMADD231PS(ops...)
		return
	}
	build.VFMADD231PD(ops...)
}

// fma213 sets c = a·c + b for operands (b, a, c).
func (f float) fma213(ops ...operand.Op) {
	if f == f32 {
		build.VFMADD213PS(ops...)
		return
	}
	build.VFMADD213PD(ops...)
}
