package cuda

import (
	"fmt"
	"sync"
	"unsafe"

	"curvestream/accel/cuda/ptx"
)

// emulatedMemory is what a device that is emulated has.
const emulatedMemory = 2 << 30

// An emulator is a driver whose device is the processor. As on a device, what is put on a stream happens later: here, when the
// stream is waited for. It keeps to the driver's rules and refuses what breaks them.
type emulator struct {
	memory *ptx.Memory
	limit  int64
	races  bool // kernels are watched for races in shared memory

	mu      sync.Mutex
	made    int    // calls so far
	failAt  int    // the call that fails, counted from 1; 0: none does
	failBy  result // with this result
	failed  string // its name
	handles []any  // modules, functions, streams: by handle − 1; destroyed ones are nil
	pinned  map[uintptr][]byte
	retains int
	leaked  string // what was not freed when the device was given back
	current bool
	fault   string // of a kernel: later calls fail, as on a device
}

func newEmulator() *emulator {
	return &emulator{memory: ptx.NewMemory(), limit: emulatedMemory, pinned: map[uintptr][]byte{}}
}

// A queue is a stream.
type queue struct{ work []func() error }

type loadedModule struct{ module *ptx.Module }

// parsed keeps what was made of a source: the kernels do not change.
var parsed sync.Map

func parse(source string) (*ptx.Module, error) {
	if m, ok := parsed.Load(source); ok {
		return m.(*ptx.Module), nil
	}
	m, err := ptx.Parse(source)
	if err == nil {
		parsed.Store(source, m)
	}
	return m, err
}

func (e *emulator) call(c call, a ...uintptr) result {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made++
	if e.made == e.failAt {
		e.failed = c.String()
		return e.failBy
	}
	if e.fault != "" && c != cuDevicePrimaryCtxRelease_v2 {
		return launchFailed
	}
	if c >= cuModuleLoadDataEx && !e.current {
		return 201
	}
	if f := emulated[c]; f != nil {
		return f(e, a)
	}
	panic(fmt.Sprintf("cuda: %s is not emulated", c))
}

// emulated holds what each call does.
var emulated [calls]func(e *emulator, a []uintptr) result

func init() {
	ok := func(*emulator, []uintptr) result { return success }
	emulated = [calls]func(e *emulator, a []uintptr) result{
		cuInit:                       ok,
		cuDriverGetVersion:           func(_ *emulator, a []uintptr) result { return answer(a[0], int32(0)) },
		cuDeviceGetCount:             func(_ *emulator, a []uintptr) result { return answer(a[0], int32(1)) },
		cuDeviceGet:                  emulateDevice,
		cuDeviceGetName:              emulateName,
		cuDeviceGetAttribute:         emulateAttribute,
		cuDeviceTotalMem_v2:          func(e *emulator, a []uintptr) result { return answer(a[0], uint64(e.limit)) },
		cuDevicePrimaryCtxRetain:     func(e *emulator, a []uintptr) result { e.retains++; return answer(a[0], uint64(1)) },
		cuDevicePrimaryCtxRelease_v2: emulateRelease,
		cuCtxSetCurrent:              func(e *emulator, a []uintptr) result { e.current = a[0] == 1; return success },
		cuModuleLoadDataEx:           emulateLoad,
		cuModuleGetFunction:          emulateFunction,
		cuModuleUnload:               func(e *emulator, a []uintptr) result { return e.drop(a[0]) },
		cuMemAlloc_v2:                emulateAlloc,
		cuMemFree_v2:                 emulateFree,
		cuMemGetInfo_v2: func(e *emulator, a []uintptr) result {
			answer(a[0], uint64(e.limit-e.memory.Live()))
			return answer(a[1], uint64(e.limit))
		},
		cuMemHostAlloc:       emulateHostAlloc,
		cuMemFreeHost:        emulateHostFree,
		cuStreamCreate:       func(e *emulator, a []uintptr) result { return answer(a[0], e.handle(&queue{})) },
		cuStreamSynchronize:  emulateSynchronize,
		cuStreamDestroy_v2:   func(e *emulator, a []uintptr) result { return e.drop(a[0]) },
		cuMemcpyHtoDAsync_v2: emulateUpload,
		cuMemcpyDtoHAsync_v2: emulateDownload,
		cuMemcpyDtoDAsync_v2: emulateCopy,
		cuMemsetD8Async:      emulateSet,
		cuLaunchKernel:       emulateLaunch,
	}
}

// answer writes what a call returns through a pointer.
func answer[T any](to uintptr, x T) result {
	*(*T)(pointer(to)) = x
	return success
}

// cString returns the bytes from an address to the first 0.
func cString(address uintptr) string {
	p, n := pointer(address), 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

func (e *emulator) handle(x any) uint64 {
	e.handles = append(e.handles, x)
	return uint64(len(e.handles))
}

func (e *emulator) drop(handle uintptr) result {
	if handle == 0 || handle > uintptr(len(e.handles)) || e.handles[handle-1] == nil {
		return 400
	}
	e.handles[handle-1] = nil
	return success
}

func held[T any](e *emulator, handle uintptr) (x T, ok bool) {
	if handle == 0 || handle > uintptr(len(e.handles)) {
		return x, false
	}
	x, ok = e.handles[handle-1].(T)
	return x, ok
}

func emulateDevice(_ *emulator, a []uintptr) result {
	if a[1] != 0 {
		return invalidDevice
	}
	return answer(a[0], int32(0))
}

// emulateRelease destroys the context, and with it all that is left in it.
func emulateRelease(e *emulator, _ []uintptr) result {
	if e.retains--; e.retains == 0 {
		if n, pinned := e.memory.Live(), len(e.pinned); n != 0 || pinned != 0 {
			e.leaked = fmt.Sprintf("%d bytes of device memory and %d allocations of pinned memory", n, pinned)
		}
		e.memory, e.pinned, e.handles, e.current = ptx.NewMemory(), map[uintptr][]byte{}, nil, false
	}
	return success
}

func emulateName(_ *emulator, a []uintptr) result {
	copy(unsafe.Slice((*byte)(pointer(a[0])), a[1]), "emulated GPU\x00")
	return success
}

func emulateAttribute(_ *emulator, a []uintptr) result {
	switch a[1] {
	case attributeMajor:
		return answer(a[0], int32(8))
	case attributeMinor, attributeProcessors:
		return answer(a[0], int32(0))
	}
	return invalidValue
}

func emulateLoad(e *emulator, a []uintptr) result {
	m, err := parse(cString(a[1]))
	if err != nil {
		if a[2] > 0 { // the first option is the buffer of the log
			copy(unsafe.Slice((*byte)(pointer(*(*uintptr)(pointer(a[4])))), logBytes-1), err.Error())
		}
		return 218
	}
	return answer(a[0], e.handle(loadedModule{m}))
}

func emulateFunction(e *emulator, a []uintptr) result {
	m, ok := held[loadedModule](e, a[1])
	if !ok {
		return 400
	}
	k, err := m.module.Kernel(cString(a[2]))
	if err != nil {
		return 500
	}
	return answer(a[0], e.handle(k))
}

func emulateAlloc(e *emulator, a []uintptr) result {
	if a[1] == 0 {
		return invalidValue
	}
	if int64(a[1]) > e.limit-e.memory.Live() {
		return outOfMemory
	}
	return answer(a[0], e.memory.Alloc(int64(a[1])))
}

func emulateFree(e *emulator, a []uintptr) result {
	if e.memory.Free(uint64(a[0])) != nil {
		return invalidValue
	}
	return success
}

func emulateHostAlloc(e *emulator, a []uintptr) result {
	b := make([]byte, a[1])
	address := addressOf(&b[0])
	e.pinned[address] = b
	return answer(a[0], address)
}

func emulateHostFree(e *emulator, a []uintptr) result {
	if e.pinned[a[0]] == nil {
		return invalidValue
	}
	delete(e.pinned, a[0])
	return success
}

// later puts work on a stream.
func (e *emulator) later(stream uintptr, work func() error) result {
	q, ok := held[*queue](e, stream)
	if !ok {
		return 400
	}
	q.work = append(q.work, work)
	return success
}

func emulateSynchronize(e *emulator, a []uintptr) result {
	q, ok := held[*queue](e, a[0])
	if !ok {
		return 400
	}
	work := q.work
	q.work = nil
	for _, f := range work {
		if err := f(); err != nil {
			e.fault = err.Error()
			return launchFailed
		}
	}
	return success
}

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
	if a[5] != 1 || a[6] != 1 || a[7] != 0 || a[10] != 0 {
		return invalidValue
	}
	l := &ptx.Launch{Kernel: k, Grid: [3]uint32{uint32(a[1]), uint32(a[2]), uint32(a[3])}, Threads: int(a[4]), Races: e.races}
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
