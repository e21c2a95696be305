package ptx

import "fmt"

// accessVector makes a load or a store of several neighbours in shared memory: ld.shared.v4.f32. They are in line with the length of
// all of them.
func accessVector(parts []string, o []operand) (func(w *warp), error) {
	at, values := o[1], o[0].several
	if parts[0] == "st" {
		at, values = o[0], o[1].several
	}
	n := typeBytes(parts[3])
	if parts[1] != "shared" || at.place != anywhere || n == 0 || "v"+fmt.Sprint(len(values)) != parts[2] {
		return nil, fmt.Errorf("the opcode is not known")
	}
	one := loadShared
	if parts[0] == "st" {
		one = storeShared
	}
	var steps []func(w *warp)
	for i, register := range values {
		part := at
		part.offset += uint64(i * n)
		steps = append(steps, one(register, part, n))
	}
	whole := uint64(n * len(values))
	return func(w *warp) {
		a := w.lanes(at.register)
		for _, l := range w.active {
			if address := a[l&31] + at.offset; (address-sharedBase)%whole != 0 {
				panic(fmt.Sprintf("%d bytes at %d of shared memory, which is no multiple of that", whole, int64(address-sharedBase)))
			}
		}
		for _, step := range steps {
			step(w)
		}
	}, nil
}
