package ptx

import "fmt"

// access makes a load or a store. parts are those of the opcode: ld.global.f32.
func access(parts []string, o []operand) (func(w *warp), error) {
	if len(parts) == 4 && len(o) == 2 {
		return accessVector(parts, o)
	}
	if len(parts) != 3 || len(o) != 2 || typeBytes(parts[2]) == 0 {
		return nil, fmt.Errorf("the opcode is not known")
	}
	n := typeBytes(parts[2])
	at, value := o[1], o[0].register
	if parts[0] == "st" {
		at, value = o[0], o[1].register
	}
	switch {
	case parts[1] == "param" && parts[0] == "ld" && at.place == inParams:
		return loadParam(value, at.param, n), nil
	case at.place != anywhere:
		return nil, fmt.Errorf("the operand is no place in memory")
	case parts[1] == "global" && parts[0] == "ld":
		return loadGlobal(value, at, n), nil
	case parts[1] == "global":
		return storeGlobal(value, at, n), nil
	case parts[1] == "shared" && parts[0] == "ld":
		return loadShared(value, at, n), nil
	case parts[1] == "shared":
		return storeShared(value, at, n), nil
	}
	return nil, fmt.Errorf("the opcode is not known")
}

func loadParam(to, place, n int) func(w *warp) {
	return func(w *warp) {
		x, d := load(w.block.params[place:], n), w.lanes(to)
		for _, l := range w.active {
			d[l&31] = x
		}
	}
}

// global returns n bytes of device memory.
func (w *warp) global(address uint64, n int) []byte {
	number, place := address>>placeBits, address&(1<<placeBits-1)
	if number < uint64(len(w.block.memory)) && place%uint64(n) == 0 {
		if part := w.block.memory[number]; place+uint64(n) <= uint64(len(part)) {
			return part[place:]
		}
	}
	if place%uint64(n) != 0 {
		panic(fmt.Sprintf("%d bytes at %#x, which is no multiple of that", n, address))
	}
	_, err := within(w.block.memory, address, uint64(n))
	panic(err.Error())
}

func loadGlobal(to int, at operand, n int) func(w *warp) {
	return func(w *warp) {
		d, a := w.lanes(to), w.lanes(at.register)
		for _, l := range w.active {
			d[l&31] = load(w.global(a[l&31]+at.offset, n), n)
		}
	}
}

func storeGlobal(from int, at operand, n int) func(w *warp) {
	return func(w *warp) {
		x, a := w.lanes(from), w.lanes(at.register)
		for _, l := range w.active {
			store(w.global(a[l&31]+at.offset, n), n, x[l&31])
		}
	}
}

// sharedBytes returns n bytes of the block's shared memory.
func (w *warp) sharedBytes(address uint64, n int) []byte {
	place := address - sharedBase
	if place%uint64(n) != 0 || place > uint64(len(w.block.shared)) || uint64(n) > uint64(len(w.block.shared))-place {
		panic(fmt.Sprintf("%d bytes at %d are outside of, or not in line with, %d bytes of shared memory", n, int64(place), len(w.block.shared)))
	}
	return w.block.shared[place:]
}

func loadShared(to int, at operand, n int) func(w *warp) {
	return func(w *warp) {
		d, a := w.lanes(to), w.lanes(at.register)
		for _, l := range w.active {
			address := a[l&31] + at.offset
			d[l&31] = load(w.sharedBytes(address, n), n)
			if w.block.races != nil {
				w.block.races.read(int(address-sharedBase), n, w.first+int(l))
			}
		}
	}
}

func storeShared(from int, at operand, n int) func(w *warp) {
	return func(w *warp) {
		x, a := w.lanes(from), w.lanes(at.register)
		for _, l := range w.active {
			address := a[l&31] + at.offset
			store(w.sharedBytes(address, n), n, x[l&31])
			if w.block.races != nil {
				w.block.races.wrote(int(address-sharedBase), n, w.first+int(l))
			}
		}
	}
}
