package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A lanewise kernel computes one array from others of equal length, element by element. A vector at the end that is not full
// is masked; its lanes compute what full vectors compute, so that the bits of an element do not depend on its place.
type lanewise struct {
	isa   isa
	float float
	name  string
	doc   string

	signature string   // with %s for the element type
	scalar    string   // the parameter that is a number, or ""
	arrays    []string // the parameters that are slices; all are read
	out       string   // the one that is written

	// body returns what emits the computation on one vector of each array: it gives back the result. Constants are made
	// before the loop, by body itself.
	body func(k *lanewise) func(x map[string]vec) vec
	a    vec // the scalar, in all lanes
}

// bytes returns the size of the registers in use.
func (k *lanewise) bytes() int { return k.isa.bytes() }

func (k *lanewise) vec() vec { return newVec(k.bytes()) }

func (k *lanewise) do(i instruction, ops ...operand.Op) { k.float.do(i, ops...) }

func (k *lanewise) fullName() string { return k.name + k.isa.String() + k.float.String() }

// generate writes the kernel.
func (k *lanewise) generate() {
	build.TEXT(k.fullName(), build.NOSPLIT, fmt.Sprintf(k.signature, k.float.goType()))
	build.Pragma("noescape")
	build.Doc(k.fullName() + " " + k.doc)
	n := build.Load(build.Param(k.arrays[0]).Len(), build.GP64())
	at := map[string]reg.Register{}
	for _, name := range k.arrays {
		at[name] = build.Load(build.Param(name).Base(), build.GP64())
	}
	if k.scalar != "" {
		m, err := build.Param(k.scalar).Resolve()
		if err != nil {
			panic(err)
		}
		k.a = k.vec()
		k.do(broadcast, m.Addr, k.a)
	}
	emit := k.body(k)
	lanes := k.bytes() / k.float.size()
	loop, tail, end := k.fullName()+"loop", k.fullName()+"tail", k.fullName()+"end"
	build.SUBQ(operand.U8(lanes), n)
	build.JL(operand.LabelRef(tail))
	build.Label(loop)
	k.vector(at, emit, nil)
	for _, name := range k.arrays {
		build.ADDQ(operand.U8(k.bytes()), at[name])
	}
	build.SUBQ(operand.U8(lanes), n)
	build.JGE(operand.LabelRef(loop))
	build.Label(tail)
	build.ADDQ(operand.U8(lanes), n)
	build.JZ(operand.LabelRef(end))
	k.vector(at, emit, laneMask(k.isa, k.float, n))
	build.Label(end)
	build.VZEROUPPER()
	build.RET()
}

// vector emits the computation of one vector.
func (k *lanewise) vector(at map[string]reg.Register, emit func(x map[string]vec) vec, mask operand.Op) {
	x := map[string]vec{}
	for _, name := range k.arrays {
		x[name] = k.vec()
		m := operand.Mem{Base: at[name]}
		if mask == nil {
			k.do(mov, m, x[name])
		} else {
			loadLanes(k.isa, k.float, m, mask, x[name])
		}
	}
	y := emit(x)
	m := operand.Mem{Base: at[k.out]}
	if mask == nil {
		k.do(mov, y, m)
	} else {
		storeLanes(k.isa, k.float, y, mask, m)
	}
}

// c returns a constant in all lanes: a register with AVX-512, which has enough of them, and memory with AVX2. It is the
// first operand of what it is used in.
func (k *lanewise) c(v float64) operand.Op {
	if k.float == f32 {
		return k.bits(uint64(math.Float32bits(float32(v))))
	}
	return k.bits(math.Float64bits(v))
}

// bits returns a constant given by its bits.
func (k *lanewise) bits(b uint64) operand.Op {
	m := constant(k.float, b)
	if k.isa == avx2 {
		return m
	}
	v := k.vec()
	k.do(broadcast, m, v)
	return v
}

// constant returns 64 bytes that hold one value again and again.
func constant(f float, b uint64) operand.Mem {
	name := fmt.Sprintf("c%sx%x", f, b)
	m, ok := constants[name]
	if !ok {
		m = build.GLOBL(name, build.RODATA|build.NOPTR)
		if f == f32 {
			b |= b << 32
		}
		for i := range 8 {
			build.DATA(8*i, operand.U64(b))
		}
		constants[name] = m
	}
	return m
}

var constants = map[string]operand.Mem{}

// horner sets r = c[0] + y (c[1] + y (c[2] + …)).
func (k *lanewise) horner(y vec, c []operand.Op) vec {
	r := k.vec()
	k.do(mov, c[len(c)-1], r)
	for i := len(c) - 2; i >= 0; i-- {
		k.do(fma213, c[i], y, r)
	}
	return r
}

// cs returns the coefficients of a polynomial. Those in float64 are too many for registers.
func (k *lanewise) cs(values []float64) []operand.Op {
	var c []operand.Op
	for _, v := range values {
		if k.float == f64 {
			c = append(c, constant(f64, math.Float64bits(v)))
		} else {
			c = append(c, k.c(v))
		}
	}
	return c
}
