package ptx

import "math/bits"

const lanesOfWarp = 32

// A warp is 32 threads that run in step until a branch parts them. Of parted lanes those that are furthest behind in the code
// run first, until they meet others.
type warp struct {
	block     *block
	first     int      // number of its first thread in the block
	registers []uint64 // 32 for each register
	pc        [lanesOfWarp]int
	exists    uint32 // lanes that the block has
	ended     uint32
	waiting   uint32 // at the barrier at pc
	active    []uint8
	lane      [lanesOfWarp]uint8 // memory of active
	part      [lanesOfWarp]uint8 // active lanes under a guard
	copies    []copying          // begun and not waited for
}

// lanes returns a register of all lanes.
func (w *warp) lanes(register int) *[lanesOfWarp]uint64 {
	return (*[lanesOfWarp]uint64)(w.registers[register*lanesOfWarp:])
}

// start makes the warp ready for a block.
func (w *warp) start(threads int) {
	w.ended, w.waiting, w.exists, w.copies = 0, 0, 0, w.copies[:0]
	for l := range lanesOfWarp {
		w.pc[l] = 0
		if w.first+l < threads {
			w.exists |= 1 << l
		}
	}
	k := w.block.kernel
	for register, x := range k.constants {
		d := w.lanes(register)
		for l := range d {
			d[l] = x
		}
	}
	for register, name := range k.specials {
		d := w.lanes(register)
		for l := range d {
			d[l] = w.special(name, l)
		}
	}
}

func (w *warp) special(name string, lane int) uint64 {
	switch name {
	case "%ntid.x":
		return uint64(w.block.threads)
	case "%ctaid.x":
		return uint64(w.block.at[0])
	case "%ctaid.y":
		return uint64(w.block.at[1])
	case "%ctaid.z":
		return uint64(w.block.at[2])
	}
	return uint64(w.first + lane) // %tid.x
}

// run goes on until each lane has ended or waits at a barrier.
func (w *warp) run() {
	for {
		running := w.exists &^ w.ended &^ w.waiting
		if running == 0 {
			return
		}
		behind, next := int(^uint(0)>>1), int(^uint(0)>>1)
		for m := running; m != 0; m &= m - 1 {
			switch pc := w.pc[bits.TrailingZeros32(m)&31]; {
			case pc < behind:
				behind, next = pc, behind
			case pc > behind && pc < next:
				next = pc
			}
		}
		w.active = w.lane[:0]
		for m := running; m != 0; m &= m - 1 {
			if l := bits.TrailingZeros32(m) & 31; w.pc[l] == behind {
				w.active = append(w.active, uint8(l))
			}
		}
		w.together(behind, next)
	}
}

// together runs the active lanes from pc on until they part, end, wait, or come to where others are.
func (w *warp) together(pc, meet int) {
	code := w.block.kernel.code
	for pc < meet {
		w.block.pc = pc
		in := &code[pc]
		switch in.kind {
		case plain:
			if in.guard < 0 {
				in.step(w)
			} else {
				w.guarded(in)
			}
		case branch:
			to, parted := w.branch(in, pc)
			if parted {
				return
			}
			pc = to
			continue
		case exit:
			if in.guard >= 0 {
				panic("a return under a guard is not known")
			}
			w.mark(&w.ended, pc)
			return
		case barrier:
			w.mark(&w.waiting, pc)
			return
		case shuffle:
			if len(w.active) != bits.OnesCount32(w.exists) {
				panic("a shuffle that not all lanes of the warp reach together")
			}
			in.step(w)
		}
		pc++
	}
	for _, l := range w.active {
		w.pc[l&31] = pc
	}
}

// guarded runs an instruction for those active lanes whose predicate holds.
func (w *warp) guarded(in *instruction) {
	all := w.active
	w.active = w.holding(in)
	in.step(w)
	w.active = all
}

// holding returns the active lanes whose predicate holds.
func (w *warp) holding(in *instruction) []uint8 {
	p, part := w.lanes(in.guard), w.part[:0]
	for _, l := range w.active {
		if (p[l&31] != 0) != in.not {
			part = append(part, l)
		}
	}
	return part
}

// branch returns where the active lanes go on, or parts them.
func (w *warp) branch(in *instruction, pc int) (to int, parted bool) {
	if in.guard < 0 {
		return in.to, false
	}
	switch taken := w.holding(in); len(taken) {
	case len(w.active):
		return in.to, false
	case 0:
		return pc + 1, false
	default:
		for _, l := range w.active {
			w.pc[l&31] = pc + 1
		}
		for _, l := range taken {
			w.pc[l&31] = in.to
		}
		return 0, true
	}
}

// mark adds the active lanes, which have come to pc, to a set.
func (w *warp) mark(set *uint32, pc int) {
	for _, l := range w.active {
		*set |= 1 << (l & 31)
		w.pc[l&31] = pc
	}
}
