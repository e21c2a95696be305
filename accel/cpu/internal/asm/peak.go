package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// peakChains is how many fused multiply-adds are under way at once: two a cycle with a latency of four need eight.
const peakChains = 12

// peaks writes, for each instruction set and type, the loop that measures how fast a core multiplies and adds: x = x/2 + 1 in
// registers, in independent chains.
func peaks() {
	for _, i := range []isa{avx2, avx512} {
		for _, f := range []float{f32, f64} {
			peak(i, f)
		}
	}
}

func peak(i isa, f float) {
	name := fmt.Sprintf("peak%s%s", i, f)
	build.TEXT(name, build.NOSPLIT, fmt.Sprintf("func(half, one %s, rounds int)", f.goType()))
	build.Doc(fmt.Sprintf("%s makes rounds > 0 of %d fused multiply-adds of %d lanes.", name, peakChains, i.bytes()/f.size()))
	half, one := newVec(i.bytes()), newVec(i.bytes())
	for _, p := range []struct {
		name string
		v    vec
	}{{"half", half}, {"one", one}} {
		at, err := build.Param(p.name).Resolve()
		if err != nil {
			panic(err)
		}
		f.do(broadcast, at.Addr, p.v)
	}
	rounds := build.Load(build.Param("rounds"), build.GP64())
	chains := make([]vec, peakChains)
	for c := range chains {
		chains[c] = newVec(i.bytes())
		f.do(mov, one, chains[c])
	}
	loop := name + "loop"
	build.Label(loop)
	for _, x := range chains {
		f.do(fma213, one, half, x)
	}
	build.DECQ(rounds)
	build.JNZ(operand.LabelRef(loop))
	build.VZEROUPPER()
	build.RET()
}
