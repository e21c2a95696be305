package cuda

import (
	"unsafe"

	"curvestream/accel/cuda/ptx"
)

func emulateUpload(e *emulator, a []uintptr) result {
	from := unsafe.Slice((*byte)(pointer(a[1])), a[2])
	return e.later(a[3], func() error {
		b, err := e.memory.Bytes(uint64(a[0]), int64(len(from)))
		copy(b, from)
		return err
	})
}

func emulateDownload(e *emulator, a []uintptr) result {
	to, from := unsafe.Slice((*byte)(pointer(a[0])), a[2]), uint64(a[1])
	return e.later(a[3], func() error {
		b, err := e.memory.Bytes(from, int64(len(to)))
		copy(to, b)
		return err
	})
}

func emulateCopy(e *emulator, a []uintptr) result {
	dst, src, n := uint64(a[0]), uint64(a[1]), int64(a[2])
	return e.later(a[3], func() error {
		from, err := e.memory.Bytes(src, n)
		if err != nil {
			return err
		}
		to, err := e.memory.Bytes(dst, n)
		copy(to, from)
		return err
	})
}

func emulateSet(e *emulator, a []uintptr) result {
	dst, x, n := uint64(a[0]), byte(a[1]), int64(a[2])
	return e.later(a[3], func() error {
		b, err := e.memory.Bytes(dst, n)
		for i := range b {
			b[i] = x
		}
		return err
	})
}

func emulateLaunch(e *emulator, a []uintptr) result {
	k, ok := held[*ptx.Kernel](e, a[0])
	if !ok {
		return 400
	}
	if a[5] != 1 || a[6] != 1 || a[10] != 0 || a[7] > plainShared && int(a[7]) > e.shared[k] {
		return invalidValue
	}
	l := &ptx.Launch{Kernel: k, Grid: [3]uint32{uint32(a[1]), uint32(a[2]), uint32(a[3])}, Threads: int(a[4]), Shared: int(a[7]), Races: e.races}
	lengths := k.Params()
	for i, address := range unsafe.Slice((*uintptr)(pointer(a[9])), len(lengths)) {
		if lengths[i] == 4 {
			l.Args = append(l.Args, uint64(*(*uint32)(pointer(address))))
		} else {
			l.Args = append(l.Args, *(*uint64)(pointer(address)))
		}
	}
	return e.later(a[8], func() error { return l.Run(e.memory) })
}

func emulateAttributeOfKernel(e *emulator, a []uintptr) result {
	k, ok := held[*ptx.Kernel](e, a[0])
	switch {
	case !ok:
		return 400
	case a[1] != mostDynamicShared || a[2] > emulatedShared:
		return invalidValue
	}
	e.shared[k] = int(a[2])
	return success
}
